#include "core/nn/regularisers.h"

#include <cmath>

namespace dream {

torch::Tensor variance_hinge(const torch::Tensor& x, double margin) {
  return torch::relu(margin - torch::sqrt(x.var(0) + 1e-4)).mean();
}

torch::Tensor covariance_off_diagonal(const torch::Tensor& x) {
  const auto centred = x - x.mean(0);
  const auto size = x.size(1);
  const auto covariance = torch::matmul(centred.t(), centred) / static_cast<double>(x.size(0) - 1);
  return (covariance.square().sum() - covariance.diagonal().square().sum()) / static_cast<double>(size * (size - 1));
}

VicReg vic_reg(const torch::Tensor& x, const torch::Tensor& y) {
  const auto others = static_cast<double>(x.size(1) - 1);
  return {(x - y).square().mean(), (variance_hinge(x) + variance_hinge(y)) / 2,
          others * (covariance_off_diagonal(x) + covariance_off_diagonal(y))};
}

torch::Tensor byol_distance(const torch::Tensor& x, const torch::Tensor& y) {
  return 2 - 2 * torch::cosine_similarity(x, y, -1, 1e-8);
}

torch::Tensor sig_reg_along(const torch::Tensor& x, const torch::Tensor& directions, const SigRegOptions& options) {
  const auto t = torch::linspace(options.low, options.high, options.knots, x.options().requires_grad(false));
  const auto normal = torch::exp(-t.square() / 2);
  const auto angle = torch::matmul(x, directions).unsqueeze(-1) * t;  // [N, M, T]
  // |φ − e|² of φ = mean(cos) + i·mean(sin), and e real.
  const auto apart = (angle.cos().mean(0) - normal).square() + angle.sin().mean(0).square();  // [M, T]
  return torch::trapezoid(normal * apart, t, -1).mean();
}

torch::Tensor sig_reg(const torch::Tensor& x, const SigRegOptions& options, at::Generator rng) {
  const auto directions = torch::randn({x.size(1), options.directions}, rng, x.options().requires_grad(false));
  return sig_reg_along(x, directions / directions.norm(2, 0, true), options);
}

}  // namespace dream
