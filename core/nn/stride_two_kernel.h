#pragma once
#include <cstdint>

#include "core/nn/vector_block.h"

namespace dream {

/// Convolutions of 4 × 4 with stride 2 over [N, H, W, C], as V's encoder has them, made of matrix products.
///
/// Seen two pixels at a time in both directions, such a convolution is one of 2 × 2 with stride 1 over four times the
/// channels, and for those Winograd's F(2 × 2, 2 × 2) needs 9 products where the sum itself has 16. In one dimension, with
/// d the input and g the weights: m = [(d0 - d1)·g0, d1·(g0 + g1), (d1 - d2)·g1], y = [m0 + m1, m1 - m2].
struct StrideTwo {
  std::int64_t size;      // of the input, both ways
  std::int64_t channels;  // a multiple of 16
  std::int64_t tiles() const { return (size - 2) / 4; }  // of 2 × 2 outputs, both ways
};

/// input [frames, size, size, channels] -> tiles [9, frames · tiles², 4 · channels].
void winograd_tiles(const StrideTwo& shape, std::int64_t frames, const float* input, float* tiles);
void winograd_tiles(const StrideTwo& shape, std::int64_t frames, const float* input, Bf16* tiles);

/// products [9, frames · tiles², outputs] -> max(0, sum + bias) [frames, 2 · tiles, 2 · tiles, outputs]; outputs is a
/// multiple of 16.
void winograd_outputs(const StrideTwo& shape, std::int64_t frames, std::int64_t outputs, const float* products,
                      const float* bias, float* output);
void winograd_outputs(const StrideTwo& shape, std::int64_t frames, std::int64_t outputs, const Bf16* products,
                      const float* bias, float* output);

/// The first one, from bytes [frames, 64, 64, 3] to 32 channels: weight [4 · 4 · 3, 32] -> max(0, sum + bias)
/// [frames, 31, 31, 32].
void first_convolution(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                       float* output);

/// The same with weights in bf16, [24, 32, 2]: of two taps that follow one another, side by side. Bytes are exact in bf16, and sums are float32.
/// Only where first_convolution_narrow_serves(): the processor has products of such pairs.
bool first_convolution_narrow_serves();
void first_convolution_narrow(std::int64_t frames, const std::uint8_t* input, const Bf16* weight, const float* bias, float* output);

// Its versions, of which it takes the best that the processor can run.
#ifdef DREAM_X86_VERSIONS
void first_convolution_v3(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                          float* output);
void first_convolution_v4(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                          float* output);
#endif
void first_convolution_plain(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                             float* output);

}  // namespace dream
