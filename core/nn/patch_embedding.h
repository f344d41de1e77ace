#pragma once
#include "core/nn/torch.h"

namespace dream {

/// Pictures as tokens, as Gato has them (Reed et al. 2022, appendix C.2 and C.3): patches of 16 x 16 pixels in the order of
/// reading, their values in [-1, 1] divided by the square root of the patch's side, each through one residual block (v2: group
/// norm, GELU, convolution, twice) after a first convolution, and a learned code of its row and of its column added. Pictures
/// are all of one size here, so a row is a row, and no interval of 128.
class PatchEmbeddingImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t patch = 16;
  /// Of pictures of `side` x `side` pixels in three colours; `channels` of the block, a multiple of 4.
  PatchEmbeddingImpl(std::int64_t side, std::int64_t channels, std::int64_t width);
  /// uint8 [N, side, side, 3] -> [N, (side / 16)², width].
  torch::Tensor forward(const torch::Tensor& pictures);

 private:
  /// Group norm, GELU, convolution.
  struct Half {
    torch::Tensor scale, shift;  // [channels]
    torch::nn::Conv2d conv{nullptr};
    torch::Tensor operator()(const torch::Tensor& x);
  };
  torch::nn::Conv2d first_{nullptr};
  Half inner_, outer_;
  torch::nn::Linear token_{nullptr};
  torch::Tensor of_row_, of_column_;  // [side / 16, width]
};
TORCH_MODULE(PatchEmbedding);

}  // namespace dream
