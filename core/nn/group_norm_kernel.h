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

}  // namespace dream
