#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// y = x / (1 − share), or 0 for a share of all numbers: which, follows from `seed` and a number's place alone, counted
/// from `first` on, so that the gradient needs no mask. x and y are apart or the same.
void drop_numbers(std::int64_t count, std::uint32_t first, std::uint64_t seed, float share, const float* x, float* y);
void drop_numbers(std::int64_t count, std::uint32_t first, std::uint64_t seed, float share, const Bf16* x, Bf16* y);

}  // namespace dream
