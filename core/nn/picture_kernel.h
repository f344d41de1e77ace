#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// out = x / 255 - 0.5.
void pixels_to_numbers(std::int64_t count, const std::uint8_t* x, float* out);
void pixels_to_numbers(std::int64_t count, const std::uint8_t* x, Bf16* out);

/// Σ e² over `count` pixels, where e = y - (x / 255 - 0.5), or σ(y) - x / 255.
float picture_squares(std::int64_t count, bool sigmoid, const float* y, const std::uint8_t* x);
float picture_squares(std::int64_t count, bool sigmoid, const Bf16* y, const std::uint8_t* x);

/// dy = factor · d(Σ e²)/dy.
void picture_squares_backward(std::int64_t count, bool sigmoid, float factor, const float* y, const std::uint8_t* x,
                              float* dy);
void picture_squares_backward(std::int64_t count, bool sigmoid, float factor, const Bf16* y, const std::uint8_t* x,
                              Bf16* dy);

}  // namespace dream
