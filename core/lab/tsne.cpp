#include "core/lab/tsne.h"

#include <algorithm>
#include <cmath>

#include "core/lab/statistics.h"

namespace dream {
namespace {

torch::Tensor squared_distances(const torch::Tensor& x) {
  const auto square = x.square().sum(1);
  return torch::addmm(square.unsqueeze(1) + square.unsqueeze(0), x, x.t(), 1, -2).clamp_min_(0);
}

}  // namespace

torch::Tensor neighbour_probabilities(const torch::Tensor& x, double perplexity) {
  const auto n = x.size(0);
  const double target = std::log(std::max(1.0, std::min(perplexity, static_cast<double>(n - 1) / 3)));
  auto distance = squared_distances(x.to(torch::kCPU, torch::kFloat32));
  distance.fill_diagonal_(std::numeric_limits<float>::infinity());
  // Distances from the nearest one on: the probabilities are the same, and never all of them underflow.
  distance = distance - std::get<0>(distance.min(1, true));
  const auto finite = torch::where(distance.isinf(), torch::zeros_like(distance), distance);
  const auto scale = finite.mean(1, true).clamp_min(1e-20);
  auto low = torch::full({n, 1}, -30.0f),
       high = torch::full({n, 1}, 30.0f);  // ln of the precision, in units of 1 / scale
  torch::Tensor p;
  for (int step = 0; step < 40; ++step) {
    const auto middle = (low + high) / 2, beta = middle.exp() / scale;
    p = (-distance * beta).exp();
    const auto sum = p.sum(1, true);
    p = p / sum;
    const auto entropy = sum.log() + beta * (p * finite).sum(1, true);
    const auto wide = entropy > target;
    low = torch::where(wide, middle, low), high = torch::where(wide, high, middle);
  }
  return p;
}

torch::Tensor tsne(const torch::Tensor& x, const TsneOptions& options, const std::function<void(double)>& between) {
  torch::NoGradGuard no_grad;
  const auto n = x.size(0);
  if (n < 2) return torch::zeros({n, 2});
  const auto all = x.to(torch::kCPU, torch::kFloat32);
  auto p = neighbour_probabilities(all, options.perplexity);
  p = ((p + p.t()) / static_cast<double>(2 * n)).clamp_min_(1e-12);
  auto y = torch::zeros({n, 2});
  const auto begun = principal_components(all, 2).coordinates.to(torch::kFloat32);
  y.slice(1, 0, begun.size(1)).copy_(begun * (1e-4 / std::max(1e-12, begun.select(1, 0).std(false).item<double>())));
  auto speed = torch::zeros_like(y), gain = torch::ones_like(y);
  const double rate = std::max(50.0, static_cast<double>(n) / options.exaggeration / 4);
  for (int step = 0; step < options.iterations; ++step) {
    const bool early = step < options.exaggerated;
    // k = 1 / (1 + |y_i − y_j|²), written over the distances.
    const auto square = y.square().sum(1);
    auto kernel = square.unsqueeze(1) + (square + 1).unsqueeze(0);
    kernel.addmm_(y, y.t(), 1, -2).clamp_min_(1).reciprocal_().fill_diagonal_(0);
    const double sum = std::max(1e-12, kernel.sum().item<double>()), scale = early ? options.exaggeration : 1;
    // 4 Σ_j (scale · p − k / sum) k (y_i − y_j)
    const auto pull = torch::mul(p, kernel).addcmul_(kernel, kernel, -1 / (scale * sum));
    const auto gradient = 4 * scale * (pull.sum(1, true) * y - torch::matmul(pull, y));
    const auto same = gradient.sign() == speed.sign();
    gain = torch::where(same, gain * 0.8, gain + 0.2).clamp_min(0.01);
    speed = (early ? 0.5 : 0.8) * speed - rate * gain * gradient;
    y = y + speed;
    y = y - y.mean(0);
    if (between) between(static_cast<double>(step + 1) / options.iterations);
  }
  return y;
}

}  // namespace dream
