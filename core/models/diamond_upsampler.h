#pragma once
#include <string>

#include "core/config/config.h"
#include "core/models/diamond_networks.h"
#include "core/models/edm.h"

namespace dream {

/// The defaults are those of eloialonso/diamond, branch csgo: config/agent/csgo.yaml, config/trainer.yaml, and for the sampler
/// config/world_model_env/higher_quality.yaml.
struct UpsamplerOptions {
  std::int64_t factor = 1;  // f: what is shown has sides so many times those of what is dreamed; 1: the same, without an upsampler
  std::int64_t width = 64;  // channels of the first two levels; each level below them has twice those of the one before
  std::int64_t levels = 4, depth = 2, condition = 2048;
  EdmOptions edm = {.offset_noise = 0.1, .mean = -1.2};
  SamplerOptions sampler = {
      .steps = 10, .sigma_min = 1, .churn = 10, .told_of_churn = false, .churn_low = 1, .churn_high = 5, .churn_noise = 0.9};

  /// `prefix`upsampling, and `prefix`upsampler_… of the network and the sampler.
  void fields(Config& config, const std::string& prefix);
  DenoiserOptions denoiser() const;
};

/// Means over f x f pixels, of 256 levels: [..., C, H, W] in [-1, 1] -> [..., C, H/f, W/f]. The same tensor where f = 1.
torch::Tensor small_pictures(const torch::Tensor& pictures, std::int64_t factor);

/// Makes small pictures large, by diffusion: a denoiser that knows the small picture, brought to full size by bicubic interpolation,
/// and the large picture before it, and nothing of actions. As diamond's branch csgo has it; 51,149,187 parameters there.
class DiamondUpsamplerImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error for an odd condition.
  DiamondUpsamplerImpl(const UpsamplerOptions& options, std::int64_t channels);

  /// By bicubic interpolation, [B, C, h, w] -> [B, C, f·h, f·w]; may leave [-1, 1].
  torch::Tensor enlarged(const torch::Tensor& small) const;
  /// F of noisy pictures [B, C, H, W] after those `before` them, with the small ones as enlarged() has them, all of that shape.
  torch::Tensor network_output(const torch::Tensor& noisy, const Conditioners& c, const torch::Tensor& before, const torch::Tensor& large);
  /// EDM's weighted loss of large pictures [B, C, H, W], over those that count, [B] of 0 and 1.
  torch::Tensor loss(const torch::Tensor& pictures, const torch::Tensor& before, const torch::Tensor& counts, at::Generator rng);
  /// Large pictures of 256 levels from small ones [B, C, h, w], in so many steps; all of its noise is scaled by `tau`.
  Sampled sample(const torch::Tensor& small, const torch::Tensor& before, std::int64_t steps, double tau, at::Generator rng);

  const UpsamplerOptions& options() const { return options_; }
  Denoiser& denoiser() { return denoiser_; }
  void set_bfloat16(bool on) { bfloat16_ = on; }

 private:
  UpsamplerOptions options_;
  Denoiser denoiser_{nullptr}, narrow_{nullptr};  // the second is no part of this module
  Narrowed weights_;
  bool bfloat16_ = false;
};
TORCH_MODULE(DiamondUpsampler);

}  // namespace dream
