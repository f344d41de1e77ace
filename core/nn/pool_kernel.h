#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// The largest of each 2 × 2 pixels, channel by channel: x [rows, width, channels] -> y [rows/2, width/2, channels],
/// and which of the four it was (0 … 3, the first of equals). rows and width are even.
void pool_forward(std::int64_t rows, std::int64_t width, std::int64_t channels, const float* x, float* y,
                  std::uint8_t* which);
void pool_forward(std::int64_t rows, std::int64_t width, std::int64_t channels, const Bf16* x, Bf16* y,
                  std::uint8_t* which);

/// All of dx: dy where `which` says, 0 elsewhere.
void pool_backward(std::int64_t rows, std::int64_t width, std::int64_t channels, const std::uint8_t* which,
                   const float* dy, float* dx);
void pool_backward(std::int64_t rows, std::int64_t width, std::int64_t channels, const std::uint8_t* which,
                   const Bf16* dy, Bf16* dx);

}  // namespace dream
