#pragma once
#include <vector>

#include "core/nn/dense.h"

namespace dream {

/// The constants of the planning models of buoyancy99/diffusion-forcing.
struct SequenceDenoiserOptions {
  std::int64_t width = 128, layers = 12, heads = 4, units = 512;
  bool causal = false;  // no token looks at a later one
};

/// The planning transformer of Diffusion Forcing (Chen et al. 2024), as buoyancy99/diffusion-forcing has it: a token and waves of
/// the level of its noise through two layers, waves of its place added; blocks that norm after they add, as Vaswani et al. 2017 have
/// them; a linear layer back to the token.
class SequenceDenoiserImpl : public torch::nn::Module {
 public:
  /// Of tokens of `size` numbers. Throws dream::Error where the heads do not divide the width.
  SequenceDenoiserImpl(std::int64_t size, const SequenceDenoiserOptions& options);
  /// Noisy tokens [B, T, size] at levels int64 [B, T] -> [B, T, size].
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& levels);

 private:
  struct Block {
    Linear query_key_value{nullptr}, attended{nullptr}, up{nullptr}, down{nullptr};
    NormLayer after_attention{nullptr}, after_layers{nullptr};
  };
  SequenceDenoiserOptions options_;
  Linear first_{nullptr}, second_{nullptr}, out_{nullptr};
  std::vector<Block> blocks_;
};
TORCH_MODULE(SequenceDenoiser);

}  // namespace dream
