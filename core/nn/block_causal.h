#pragma once
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/torch.h"

namespace dream {

/// How tokens are told apart. rotary: a learned vector for each place of a frame, and how far back a frame lies by
/// turning queries and keys (RoPE, Su et al. 2021), so that a window can slide for ever. waves: sines of frame and place,
/// added once, as nicklashansen/dreamer4 has them.
enum class TokenPlaces { rotary, waves };

struct BlockCausalOptions {
  std::int64_t width = 128, layers = 4, heads = 4;
  std::int64_t time_every = 4;  // every so many blocks look back in time
  std::int64_t context = 12;    // frames that are looked at then, the own one among them
  std::int64_t hidden = 4;      // numbers between a block's two layers, of the width
  bool norm_keys = true;        // queries and keys have a norm each (Henry et al. 2020), so that no weight can run away
  TokenPlaces places = TokenPlaces::rotary;
};

/// The block-causal transformer of Dreamer 4 (Hafner et al. 2025): the tokens of a frame look at one another, as far as
/// `seen` lets them; every n-th block, each of the first `timed` tokens looks at its own past; then a gated pair of linear
/// layers (SwiGLU, Shazeer 2020). Each part stands behind a root mean square norm and is added to what came in. No norm
/// stands at the end, as in both ports.
class BlockCausalImpl : public torch::nn::Module {
 public:
  /// `seen` bool [S, S]: whether a frame's token of that row looks at that of the column. `leaning` [S, S], where defined:
  /// how much more it looks there at first, as logits, which every head of every block then learns by itself. Throws dream::Error where the
  /// heads do not divide the width into even parts, and where no block looks back.
  BlockCausalImpl(const BlockCausalOptions& options, const torch::Tensor& seen, std::int64_t timed, const torch::Tensor& leaning = {});

  /// What frames are to later ones, the newest last: [B, blocks that look back, timed, heads, T, each].
  struct Cache {
    torch::Tensor keys, values;
    Cache last(std::int64_t frames) const;
    Cache first(std::int64_t frames) const { return {keys.slice(4, 0, frames), values.slice(4, 0, frames)}; }
    /// One more frame; as long as before.
    Cache with(const Cache& newer) const;
  };
  std::vector<std::int64_t> cache_shape(std::int64_t batch) const;
  /// A cache as next() reads it: with keys turned by how far back they lie.
  struct Past {
    std::vector<torch::Tensor> keys, values;  // of every block that looks back, [B, timed, heads, T, each]
    torch::Tensor hidden;                     // bool [B, 1, 1, 1, T + 1]
  };
  /// Of `cache`, of which the last `at` [B], int64, frames are there, at most context − 1.
  Past past_of(const Cache& cache, const torch::Tensor& at) const;

  /// [B, T, S', D] -> [B, T, S', D], S' the first S' tokens of a frame. Frames of other `episodes` [B, T], where defined,
  /// are not looked at. `kept`, where given, gets what these frames are to later ones.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& episodes = {}, Cache* kept = nullptr);
  /// One more frame, [B, S', D] -> [B, S', D]: the numbers that forward() gives it. `weights`, where given, gets how the
  /// heads of the last block that looks back look at the past and, last, themselves: [B, timed, heads, T + 1]. Not for
  /// waves.
  torch::Tensor next(torch::Tensor x, const Past& past, Cache* kept = nullptr, torch::Tensor* weights = nullptr);

 private:
  struct Attention {
    NormLayer norm{nullptr}, query_norm{nullptr}, key_norm{nullptr};
    Linear query_key_value{nullptr}, attended{nullptr};
  };
  struct Block {
    Attention space, time;  // time: empty in blocks that do not look back
    NormLayer norm{nullptr};
    Linear up{nullptr}, down{nullptr};
    torch::Tensor leaning;  // [heads, S, S] or undefined
  };
  struct Asked {
    torch::Tensor query, key, value;  // [..., heads, each]
  };
  Asked asked(Attention& attention, const torch::Tensor& x) const;
  torch::Tensor within_frames(Block& block, const torch::Tensor& x) const;
  torch::Tensor layers_of(Block& block, const torch::Tensor& x) const;
  torch::Tensor turned(const torch::Tensor& x, const torch::Tensor& at) const;

  BlockCausalOptions options_;
  std::int64_t timed_, looks_back_;
  bool all_seen_;
  torch::Tensor hidden_, of_place_;  // bool [S, S]; [S, D]
  std::vector<Block> blocks_;
};
TORCH_MODULE(BlockCausal);

}  // namespace dream
