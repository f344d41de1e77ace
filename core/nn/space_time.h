#pragma once
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/torch.h"

namespace dream {

struct SpaceTimeOptions {
  std::int64_t width = 64, layers = 2, heads = 2;
  std::int64_t places = 64, frames = 8;  // tokens of a frame; the most frames that it looks at
  bool by_distance = false;              // frames are told apart by how far back they lie, not by their number
  std::int64_t condition = 0;            // > 0: numbers that every frame comes with
};

/// The space-time transformer of Genie (Bruce et al. 2024, figure 4; ST blocks of Xu et al. 2020): each block lets the
/// tokens of a frame look at one another, then each place at its own past, then has two linear layers of four times the
/// width, each part behind a layer norm and added to what came in; a layer norm at the end. No token sees a later
/// frame. The cost grows with T S² + S T² where one attention over everything takes (S T)². Places and frames are
/// learned positions. Of width d it has layers · (16 d² + 19 d) + (places + frames + 2) d parameters.
///
/// By distance, how far back a frame lies is a learned weight of every head (Raffel et al. 2020), the frames may be any
/// number, and each sees the `frames` − 1 before it: what it is to later ones does not depend on where a window begins,
/// so that it can be kept. A condition shifts and scales what comes out of each norm and scales what each part adds
/// (adaLN, Peebles & Xie 2023; theirs begins by adding nothing, this one as it is without a condition).
class SpaceTimeImpl : public torch::nn::Module {
 public:
  /// What a block's attention over time knows of earlier frames, of every layer: queries, keys and values side by side
  /// [B, T, S, 3 D]; by distance keys and values alone, each [B, S, heads, T, d / heads].
  struct Past {
    std::vector<torch::Tensor> windows, keys, values;
  };

  /// Throws dream::Error where the heads do not divide the width.
  explicit SpaceTimeImpl(const SpaceTimeOptions& options);

  /// [B, T, S, D] -> [B, T, S, D], T at most `frames` unless by distance; `condition` [B, T, each]. `past`, where
  /// given, gets what these frames are to later ones.
  torch::Tensor forward(torch::Tensor x, Past* past = nullptr, const torch::Tensor& condition = {});
  /// One more frame [B, S, D] -> [B, S, D]: the same numbers as forward() gives at `at` [B], int64, the number of
  /// frames before it. Of `past`, which may hold more, those alone are seen: the first, or by distance the last.
  /// `kept`, where given, gets what this frame is to later ones.
  torch::Tensor next(const torch::Tensor& x, const Past& past, const torch::Tensor& at,
                     const torch::Tensor& condition = {}, Past* kept = nullptr);

 private:
  struct Attention {
    NormLayer norm{nullptr};
    Linear query_key_value{nullptr}, attended{nullptr};
  };
  struct Block {
    Attention space, time;
    NormLayer norm{nullptr};
    Linear up{nullptr}, down{nullptr};
    Linear condition{nullptr};
  };
  struct Bend {  // what a condition makes of one part, [..., D] each; undefined without one
    torch::Tensor shift, scale, gate;
    /// The same for all along another dimension.
    Bend across(std::int64_t dimension) const {
      const auto wider = [&](const torch::Tensor& x) { return x.defined() ? x.unsqueeze(dimension) : x; };
      return {wider(shift), wider(scale), wider(gate)};
    }
    torch::Tensor on(const torch::Tensor& x) const { return scale.defined() ? x * (1 + scale) + shift : x; }
    torch::Tensor added(const torch::Tensor& x) const { return gate.defined() ? x * (1 + gate) : x; }
  };
  static std::vector<Bend> bends(Linear& of, const torch::Tensor& condition, std::int64_t parts);
  torch::Tensor asked(Attention& attention, const torch::Tensor& x, const Bend& bend);
  torch::Tensor within_frames(Block& block, const torch::Tensor& x, const Bend& bend);
  torch::Tensor layers_of(Block& block, const torch::Tensor& x, const Bend& bend);
  torch::Tensor over_time(const torch::Tensor& windows, Past* past) const;
  torch::Tensor over_kept(const torch::Tensor& asked, const torch::Tensor& keys, const torch::Tensor& values,
                          const torch::Tensor& at, Past* kept) const;
  /// What frames `distance` [...] back weigh more or less, [heads, ...].
  torch::Tensor weights_of(const torch::Tensor& distance) const;

  SpaceTimeOptions options_;
  torch::Tensor of_place_, of_frame_, of_distance_;  // [S, D]; [T, D], or by distance [heads, T]
  std::vector<Block> blocks_;
  NormLayer last_{nullptr};
  Linear last_condition_{nullptr};
};
TORCH_MODULE(SpaceTime);

}  // namespace dream
