#include "core/models/edm.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dream {
namespace {

constexpr double level_rounding = 1e-6;  // of a level: the first and the last may be the bounds of those that are churned

torch::Tensor over_pixels(const torch::Tensor& x) {
  return x.view({-1, 1, 1, 1});
}

}  // namespace

Conditioners conditioners(const torch::Tensor& sigma, const EdmOptions& options) {
  const double data = options.sigma_data * options.sigma_data;
  const auto square = sigma.square() + options.offset_noise * options.offset_noise;
  const auto skip = data / (square + data);
  return {over_pixels((square + data).rsqrt()), over_pixels((square * skip).sqrt()), over_pixels(skip), square.log() / 8};
}

torch::Tensor told_noise(const torch::Tensor& sigma) {
  return sigma.log() / 4;
}

torch::Tensor draw_sigma(std::int64_t count, const EdmOptions& options, at::Generator rng, const torch::TensorOptions& like) {
  return (torch::randn({count}, std::move(rng), like) * options.deviation + options.mean).exp().clamp(options.sigma_min, options.sigma_max);
}

torch::Tensor with_noise(const torch::Tensor& x, const torch::Tensor& sigma, const EdmOptions& options, at::Generator rng) {
  const auto like = x.options().requires_grad(false);
  const auto offset = torch::randn({x.size(0), x.size(1), 1, 1}, rng, like);
  return x + options.offset_noise * offset + over_pixels(sigma) * torch::randn(x.sizes(), rng, like);
}

torch::Tensor edm_target(const torch::Tensor& x, const torch::Tensor& noisy, const Conditioners& c) {
  return (x - c.skip * noisy) / c.out;
}

torch::Tensor in_levels(const torch::Tensor& x) {
  return ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1;
}

torch::Tensor edm_denoised(const torch::Tensor& noisy, const torch::Tensor& output, const Conditioners& c) {
  return in_levels(c.skip * noisy + c.out * output);
}

std::vector<double> sigma_levels(const SamplerOptions& options) {
  const double low = std::pow(options.sigma_min, 1 / options.rho), high = std::pow(options.sigma_max, 1 / options.rho);
  const auto last = static_cast<double>(std::max<std::int64_t>(1, options.steps - 1));
  std::vector<double> levels;
  for (std::int64_t i = 0; i < options.steps; ++i)
    levels.push_back(std::pow(high + static_cast<double>(i) / last * (low - high), options.rho));
  levels.push_back(0);
  return levels;
}

Sampled edm_sample(torch::Tensor x, const SamplerOptions& options,
                   const std::function<torch::Tensor(const torch::Tensor& x, double sigma)>& denoise,
                   const std::function<torch::Tensor()>& noise) {
  const auto levels = sigma_levels(options);
  const double most = std::min(options.churn / static_cast<double>(options.steps), std::numbers::sqrt2 - 1);
  Sampled sampled;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double sigma = levels[i], next = levels[i + 1];
    const bool churns = sigma * (1 + level_rounding) >= options.churn_low && sigma * (1 - level_rounding) <= options.churn_high;
    const double gamma = churns ? most : 0, churned = sigma * (1 + gamma);
    if (gamma > 0) x = x + options.churn_noise * std::sqrt(churned * churned - sigma * sigma) * noise();
    auto slope = (x - denoise(x, options.told_of_churn ? churned : sigma)) / churned;
    if (options.order == SamplerOrder::heun && next > 0) {
      const auto there = x + slope * (next - churned);
      slope = (slope + (there - denoise(there, next)) / next) / 2;
    }
    x = x + slope * (next - churned);
    sampled.steps.push_back(x);
  }
  sampled.x = x;
  return sampled;
}

}  // namespace dream
