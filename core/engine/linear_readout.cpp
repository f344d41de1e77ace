#include "core/engine/linear_readout.h"

#include <limits>

namespace dream {
namespace {

constexpr double readout_strengths[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1};  // times the number of rows

/// What is guessed for `now` [M, D] by a line through x [N, D], y [N, K], both about 0.
torch::Tensor guessed(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& now, double strength) {
  const auto added = strength * static_cast<double>(x.size(0));
  // Of many columns the same by the rows' products with one another.
  const bool wide = x.size(1) > x.size(0);
  const auto gram = wide ? torch::matmul(x, x.t()) : torch::matmul(x.t(), x);
  const auto kept = gram + added * torch::eye(gram.size(0), gram.options());
  if (wide) return torch::matmul(torch::matmul(now, x.t()), torch::linalg_solve(kept, y));
  return torch::matmul(now, torch::linalg_solve(kept, torch::matmul(x.t(), y)));
}

}  // namespace

double linear_readout(const torch::Tensor& x, const torch::Tensor& y) {
  torch::NoGradGuard no_grad;
  const auto rows = x.to(torch::kCPU, torch::kFloat64), told = y.to(torch::kCPU, torch::kFloat64);
  const auto fit = rows.slice(0, 0, {}, 2), fit_y = told.slice(0, 0, {}, 2);
  const auto middle = fit.mean(0), middle_y = fit_y.mean(0);
  // One scale for all columns: a pixel that hardly ever changes must not become as loud as one that does.
  const auto scale = (fit - middle).square().sum(1).mean().sqrt().clamp_min(1e-12);
  const auto from = (fit - middle) / scale, to = fit_y - middle_y;
  const auto last = from.size(0) - std::max<std::int64_t>(1, from.size(0) / 5);
  const auto spread = to.square().mean(0);
  const auto varies = spread > 1e-12;
  if (!varies.any().item<bool>()) return 0;
  double best = readout_strengths[0], least = std::numeric_limits<double>::infinity();
  for (const double strength : readout_strengths) {
    const auto guess = guessed(from.slice(0, 0, last), to.slice(0, 0, last), from.slice(0, last), strength);
    const double error = ((guess - to.slice(0, last)).square().mean(0) / spread.clamp_min(1e-12))
                             .masked_select(varies)
                             .mean()
                             .item<double>();
    if (error < least) least = error, best = strength;
  }
  const auto judge = (rows.slice(0, 1, {}, 2) - middle) / scale, truth = told.slice(0, 1, {}, 2);
  const auto guess = guessed(from, to, judge, best) + middle_y;
  const auto around = (truth - truth.mean(0)).square().sum(0);
  const auto tells = 1 - (guess - truth).square().sum(0) / around.clamp_min(1e-12);
  return tells.clamp_min(0).masked_select(varies & (around > 1e-12)).mean().nan_to_num(0).item<double>();
}

}  // namespace dream
