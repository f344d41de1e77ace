#pragma once
#include "core/models/genie_networks.h"
#include "core/nn/dense.h"
#include "core/nn/space_time.h"

namespace dream {

struct ForcingNetworkOptions {
  std::int64_t patch = 8, width = 64, layers = 3, heads = 2;
};

/// The denoiser of Diffusion Forcing for pictures: a space-time transformer over the patches of a window of frames, each of
/// which comes with the level of its own noise and the action that led to it. No frame sees a later one. (The video models of
/// buoyancy99/diffusion-forcing have a causal 3D U-Net in its place.)
class ForcingNetworkImpl : public torch::nn::Module {
 public:
  /// `shape.frames` is the most that it looks at. Throws dream::Error where patches do not cover a frame.
  ForcingNetworkImpl(const ForcingNetworkOptions& options, const GenieShape& shape, std::int64_t action_width);

  struct Said {
    torch::Tensor output;  // [..., C, H, W]: what DenoiserTells names
    torch::Tensor hidden;  // [..., hidden_size()]: a few numbers of each of its tokens, for who reads more than pixels from it
  };
  /// Of noisy frames [B, T, C, H, W] at levels int64 [B, T]; actions [B, T, action_width], 0 where none led there.
  Said forward(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions);

  /// What frames are to later ones, of every layer [B, T, S, 3 width]: forward() of them, kept.
  using Past = SpaceTimeImpl::Past;
  Past past(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions);
  /// One more frame [B, C, H, W] at level [B], action [B, action_width], after the first `at` [B], int64, of `past`: what
  /// forward() gives there. `own`, where given, gets what it is to later ones, [B, S, 3 width].
  Said next(const torch::Tensor& frame, const torch::Tensor& level, const torch::Tensor& action, const Past& past,
            const torch::Tensor& at, Past* own = nullptr);
  std::int64_t hidden_size() const;

 private:
  torch::Tensor condition(const torch::Tensor& levels, const torch::Tensor& actions);
  Said said(const torch::Tensor& tokens);
  ForcingNetworkOptions options_;
  GenieShape shape_;
  Linear in_{nullptr}, level_{nullptr}, action_{nullptr}, out_{nullptr}, read_{nullptr};
  SpaceTime blocks_{nullptr};
};
TORCH_MODULE(ForcingNetwork);

}  // namespace dream
