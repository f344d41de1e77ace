#pragma once
#include <optional>
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/narrow_rows.h"

namespace dream {

/// Everything in which the stacks of STORM (Zhang et al. 2023) and TransDreamer (Chen et al. 2022) differ. The defaults are STORM's.
struct MemoryTransformerOptions {
  std::int64_t width = 512, layers = 2, heads = 8;
  std::int64_t each = 64;       // numbers of a head
  std::int64_t between = 1024;  // units between the two linear layers of a block, ReLU
  std::int64_t window = 64;     // tokens that it looks at, the newest among them
  double dropout = 0.1;
  double eps = 1e-6;             // of the norms
  bool norm_first = false;       // pre-LN: a norm before each part; otherwise post-LN: one after each sum
  bool waves = false;            // positions are sines and cosines; otherwise learned, and a norm follows their sum
  bool all_layers = false;       // what comes out is every layer's output side by side; otherwise the last one's
};

/// A causal transformer that a sequence goes through at once or token by token: what it remembers of a token is the token's query, key
/// and value in each layer, so that one more token costs only its own products. Both ways give the same numbers.
class MemoryTransformerImpl : public torch::nn::Module {
 public:
  using Rows = std::vector<torch::Tensor>;  // of each layer [B, T, 3 · heads · each]: query, key and value of each token

  /// Throws dream::Error for an odd width with waves.
  explicit MemoryTransformerImpl(const MemoryTransformerOptions& options);

  /// Tokens x [B, T, D] at `places` int64 [B, T], below the window, of which each sees those that `hidden` bool [B, T, T] (query, key)
  /// leaves it -> [B, T, out()]. `chance` drops out, as in learning. `kept`, where given, gets what they are to later ones.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& places, const torch::Tensor& hidden,
                        std::optional<at::Generator> chance = {}, Rows* kept = nullptr);
  /// One more token x [B, D] of each lane after the first `count` int64 [B], below the window, of memory's [B, W, ...] -> [B, out()].
  /// `memory` becomes new tensors in which it is there.
  torch::Tensor step(const torch::Tensor& x, Rows& memory, const torch::Tensor& count);

  /// No token yet, [batch, window, ...].
  Rows nothing(std::int64_t batch, std::int64_t window) const;
  /// How much of each the newest of the first `count` tokens of one lane looked at: [layers, heads, count, count], of rows [1, W, ...].
  torch::Tensor looks(const Rows& memory, std::int64_t count) const;

  std::int64_t out() const { return options_.width * (options_.all_layers ? options_.layers : 1); }
  /// Single tokens are multiplied by weights in bf16.
  void set_narrow(bool on) { narrow_ = on; }

 private:
  struct Block {
    NormLayer attention_norm{nullptr}, layers_norm{nullptr};
    torch::nn::Linear query_key_value{nullptr}, attended{nullptr}, up{nullptr}, down{nullptr};
    RowProduct ask, answer, rise, fall;
  };
  torch::Tensor placed(const torch::Tensor& x, const torch::Tensor& places, const std::optional<at::Generator>& chance);
  /// The rest of a block once `seen` of its attention is known.
  torch::Tensor after_attention(Block& block, const torch::Tensor& x, const torch::Tensor& seen,
                                const std::optional<at::Generator>& chance);

  MemoryTransformerOptions options_;
  torch::Tensor positions_;  // [W, D]
  NormLayer first_norm_{nullptr};
  std::vector<Block> blocks_;
  bool narrow_ = false;
};
TORCH_MODULE(MemoryTransformer);

}  // namespace dream
