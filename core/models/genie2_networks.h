#pragma once
#include <ATen/core/Generator.h>

#include "core/models/genie_networks.h"
#include "core/nn/dense.h"
#include "core/nn/space_time.h"
#include "core/nn/transformer.h"

namespace dream {

struct FrameAutoencoderOptions {
  std::int64_t patch = 8, width = 64, layers = 1, heads = 2;
  std::int64_t numbers = 8;  // of the latent of a patch
  double noise = 0.1;        // deviation of what is added to a latent before it is painted, while this learns
};

/// Pictures as continuous latents and back, each by itself: patches through a transformer to a few numbers of each,
/// held within (−1, 1) by a tanh. What is painted is the latent with noise, so that neighbours look alike and the
/// numbers use the room that they have. Latents outside are standardised, so that each number has about unit variance
/// over frames.
class FrameAutoencoderImpl : public torch::nn::Module {
 public:
  FrameAutoencoderImpl(const FrameAutoencoderOptions& options, const GenieShape& shape);
  struct Loss {
    torch::Tensor total;    // mean squared error of pixels
    torch::Tensor rebuilt;  // [..., C, H, W]
  };
  /// Of pictures [..., C, H, W].
  Loss loss(const torch::Tensor& pictures, at::Generator rng);
  torch::Tensor latents(const torch::Tensor& pictures);      // [..., C, H, W] -> [..., S, numbers]
  torch::Tensor pictures(const torch::Tensor& latents);      // and back, clamped to [0, 1]
  torch::Tensor within(const torch::Tensor& latents) const;  // the nearest that a picture can have
  std::int64_t places() const { return rows_ * columns_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t numbers() const { return options_.numbers; }

 private:
  torch::Tensor encode(const torch::Tensor& pictures);
  torch::Tensor decode(const torch::Tensor& raw);
  FrameAutoencoderOptions options_;
  GenieShape shape_;
  std::int64_t rows_, columns_;
  torch::Tensor positions_;         // [S, width]; nobody learns it
  torch::Tensor mean_, deviation_;  // of what tanh gives, [numbers]: running
  Linear in_{nullptr}, to_latent_{nullptr}, from_latent_{nullptr}, out_{nullptr};
  Transformer encoder_{nullptr}, decoder_{nullptr};
};
TORCH_MODULE(FrameAutoencoder);

struct FrameDiffusionOptions {
  std::int64_t width = 64, layers = 2, heads = 2;
  double action_dropout = 0.1;  // share of frames whose action is kept from it while it learns, for guidance
};

/// Frames by denoising, causal in time (Diffusion Forcing, Chen et al. 2024): a space-time transformer that is shown
/// the latent frames of a piece, each with noise of its own level k, and tells each of them clean from itself, the
/// frames before it and the action that led to it. A frame of level k is z = (1 − k) x + k ε: 0 is clean, 1 is noise
/// alone (rectified flow, Liu et al. 2023). The network's output is v = (k x − (1 − k) ε) / s with s² = (1 − k)² + k²
/// (Salimans & Ho 2022), whose variance is 1 at every level, so that x̂ = (1 − k) z / s² + k v / s and nothing has to be
/// learned at 0.
///
/// Frames are told apart by how far back they lie. What a frame is to later ones is kept, and a frame of a dream costs
/// no more than its own steps.
class FrameDiffusionImpl : public torch::nn::Module {
 public:
  /// `places` latents of `numbers` numbers a frame; actions are vectors of `action_width`. A frame sees `frames` − 1
  /// before it.
  FrameDiffusionImpl(const FrameDiffusionOptions& options, std::int64_t frames, std::int64_t places,
                     std::int64_t numbers, std::int64_t action_width);

  /// Mean squared error of v over the frames of pieces, latents [B, T, S, N]; actions [B, T − 1, action_width] led to
  /// all but the first. Every frame's level is drawn from U(0, 1).
  torch::Tensor loss(const torch::Tensor& latents, const torch::Tensor& actions, at::Generator rng);
  /// x̂ [B, T, S, N] of noisy frames of levels [B, T]; actions [B, T, action_width] led to each, where `told` [B, T] is
  /// true.
  torch::Tensor forward(const torch::Tensor& noisy, const torch::Tensor& levels, const torch::Tensor& actions,
                        const torch::Tensor& told);

  /// What frames are to later ones, the newest last: keys and values of every block, [B, layers, S, heads, T, each].
  struct Cache {
    torch::Tensor keys, values;
    Cache last(std::int64_t frames) const {
      return {keys.slice(4, keys.size(4) - frames), values.slice(4, values.size(4) - frames)};
    }
    Cache first(std::int64_t frames) const { return {keys.slice(4, 0, frames), values.slice(4, 0, frames)}; }
    Cache with(const Cache& newer) const {
      return {torch::cat({keys, newer.keys}, 4), torch::cat({values, newer.values}, 4)};
    }
  };
  std::vector<std::int64_t> cache_shape(std::int64_t batch, std::int64_t frames) const;
  struct Given {                 // of one frame
    torch::Tensor action, told;  // [B, action_width]; bool [B]
    const Cache& past;
    torch::Tensor at;  // int64 [B]: how many of the past, the newest, are there
  };
  /// x̂ [B, S, N] of a frame [B, S, N] of level [B]: what forward() gives it. `kept`, where given, gets what it is to
  /// later ones.
  torch::Tensor next(const torch::Tensor& noisy, const torch::Tensor& level, const Given& given, Cache* kept = nullptr);

  struct Frame {
    torch::Tensor latents;  // [B, S, N]
    torch::Tensor steps;    // [B, steps, S, N]: what it took the frame for after each step; the last is the frame
    torch::Tensor heard;    // [B, S]: how much the action changed that, root mean square; undefined without guidance
  };
  struct Wish {
    std::int64_t steps = 4;
    double guidance = 1;  // x̂ = x̂(no action) + guidance (x̂(action) − x̂(no action)); at 1 the first is not asked for
    double temperature = 1;  // of the noise that it begins with
  };
  /// A frame from noise in so many Euler steps of the flow, from level 1 to 0: z' = x̂ + k'/k (z − x̂).
  Frame sample(const Given& given, const Wish& wish, at::Generator rng);
  std::int64_t places() const { return places_; }

 private:
  torch::Tensor condition(const torch::Tensor& levels, const torch::Tensor& actions, const torch::Tensor& told);
  FrameDiffusionOptions options_;
  std::int64_t frames_, places_, numbers_;
  torch::Tensor untold_;  // [width]: in the place of an action that it is not told
  Linear in_{nullptr}, level_{nullptr}, action_{nullptr}, out_{nullptr};
  SpaceTime network_{nullptr};
};
TORCH_MODULE(FrameDiffusion);

/// A frame [B, ...] of level `level` [B]: (1 − k) x + k ε.
torch::Tensor noised(const torch::Tensor& clean, const torch::Tensor& noise, const torch::Tensor& level);

}  // namespace dream
