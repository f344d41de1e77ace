#pragma once
#include <functional>
#include <limits>
#include <vector>

#include "core/base/choice.h"
#include "core/nn/torch.h"

namespace dream {

/// Diffusion as Karras et al. 2022 (EDM) set it up, with DIAMOND's constants and offset noise (eloialonso/diamond,
/// src/models/diffusion). Pictures are [B, C, H, W] in [-1, 1].
struct EdmOptions {
  double sigma_data = 0.5;    // deviation of the data
  double offset_noise = 0.3;  // deviation of noise that is one number for a whole channel of a picture
  double mean = -0.4, deviation = 1.2;        // of ln σ while it learns …
  double sigma_min = 0.002, sigma_max = 20;   // … held between these
};

/// What stands around the network F: D(x) = skip·x + out·F(in·x, noise); each [B, 1, 1, 1], `noise` [B].
struct Conditioners {
  torch::Tensor in, out, skip, noise;
};
/// Of noise levels sigma [B]: those of s = √(σ² + offset²), of which the network is told ln s / 4.
Conditioners conditioners(const torch::Tensor& sigma, const EdmOptions& options);

/// What a network is told of noise that lies in earlier pictures, of level sigma [B]: ln σ / 4.
torch::Tensor told_noise(const torch::Tensor& sigma);

/// Levels to learn from, [count]: log-normal.
torch::Tensor draw_sigma(std::int64_t count, const EdmOptions& options, at::Generator rng, const torch::TensorOptions& like);
/// x with noise of level sigma [B] and noise that whole channels share.
torch::Tensor with_noise(const torch::Tensor& x, const torch::Tensor& sigma, const EdmOptions& options, at::Generator rng);
/// What F should say of `noisy`: (x − skip·noisy) / out. Its mean squared error is EDM's weighted loss.
torch::Tensor edm_target(const torch::Tensor& x, const torch::Tensor& noisy, const Conditioners& c);
/// Pictures in [-1, 1] as pictures are, of 256 levels, the nearest.
torch::Tensor in_levels(const torch::Tensor& x);
/// D, of 256 levels as pictures have. Levels are rounded; diamond's code cuts them off, which darkens a long dream.
torch::Tensor edm_denoised(const torch::Tensor& noisy, const torch::Tensor& output, const Conditioners& c);

/// How a step goes along the gradient: by it (Euler), or by the mean of it and the one where it leads (Heun).
enum class SamplerOrder { euler, heun };
constexpr auto choice_names(SamplerOrder) {
  return names_of_choice("Euler", "Heun");
}

struct SamplerOptions {
  std::int64_t steps = 3;
  double sigma_min = 0.002, sigma_max = 5, rho = 7;
  SamplerOrder order = SamplerOrder::euler;
  double churn = 0;           // S_churn: fresh noise in every step
  bool told_of_churn = true;  // the network hears the level with that noise (EDM, algorithm 2); diamond's code tells it the one before
  double churn_low = 0, churn_high = std::numeric_limits<double>::infinity();  // S_tmin, S_tmax: levels that are churned
  double churn_noise = 1;     // S_noise: deviation of what is churned in
};

/// σ_0 = sigma_max … σ_{N−1} = sigma_min, 0: N + 1 levels (EDM, equation 5).
std::vector<double> sigma_levels(const SamplerOptions& options);

struct Sampled {
  torch::Tensor x;                  // [B, C, H, W]
  std::vector<torch::Tensor> steps;  // x after each step
};
/// From x, noise of deviation 1 (whatever sigma_max is, as DIAMOND learns to begin), to a picture. `denoise` gives D(x) at a level;
/// `noise` draws what is churned in, like x.
Sampled edm_sample(torch::Tensor x, const SamplerOptions& options,
                   const std::function<torch::Tensor(const torch::Tensor& x, double sigma)>& denoise,
                   const std::function<torch::Tensor()>& noise);

}  // namespace dream
