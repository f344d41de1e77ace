#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// For pixels x [pixels, channels], channels a multiple of vector_block: adds Σ x and Σ x² of every channel to `sum` and
/// `squares`, [channels] each.
void channel_moments(std::int64_t pixels, std::int64_t channels, const float* x, float* sum, float* squares);
void channel_moments(std::int64_t pixels, std::int64_t channels, const Bf16* x, float* sum, float* squares);

/// y = x·rate + offset, rate and offset [channels]; with `silu` y·σ(y) of that. x and y may be the same.
void channel_affine(std::int64_t pixels, std::int64_t channels, const float* x, const float* rate, const float* offset, bool silu,
                    float* y);
void channel_affine(std::int64_t pixels, std::int64_t channels, const Bf16* x, const float* rate, const float* offset, bool silu,
                    Bf16* y);

/// Backwards through channel_affine(): dx = rate·da + of_x·x + constant, da the slope of what `silu` was taken of, all of them
/// [channels] but x, dy and dx [pixels, channels]. And adds Σ da and Σ da·x of every channel to `sum` and `product`.
void channel_affine_back(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate, const float* offset,
                         const float* of_x, const float* constant, bool silu, float* dx);
void channel_slopes(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate, const float* offset,
                    bool silu, float* sum, float* product);

}  // namespace dream
