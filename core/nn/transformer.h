#pragma once
#include "core/nn/torch.h"

#include <optional>
#include <vector>

#include "core/nn/dense.h"

namespace dream {

/// Between the two layers of a block; `gelu_tanh` is GPT-2's approximation of it.
enum class Between { relu, gelu, gelu_tanh };

struct TransformerOptions {
  std::int64_t width = 128, layers = 3, heads = 1;
  double dropout = 0.1;
  Between between = Between::relu;
  bool causal = true;  // no token looks at a later one
  double eps = 1e-5;   // of the norms
};

/// A stack of blocks as GPT-2 has them (Radford et al. 2019): layer norm, self-attention, layer norm, two linear
/// layers of four times the width between, each added to what came in; a layer norm at the end.
class TransformerImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where the heads do not divide the width.
  explicit TransformerImpl(const TransformerOptions& options);

  /// [B, T, D] -> [B, T, D]. `present` [B, T], where defined, is 0 for tokens that are not there: nobody looks at them.
  /// `weights`, where given, gets each layer's attention [B, H, T, T]. `chance` drops out, as in learning.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& present = {}, std::vector<torch::Tensor>* weights = nullptr,
                        std::optional<at::Generator> chance = {});

 private:
  struct Block {
    NormLayer before_attention{nullptr}, before_layers{nullptr};
    Linear query_key_value{nullptr}, attended{nullptr}, up{nullptr}, down{nullptr};
  };
  TransformerOptions options_;
  std::vector<Block> blocks_;
  NormLayer last_{nullptr};
};
TORCH_MODULE(Transformer);

}  // namespace dream
