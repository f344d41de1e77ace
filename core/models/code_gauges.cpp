#include "core/models/code_gauges.h"

#include <cmath>
#include <limits>

namespace dream {

torch::Tensor counted_together(const torch::Tensor& a, const torch::Tensor& b, std::int64_t rows,
                               std::int64_t columns) {
  const auto both = a.flatten().to(torch::kCPU, torch::kInt64) * columns + b.flatten().to(torch::kCPU, torch::kInt64);
  return torch::bincount(both, {}, rows * columns).view({rows, columns}).to(torch::kFloat64);
}

double normalised_mutual_information(const torch::Tensor& counts) {
  const auto p = counts.to(torch::kFloat64) / counts.sum().clamp_min(1);
  const auto entropy = [](const torch::Tensor& x) { return -torch::xlogy(x, x).sum().item<double>(); };
  const double rows = entropy(p.sum(1)), columns = entropy(p.sum(0));
  if (!(rows > 1e-9) || !(columns > 1e-9)) return std::numeric_limits<double>::quiet_NaN();
  return (rows + columns - entropy(p)) / std::sqrt(rows * columns);
}

}  // namespace dream
