#pragma once
#include <cstdint>

#include "core/nn/vector_block.h"

namespace dream {

/// y [o] = bias [o] + Σ_i w [o, i] · x [i] for rows `from` to before `to`; `in` is a multiple of 2 · vector_block, bias may be null. One
/// row of x at a time: what takes the time is to read w.
void narrow_rows(std::int64_t in, std::int64_t from, std::int64_t to, const float* x, const Bf16* w, const float* bias, float* y);

}  // namespace dream
