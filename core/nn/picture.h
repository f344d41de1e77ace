#pragma once
#include <torch/types.h>

namespace dream {

/// Pictures uint8 [N, H, W, C] as numbers x / 255 - 0.5 of `type` (float32 or bf16), [N, C, H, W] in channels-last
/// memory.
torch::Tensor picture_numbers(const torch::Tensor& image, at::ScalarType type);

/// Σ (y - (x / 255 - 0.5))² of each picture, or with `sigmoid` Σ (σ(y) - x / 255)²: what a decoder made, [N, C, H, W]
/// float32 or bf16, against `image`, uint8 [N, H, W, C] -> float32 [N]. One pass each way on the CPU.
torch::Tensor picture_error(const torch::Tensor& decoded, const torch::Tensor& image, bool sigmoid);

/// The mean of `errors` [N] over pictures uint8 [N, H, W, C] that are not all black, which stand for none (core/data/fit.h);
/// 0 where there is none. Scalar.
torch::Tensor mean_where_given(const torch::Tensor& errors, const torch::Tensor& image);

}  // namespace dream
