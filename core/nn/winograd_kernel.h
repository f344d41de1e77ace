#pragma once
#include <cstdint>

#include "core/nn/vector_block.h"

namespace dream {

/// Pixels [height, width, channels], channels a multiple of 16.
struct PixelSource {
  const float* x = nullptr;
  std::int64_t channels = 0;
};

/// One picture's 3 × 3 convolution with stride 1 and zeros around, in float32, with all that stands before and after it in a block of a
/// U-Net: y = Σ w · silu(x · rate + offset) + bias + what is added.
///
/// Winograd's F(4 × 4, 3 × 3) (Lavin & Gray 2016, arXiv 1509.09308, section 4.3): 36 products for 16 outputs, where the sum itself has
/// 144. Its points are 0, ±√½, ±√2 and ∞, which err less in float32 than theirs, 0, ±1, ±2 and ∞.
struct FusedConvolution {
  std::int64_t height = 0, width = 0;  // of y
  std::int64_t inputs = 0, outputs = 0;
  PixelSource sources[2];                          // whose channels stand side by side; the second may be none
  bool doubled = false;                            // they have half the sides: every pixel stands for 2 × 2
  const float *rate = nullptr, *offset = nullptr;  // [inputs], or both null: x itself is what is summed, without SiLU
  const float* weights = nullptr;                  // of pack_winograd()
  const float* bias = nullptr;                     // [outputs]
  const float* kept = nullptr;                     // [height, width, outputs], added; may be null, and y
  PixelSource beside[2];                           // a 1 × 1 convolution of these is added as well
  const float* beside_weights = nullptr;           // [outputs / 16, channels of both, 16]; may be null
  float* y = nullptr;                              // [height, width, outputs]
  float* moments = nullptr;                        // [tile_rows(), 2, outputs]: Σ y and Σ y² of four rows
  std::int64_t tile_rows() const { return (height + 3) / 4; }
  std::int64_t tiles_across() const { return (width + 3) / 4; }
};

/// Makes rows `first` to before `last` of tiles, each of four rows of y, by one thread. Numbers depend neither on how the rows are shared
/// out nor on each other's rows. `scratch` is winograd_scratch() numbers, at multiples of 64 bytes like all else.
void fused_convolution(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch);
std::int64_t winograd_scratch(const FusedConvolution& of);

/// weights [outputs, inputs, 3, 3] -> packed [padded outputs / 16, 36, padded inputs, 16]; of inputs `from` to before `to` alone, what is
/// missing becomes 0.
void pack_winograd(std::int64_t outputs, std::int64_t inputs, std::int64_t from, std::int64_t to, const float* weights, float* packed);
constexpr std::int64_t winograd_points = 36;
constexpr std::int64_t panel = 16;
constexpr std::int64_t padded(std::int64_t channels) {
  return (channels + panel - 1) / panel * panel;
}

// Its versions, of which it takes the best that the processor can run.
#ifdef DREAM_X86_VERSIONS
void fused_convolution_v3(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch);
void fused_convolution_v4(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch);
#endif
void fused_convolution_plain(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch);

}  // namespace dream
