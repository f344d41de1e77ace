#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// Numbers of a simplex that the kernels below know.
constexpr std::int64_t simplex_group = 8;

/// y = softmax(x) of every eight of `count` numbers, a multiple of eight.
void simplex_forward(std::int64_t count, const float* x, float* y);
void simplex_forward(std::int64_t count, const Bf16* x, Bf16* y);
/// dx of the same, from y and dy.
void simplex_backward(std::int64_t count, const float* y, const float* dy, float* dx);
void simplex_backward(std::int64_t count, const Bf16* y, const Bf16* dy, Bf16* dx);

}  // namespace dream
