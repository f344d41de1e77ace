#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// What a transformer computes token by token, for a few rows: weights are read once and not kept, so that they are what takes
/// the time, and half as many bytes of them half of it.

/// x [rows, inner] · w [inner, columns] + bias [columns] -> y [rows, columns]; with `add`, y + all that. `packed` is w in blocks of
/// columns: [columns / 64, inner, 64], bf16 or float32; columns is a multiple of 64, inner of 2. Sums are float32, and each depends
/// on its own row alone.
constexpr std::int64_t token_columns = 64;
void token_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const Bf16* packed,
                   const float* bias, float* y, bool add);
void token_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const float* packed,
                   const float* bias, float* y, bool add);

/// softmax(q kᵀ / √each) v of one token: its query [heads · each] looks at `count` tokens, whose keys lie at key[i] + `offset`,
/// [heads · each], and their values right behind. `each` is a multiple of vector_block. Needs heads · count numbers of scratch.
void token_attention(std::int64_t heads, std::int64_t each, std::int64_t count, const float* query, const float* const* key,
                     std::int64_t offset, float* out, float* scratch);

/// x Φ(x), in place; the error of Φ is below 2e-7 (Abramowitz & Stegun 7.1.26).
void token_gelu(std::int64_t count, float* x);

}  // namespace dream
