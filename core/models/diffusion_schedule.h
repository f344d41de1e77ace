#pragma once
#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <cstdint>

#include "core/base/choice.h"

namespace dream {

/// How noise grows with its level. linear: β from 1e-4 to 0.02 (Ho et al. 2020); cosine: Nichol & Dhariwal 2021; sigmoid: Jabri et
/// al. 2022.
enum class BetaSchedule { linear, cosine, sigmoid };
constexpr auto choice_names(BetaSchedule) {
  return names_of_choice("linear", "cosine", "sigmoid");
}

/// What a denoiser's output stands for: the noise ε, the clean frame x, or v = √ᾱ ε − √(1 − ᾱ) x (Salimans & Ho 2022).
enum class DenoiserTells { noise, frame, velocity };
constexpr auto choice_names(DenoiserTells) {
  return names_of_choice("noise", "frame", "velocity");
}

/// In which order the frames of a horizon lose their noise: one after the other, each beginning a little after the one before, or
/// all together.
enum class NoiseOrder { frame_by_frame, pyramid, full_sequence };
constexpr auto choice_names(NoiseOrder) {
  return names_of_choice("frame by frame", "pyramid", "full sequence");
}

/// How much the error of what is told counts, level by level. fused: by what a frame and those before it tell of it; min_snr: by what it
/// tells by itself (Hang et al. 2023). Both count almost nothing where all is noise, which is where a frame has to be told from the past.
/// even: the same at every level, which is not published.
enum class NoiseWeights { fused, min_snr, even };
constexpr auto choice_names(NoiseWeights) {
  return names_of_choice("fused", "min_snr", "even");
}

/// The constants of the video models of buoyancy99/diffusion-forcing.
struct DiffusionScheduleOptions {
  std::int64_t levels = 1000;
  BetaSchedule betas = BetaSchedule::sigmoid;
  DenoiserTells tells = DenoiserTells::velocity;
  double most_noise = 6;    // every number of noise is held within ±
  NoiseWeights weights = NoiseWeights::fused;
  double snr_clip = 5;      // beyond which a signal-to-noise ratio counts no more
  double snr_decay = 0.96;  // of what the frames before know, a frame
};

/// Diffusion with a level of noise for every frame by itself (Diffusion Forcing, Chen et al. 2024), as
/// buoyancy99/diffusion-forcing has it: z = √ᾱ x + √(1 − ᾱ) ε. Levels are int64 of any shape [...], from 0, the least noise, to
/// levels − 1; −1 is no noise at all. Frames are [..., any], with the levels' shape before their own.
class DiffusionSchedule {
 public:
  explicit DiffusionSchedule(const DiffusionScheduleOptions& options);

  torch::Tensor kept(const torch::Tensor& levels) const;  // ᾱ, float64 [...]
  torch::Tensor ratio(const torch::Tensor& levels) const;  // ᾱ / (1 − ᾱ), float64 [...]; levels from 0
  torch::Tensor noised(const torch::Tensor& clean, const torch::Tensor& levels, const torch::Tensor& noise) const;
  /// The frame as it looks to who takes it for one of these levels: √ᾱ x.
  torch::Tensor faded(const torch::Tensor& clean, const torch::Tensor& levels) const;
  /// What a denoiser is to say of z = noised(clean, levels, noise).
  torch::Tensor target(const torch::Tensor& clean, const torch::Tensor& levels, const torch::Tensor& noise) const;
  struct Told {
    torch::Tensor clean, noise;
  };
  /// What it says when it says `output` of z.
  Told told(const torch::Tensor& z, const torch::Tensor& levels, const torch::Tensor& output) const;
  /// Weights of the squared error of `output`, float [B, T] of levels [B, T] from 0.
  torch::Tensor weights(const torch::Tensor& levels) const;

  /// The levels of so many steps of sampling, int64 [steps + 1]: entry 0 is −1, the last one is all noise.
  torch::Tensor levels_of(std::int64_t steps) const;
  /// From levels `from` to `to`, both [...] (DDIM, Song et al. 2021): √ᾱ' x̂ + √(1 − ᾱ' − σ²) ε̂ + σ ε, where σ is
  /// `chance` (η) times the deviation of ancestral sampling. `rng` is asked only where that is not 0. Frames whose level stays are z.
  torch::Tensor step(const torch::Tensor& z, const Told& told, const torch::Tensor& from, const torch::Tensor& to, double chance,
                     at::Generator rng) const;
  /// N(0, 1) within its bounds.
  torch::Tensor noise(torch::IntArrayRef shape, const torch::TensorOptions& like, at::Generator rng) const;
  const DiffusionScheduleOptions& options() const { return options_; }

 private:
  DiffusionScheduleOptions options_;
  torch::Tensor kept_;  // float64 [1 + levels]: of −1, 0, …
};

/// β of every level, float64 [levels].
torch::Tensor betas_of(BetaSchedule schedule, std::int64_t levels);

/// By how many steps a frame begins after the one before it, where the steps of a frame are `steps`: a pyramid's own `uncertainty`.
double lag_of(NoiseOrder order, std::int64_t steps, double uncertainty);
/// Steps until frame `frame` (from 0) of a horizon has lost its noise.
std::int64_t steps_until(std::int64_t frame, std::int64_t steps, double lag);
/// The scheduling matrix, int64 [rows, horizon]: how many steps every frame has still to go, clip(steps + ⌊t lag⌋ − m, 0, steps);
/// the last row is 0.
torch::Tensor noise_matrix(std::int64_t steps, std::int64_t horizon, double lag);

}  // namespace dream
