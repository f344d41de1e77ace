#pragma once
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/torch.h"

namespace dream {

struct SpaceTimeOptions {
  std::int64_t width = 64, layers = 2, heads = 2;
  std::int64_t places = 64, frames = 8;  // tokens of a frame; the most frames that it looks at
};

/// The space-time transformer of Genie (Bruce et al. 2024, figure 4; ST blocks of Xu et al. 2020): each block lets the
/// tokens of a frame look at one another, then each place at its own past, then has two linear layers of four times the
/// width, each part behind a layer norm and added to what came in; a layer norm at the end. No token sees a later
/// frame. The cost grows with T S² + S T² where one attention over everything takes (S T)². Places and frames are
/// learned positions. Of width d it has layers · (16 d² + 19 d) + (places + frames + 2) d parameters.
class SpaceTimeImpl : public torch::nn::Module {
 public:
  /// What a block's attention over time knows of earlier frames: queries, keys and values [B, T, S, 3 D] of every layer.
  using Past = std::vector<torch::Tensor>;

  /// Throws dream::Error where the heads do not divide the width.
  explicit SpaceTimeImpl(const SpaceTimeOptions& options);

  /// [B, T, S, D] -> [B, T, S, D], T at most `frames`. `past`, where given, gets what these frames are to later ones.
  torch::Tensor forward(torch::Tensor x, Past* past = nullptr);
  /// One more frame [B, S, D] -> [B, S, D]: the same numbers as forward() gives at `at` [B], int64, the number of
  /// frames before it. Of `past`, which may hold more, those alone are seen.
  torch::Tensor next(const torch::Tensor& x, const Past& past, const torch::Tensor& at);

 private:
  struct Attention {
    NormLayer norm{nullptr};
    torch::nn::Linear query_key_value{nullptr}, attended{nullptr};
  };
  struct Block {
    Attention space, time;
    NormLayer norm{nullptr};
    torch::nn::Linear up{nullptr}, down{nullptr};
  };
  torch::Tensor asked(Attention& attention, const torch::Tensor& x);  // [..., D] -> queries, keys and values [..., 3 D]
  torch::Tensor within_frames(Block& block, const torch::Tensor& x);
  torch::Tensor layers_of(Block& block, const torch::Tensor& x);

  SpaceTimeOptions options_;
  torch::Tensor of_place_, of_frame_;  // [S, D], [T, D]
  std::vector<Block> blocks_;
  NormLayer last_{nullptr};
};
TORCH_MODULE(SpaceTime);

}  // namespace dream
