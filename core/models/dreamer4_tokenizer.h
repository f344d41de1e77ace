#pragma once
#include <ATen/core/Generator.h>

#include "core/nn/block_causal.h"

namespace dream {

struct Dreamer4TokenizerOptions {
  std::int64_t patch = 16, latents = 8, numbers = 8;  // latents of a frame, and the numbers of one
  BlockCausalOptions net{.width = 96, .layers = 2, .heads = 4, .time_every = 2, .hidden = 2};  // of each half
  /// Each latent begins with looking at a share of the picture, and the patches there at it, by weights of every pair of
  /// tokens that are learned (ours: without them small networks paint the mean picture for thousands of updates).
  bool regions = true;
  double most_masked = 0.9;  // a frame's patches are hidden with a chance of U(0, this)
};

/// Dreamer 4's causal tokenizer (Hafner et al. 2025, section 3.1; nicklashansen/dreamer4): learned latent tokens gather
/// what a frame's patches show, of which a share is hidden (masked autoencoding, He et al. 2022), and go through tanh to a
/// few numbers in (−1, 1); learned queries paint the patches from those. Latents alone look back in time, patches never
/// do, so that a frame can be coded and painted as it comes. Its loss is the mean squared error of all pixels: the paper's
/// 0.2 LPIPS needs weights that are learned elsewhere, and has no substitute here.
class Dreamer4TokenizerImpl : public torch::nn::Module {
 public:
  using Cache = BlockCausalImpl::Cache;
  using Past = BlockCausalImpl::Past;
  /// Throws dream::Error where the patches do not cover the picture.
  Dreamer4TokenizerImpl(const Dreamer4TokenizerOptions& options, std::int64_t channels, std::int64_t height, std::int64_t width);

  struct Loss {
    torch::Tensor total;    // scalar, with gradient
    torch::Tensor rebuilt;  // [B, T, C, H, W] in (0, 1)
    torch::Tensor latents;  // [B, T, L, N]
  };
  /// Of pictures [B, T, C, H, W]; frames of other `episodes` [B, T] are not looked at.
  Loss loss(const torch::Tensor& pictures, const torch::Tensor& episodes, at::Generator rng);
  /// [B, T, C, H, W] -> [B, T, L, N]. Patches that are `masked`, bool [B, T, P], are not shown.
  torch::Tensor encode(const torch::Tensor& pictures, const torch::Tensor& episodes = {}, const torch::Tensor& masked = {});
  /// [B, T, L, N] -> [B, T, C, H, W] in (0, 1).
  torch::Tensor decode(const torch::Tensor& latents, const torch::Tensor& episodes = {});

  /// One more frame, with the numbers that encode() and decode() give it: [B, C, H, W] -> [B, L, N], and back.
  torch::Tensor encode_next(const torch::Tensor& picture, const Past& past, Cache* kept);
  torch::Tensor decode_next(const torch::Tensor& latents, const Past& past);
  /// What latents [B, L, N] are to the painting of later frames, without painting this one.
  Cache remembered(const torch::Tensor& latents, const Past& past);

  BlockCausal& encoder() { return encoder_; }
  BlockCausal& decoder() { return decoder_; }
  std::int64_t latents() const { return options_.latents; }
  std::int64_t numbers() const { return options_.numbers; }

 private:
  torch::Tensor pieces_of(const torch::Tensor& pictures) const;
  torch::Tensor with_latents(const torch::Tensor& patches) const;
  torch::Tensor to_latents(const torch::Tensor& tokens);
  torch::Tensor from_latents(const torch::Tensor& latents);
  torch::Tensor with_queries(const torch::Tensor& tokens) const;
  torch::Tensor painted(const torch::Tensor& tokens);

  Dreamer4TokenizerOptions options_;
  std::int64_t height_, width_, patches_;
  torch::Tensor latent_, mask_, query_;  // [L, D], [D], [P, D]
  Linear in_{nullptr}, to_latent_{nullptr}, from_latent_{nullptr}, out_{nullptr};
  BlockCausal encoder_{nullptr}, decoder_{nullptr};
};
TORCH_MODULE(Dreamer4Tokenizer);

}  // namespace dream
