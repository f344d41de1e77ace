#include "core/nn/value_support.h"

namespace dream {
namespace {

constexpr double slope = 0.001;  // ε, which keeps h invertible

}  // namespace

torch::Tensor squash(const torch::Tensor& x) {
  return x.sign() * ((x.abs() + 1).sqrt() - 1) + slope * x;
}

torch::Tensor unsquash(const torch::Tensor& x) {
  // In doubles: the root of a number near 1 has few digits left in float32.
  const auto y = x.to(torch::kFloat64);
  const auto root = ((1 + 4 * slope * (y.abs() + 1 + slope)).sqrt() - 1) / (2 * slope);
  return (y.sign() * (root.square() - 1)).to(x.scalar_type());
}

torch::Tensor ValueSupport::target(const torch::Tensor& x) const {
  const auto at = squash(x).clamp(-static_cast<double>(limit_), static_cast<double>(limit_)) + static_cast<double>(limit_);
  const auto below = at.floor().clamp(0, static_cast<double>(bins() - 2));
  const auto share = (at - below).unsqueeze(-1), index = below.to(torch::kInt64).unsqueeze(-1);
  auto shape = x.sizes().vec();
  shape.push_back(bins());
  return torch::zeros(shape, x.options()).scatter(-1, index, 1 - share).scatter(-1, index + 1, share);
}

torch::Tensor ValueSupport::mean(const torch::Tensor& logits) const {
  const auto numbers = torch::arange(-limit_, limit_ + 1, logits.options().requires_grad(false));
  return unsquash((logits.softmax(-1) * numbers).sum(-1));
}

torch::Tensor ValueSupport::loss(const torch::Tensor& logits, const torch::Tensor& x) const {
  return -(target(x) * logits.log_softmax(-1)).sum(-1);
}

}  // namespace dream
