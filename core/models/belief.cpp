#include "core/models/belief.h"

#include <cmath>
#include <numbers>

#include "api/error.h"

namespace dream {
namespace {

struct Moments {
  torch::Tensor mean, variance;  // [B, D]
};

Moments moments_of(const Density& density) {
  const auto weights = density.log_weights.exp();
  const auto mean = (weights * density.mean).sum(-1);
  const auto second = (weights * ((2 * density.log_deviation).exp() + density.mean.square())).sum(-1);
  return {mean, (second - mean.square()).clamp_min(0)};
}

/// Nodes and weights of ∫ e^{-x²} f(x) dx, by the eigenvalues of the Hermite polynomials' Jacobi matrix (Golub and
/// Welsch 1969).
std::pair<torch::Tensor, torch::Tensor> gauss_hermite(std::int64_t count) {
  const auto off = (torch::arange(1, count, torch::kFloat64) / 2).sqrt();
  const auto jacobi = torch::diag(off, 1) + torch::diag(off, -1);
  const auto [nodes, vectors] = torch::linalg_eigh(jacobi);
  return {nodes, vectors[0].square()};  // weights that sum to 1
}

}  // namespace

torch::Tensor kl_of(const Density& q, const Density& p) {
  if (!q.known() || !p.known()) return {};
  if (q.log_probabilities.defined() != p.log_probabilities.defined())
    throw Error("a density over classes and one over numbers have no KL divergence");
  if (q.log_probabilities.defined()) {
    // 0 · log 0 = 0, also where a class of probability 0 is -inf.
    const auto weight = q.log_probabilities.exp();
    return torch::where(weight > 0, weight * (q.log_probabilities - p.log_probabilities), torch::zeros_like(weight))
        .sum(-1);
  }
  if (q.mean.size(-1) != 1) throw Error("the KL divergence of a mixture has no closed form");
  const auto mean = q.mean.squeeze(-1), log_deviation = q.log_deviation.squeeze(-1);
  if (p.mean.size(-1) == 1) {
    const auto other = p.log_deviation.squeeze(-1);
    return other - log_deviation +
           0.5 * (((2 * log_deviation).exp() + (mean - p.mean.squeeze(-1)).square()) * (-2 * other).exp() - 1);
  }
  // E_q[log q] is known; E_q[log p] by quadrature over q's own Gaussian.
  auto [nodes, weights] = gauss_hermite(24);
  nodes = nodes.to(mean.options()), weights = weights.to(mean.options());
  const auto x = mean.unsqueeze(-1) + std::numbers::sqrt2 * log_deviation.exp().unsqueeze(-1) * nodes;  // [B, D, N]
  const auto scaled = (x.unsqueeze(-1) - p.mean.unsqueeze(-2)) * (-p.log_deviation).exp().unsqueeze(-2);
  const double half_log_tau = 0.5 * std::log(2 * std::numbers::pi);
  const auto log_p = torch::logsumexp(
      p.log_weights.unsqueeze(-2) - 0.5 * scaled.square() - p.log_deviation.unsqueeze(-2) - half_log_tau, -1);
  return -(log_deviation + half_log_tau + 0.5) - (log_p * weights).sum(-1);
}

torch::Tensor entropy_of(const Density& density) {
  if (density.log_probabilities.defined()) {
    const auto p = density.log_probabilities.exp();
    return -torch::where(p > 0, p * density.log_probabilities, torch::zeros_like(p)).sum(-1);
  }
  if (!density.mean.defined()) return {};
  return 0.5 * (2 * std::numbers::pi * std::numbers::e * moments_of(density).variance).log();
}

torch::Tensor spread_of(const Density& density) {
  if (density.log_probabilities.defined()) return entropy_of(density).mean(-1);
  if (!density.mean.defined()) return {};
  return moments_of(density).variance.mean(-1).sqrt();
}

}  // namespace dream
