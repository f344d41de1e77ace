#include "core/lab/density_scores.h"

#include <cmath>
#include <numbers>

namespace dream {
namespace {

struct GaussianMixture {
  torch::Tensor weight, mean, deviation;  // [B, D, K]
};

GaussianMixture mixture_of(const Density& density) {
  const auto wide = [](const torch::Tensor& x) { return x.to(torch::kCPU, torch::kFloat64); };
  return {wide(density.log_weights).exp(), wide(density.mean), wide(density.log_deviation).exp()};
}

torch::Tensor below(const torch::Tensor& x) {  // Φ
  return 0.5 * (1 + torch::erf(x / std::numbers::sqrt2));
}

/// E|X| of a Gaussian of this mean and deviation.
torch::Tensor mean_distance(const torch::Tensor& mean, const torch::Tensor& deviation) {
  const auto x = mean / deviation;
  return 2 * deviation * (-0.5 * x.square()).exp() / std::sqrt(2 * std::numbers::pi) + mean * (2 * below(x) - 1);
}

}  // namespace

torch::Tensor expected_of(const Density& density) {
  if (density.log_probabilities.defined())
    return density.log_probabilities.to(torch::kCPU, torch::kFloat64).exp().flatten(1);
  if (!density.mean.defined()) return {};
  const auto made = mixture_of(density);
  return (made.weight * made.mean).sum(-1);
}

torch::Tensor nll_of(const Density& density, const torch::Tensor& came) {
  const auto x = came.to(torch::kCPU, torch::kFloat64);
  if (density.log_probabilities.defined()) {
    const auto log_p = density.log_probabilities.to(torch::kCPU, torch::kFloat64);
    return -log_p.gather(-1, x.view_as(log_p).argmax(-1, true)).squeeze(-1);
  }
  const auto made = mixture_of(density);
  const auto scaled = (x.unsqueeze(-1) - made.mean) / made.deviation;
  return -torch::logsumexp(
      made.weight.log() - 0.5 * scaled.square() - made.deviation.log() - 0.5 * std::log(2 * std::numbers::pi), -1);
}

torch::Tensor pit_of(const Density& density, const torch::Tensor& came) {
  const auto made = mixture_of(density);
  return (made.weight * below((came.to(torch::kCPU, torch::kFloat64).unsqueeze(-1) - made.mean) / made.deviation))
      .sum(-1);
}

torch::Tensor crps_of(const Density& density, const torch::Tensor& came) {
  const auto made = mixture_of(density);
  const auto from_truth =
      (made.weight * mean_distance(came.to(torch::kCPU, torch::kFloat64).unsqueeze(-1) - made.mean, made.deviation))
          .sum(-1);
  const auto between = [](const torch::Tensor& x) { return std::pair{x.unsqueeze(-1), x.unsqueeze(-2)}; };
  const auto [w, v] = between(made.weight);
  const auto [m, n] = between(made.mean);
  const auto [s, t] = between(made.deviation);
  return from_truth - 0.5 * (w * v * mean_distance(m - n, (s.square() + t.square()).sqrt())).sum({-2, -1});
}

Density gaussian(const torch::Tensor& mean, const torch::Tensor& deviation) {
  const auto both = torch::broadcast_tensors({mean, deviation});
  return {torch::zeros_like(both[0]).unsqueeze(-1), both[0].unsqueeze(-1), both[1].log().unsqueeze(-1), {}};
}

}  // namespace dream
