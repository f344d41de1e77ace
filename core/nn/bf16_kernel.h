#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// `count` numbers as float32, and as bf16, to the nearest: for kernels that know float32 alone.
void widen(std::int64_t count, const Bf16* x, float* y);
void narrow(std::int64_t count, const float* x, Bf16* y);

}  // namespace dream
