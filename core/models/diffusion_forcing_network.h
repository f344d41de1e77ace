#pragma once
#include <string>
#include <vector>

#include "core/models/genie_networks.h"
#include "core/nn/dense.h"
#include "core/nn/unet.h"

namespace dream {

struct ForcingNetworkOptions {
  std::int64_t patch = 1;           // pixels per side that become channels before the first convolution
  std::int64_t width = 64;          // channels at the first level; each further one has twice as many
  std::int64_t levels = 4;          // every level but the last halves the sides for the next
  std::int64_t heads = 4, each = 64;  // of every attention; numbers of a head, even
  std::int64_t attention_from = 0;  // first level, from 0, whose blocks attend in space and time; the middle always does
  std::int64_t first_kernel = 7;    // of the first convolution, odd
  std::int64_t groups = 8;          // of every group norm; they divide the width
};

/// What an attention of the U-Net sees: the places of a frame; the same by kernels, at a cost that does not grow with their square
/// (Shen et al. 2018); or a place's own past.
enum class ForcingSight { places, places_linearly, past };

/// Behind a layer norm, added to what came in; in time, frames are told apart by rotary positions (Su et al. 2021).
class ForcingAttentionImpl : public torch::nn::Module {
 public:
  ForcingAttentionImpl(ForcingSight sight, std::int64_t channels, std::int64_t heads, std::int64_t each);
  /// Queries, keys and values side by side, [..., C] -> [..., 3 heads each].
  torch::Tensor asked(const torch::Tensor& tokens) { return query_key_value_(norm_(tokens)); }
  torch::Tensor added(const torch::Tensor& tokens, const torch::Tensor& seen) { return tokens + out_(seen); }
  /// Of pictures [N, C, H, W], each by itself.
  torch::Tensor within(const torch::Tensor& pictures);
  std::int64_t heads() const { return heads_; }

 private:
  ForcingSight sight_;
  std::int64_t heads_, each_;
  NormLayer norm_{nullptr};
  Linear query_key_value_{nullptr}, out_{nullptr};
};
TORCH_MODULE(ForcingAttention);

/// Group norm, SiLU, convolution, twice, added to what came in; the second norm is scaled and shifted by what a frame comes with.
class ForcingBlockImpl : public torch::nn::Module {
 public:
  ForcingBlockImpl(std::int64_t from, std::int64_t to, std::int64_t groups);
  /// [N, from, H, W] -> [N, to, H, W]; without `bends` the second norm is bent by nothing.
  torch::Tensor forward(const torch::Tensor& x, Bends* bends);

 private:
  torch::Tensor normed(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias, Bends* bends, bool in_place) const;
  std::int64_t groups_;
  torch::Tensor weight1_, bias1_, weight2_, bias2_;  // of the norms
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, skip_{nullptr};
};
TORCH_MODULE(ForcingBlock);

/// The denoiser of Diffusion Forcing for pictures: the causal 3D U-Net of the video models (Chen et al. 2024;
/// buoyancy99/diffusion-forcing, unet3d.py). Every frame goes through a U-Net by itself, bent by the level of its own noise, and
/// time is mixed by attentions alone, in which each place looks at its own past. No frame sees a later one.
///
/// What departs: a group norm takes the statistics of each frame by itself, where theirs pools them over all frames of a clip, which
/// lets a frame see later ones. A linear map of the action is added to what is made of the level (theirs has none for video).
/// Patches become channels first where `patch` is more than 1. With the published options, three channels and A numbers of an
/// action it has 34,518,467 + 256 A + 2,052 parameters: theirs, the action's, the hidden numbers'.
class ForcingNetworkImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where patches do not cover a frame, the levels do not halve it evenly, groups do not divide the width, or
  /// each and first_kernel are not even and odd.
  ForcingNetworkImpl(const ForcingNetworkOptions& options, const GenieShape& shape, std::int64_t action_width);

  struct Said {
    torch::Tensor output;  // [..., C, H, W]: what DenoiserTells names
    torch::Tensor hidden;  // [..., hidden_size()]: a few numbers of each place of the lowest level, for who reads more than pixels
  };
  /// Of noisy frames [B, T, C, H, W] at levels int64 [B, T]; actions [B, T, action_width], 0 where none led there.
  Said forward(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions);

  /// What frames are to later ones: queries, keys and values, turned by their number, of every attention in time,
  /// [B, T, S, 3 heads each], where S are the places of its level.
  struct Past {
    std::vector<torch::Tensor> windows;
  };
  Past past(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions);
  /// One more frame [B, C, H, W] at level [B], action [B, action_width], after the first `at` [B], int64, of `past`: what
  /// forward() gives there. `own`, where given, gets what it is to later ones, [B, S, 3 heads each].
  Said next(const torch::Tensor& frame, const torch::Tensor& level, const torch::Tensor& action, const Past& past,
            const torch::Tensor& at, Past* own = nullptr);
  std::int64_t hidden_size() const;

 private:
  struct Level {
    ForcingBlock first{nullptr}, second{nullptr};
    ForcingAttention space{nullptr}, time{nullptr};  // none where it does not attend
    torch::nn::Conv2d side{nullptr};                 // to the next level
  };
  /// The frames that are looked at, and what they see of others.
  struct Sight {
    std::int64_t lanes;
    torch::Tensor turns;  // complex: of each frame's number, [T, 1, 1, each / 2], or of one more frame [B, 1, 1, each / 2]
    const Past* past = nullptr;
    torch::Tensor at = {};
    Past* own = nullptr;
    std::size_t number = 0;  // of the attention in time that comes next
  };
  Level level_of(const std::string& name, std::int64_t from, std::int64_t to, ForcingSight space, bool attends, std::int64_t middle);
  torch::Tensor turns_of(const torch::Tensor& numbers) const;
  torch::Tensor over_time(ForcingAttention& attention, const torch::Tensor& x, Sight& sight);
  torch::Tensor attended(Level& level, torch::Tensor x, Sight& sight);
  /// Frames [N, C, H, W], levels [N], actions [N, A].
  Said said(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions, Sight& sight);

  ForcingNetworkOptions options_;
  GenieShape shape_;
  std::int64_t bent_ = 0;  // numbers that bend the norms
  Linear level1_{nullptr}, level2_{nullptr}, action_{nullptr}, bend_{nullptr}, read_{nullptr};
  torch::nn::Conv2d in_{nullptr}, out_{nullptr};
  ForcingAttention in_time_{nullptr};
  std::vector<Level> down_, up_;  // up_ from the lowest level on
  Level middle_;
  ForcingBlock last_{nullptr};
};
TORCH_MODULE(ForcingNetwork);

}  // namespace dream
