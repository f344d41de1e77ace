#pragma once
#include <vector>

#include "core/nn/transformer.h"

namespace dream {

/// The last frames of a window, each `slots` tokens, as a causal transformer remembers them: keys and values of every layer. Pages
/// are of frames, the oldest first, so that a frame more is a page more and no other page is touched; how many of the newest each
/// lane has is its own. The first tokens of the oldest frame that a lane has, what led there, are not looked at.
struct TokenPages {
  std::vector<torch::Tensor> pages;  // float32 [B, layers, slots, 2 D] each: keys, then values
  torch::Tensor count;               // int64 [B], at most as many as there are pages
};

/// A Transformer without dropout and without gradients, some tokens at a time: the same numbers as Transformer::forward gives. On
/// the processor by kernels, a lane at a time, where the width is a multiple of 64 and that of a head of vector_block.
class TokenSteps {
 public:
  /// Of `stack`, which has these options and outlives it. Its weights may change between two calls. Of a frame's tokens so many
  /// are what `led` there.
  TokenSteps(Transformer stack, const TransformerOptions& options, std::int64_t led = 1);

  /// The next tokens x [B, R, D], of which the first stands at `slot` of `page`, float32 [B, layers, slots, 2 D], into which their
  /// keys and values are written -> [B, R, D].
  torch::Tensor next(const torch::Tensor& x, const TokenPages& past, torch::Tensor& page, std::int64_t slot);
  std::vector<std::int64_t> page_shape(std::int64_t batch, std::int64_t slots) const;
  /// Whether the kernels keep weights as bf16.
  void set_bfloat16(bool on) { bfloat16_ = on; }

 private:
  struct Layer {
    torch::Tensor norm1_scale, norm1_shift, qkv_weight, qkv_bias, attended_weight, attended_bias;
    torch::Tensor norm2_scale, norm2_shift, up_weight, up_bias, down_weight, down_bias;
    torch::Tensor qkv, attended, up, down;  // packed for token_product
  };
  torch::Tensor by_kernels(const torch::Tensor& x, const TokenPages& past, torch::Tensor& page, std::int64_t slot);
  template <typename W>
  void run_lanes(std::int64_t first, std::int64_t last, const torch::Tensor& x, const TokenPages& past, torch::Tensor& page,
                 std::int64_t slot, torch::Tensor& out) const;
  torch::Tensor by_library(const torch::Tensor& x, const TokenPages& past, torch::Tensor& page, std::int64_t slot);
  void pack();

  Transformer stack_;
  TransformerOptions options_;
  std::int64_t led_;
  std::vector<Layer> layers_;
  torch::Tensor norm_scale_, norm_shift_;
  bool bfloat16_ = false;
  std::vector<std::pair<const void*, std::uint32_t>> packed_from_;  // where weights were, and their versions
  bool packed_bfloat16_ = false;
};

}  // namespace dream
