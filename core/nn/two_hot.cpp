#include "core/nn/two_hot.h"

#include <algorithm>

#include "api/error.h"

namespace dream {

torch::Tensor symlog(const torch::Tensor& x) {
  return torch::sign(x) * torch::log1p(x.abs());
}
torch::Tensor symexp(const torch::Tensor& x) {
  return torch::sign(x) * torch::expm1(x.abs());
}

TwoHot::TwoHot(Kind kind, std::int64_t bins, const torch::Device& device, double limit) : kind_(kind) {
  if (bins < 3 || bins % 2 == 0)
    throw Error("two-hot bins must be an odd number from 3 on, not " + std::to_string(bins));
  // One half mirrored, so that the bins are exactly symmetric and uniform logits mean exactly 0.
  auto half = torch::linspace(-limit, 0, bins / 2 + 1, torch::kFloat32);
  if (kind == Kind::symexp) half = symexp(half);
  bins_ = torch::cat({half, -half.slice(0, 0, bins / 2).flip(0)}).to(device);
}

torch::Tensor TwoHot::mean(const torch::Tensor& logits) const {
  const auto probabilities = torch::softmax(logits.to(torch::kFloat32), -1);
  const auto middle = bins_.size(0) / 2;
  const auto weighted = probabilities * bins_.to(probabilities.device());
  // The large bins of both signs cancel pair by pair before the small ones are added.
  const auto pairs = weighted.slice(-1, 0, middle).flip(-1) + weighted.slice(-1, middle + 1);
  const auto sum = weighted.select(-1, middle) + pairs.sum(-1);
  return kind_ == Kind::symlog ? symexp(sum) : sum;
}

torch::Tensor TwoHot::target(const torch::Tensor& x) const {
  const auto value = kind_ == Kind::symlog ? symlog(x) : x;
  const auto bins = bins_.to(value.device());
  const auto last = bins_.size(0) - 1;
  const auto above = torch::searchsorted(bins, value.contiguous(), false, true);  // the number of bins <= value
  const auto low = (above - 1).clamp(0, last), high = above.clamp(0, last);
  const auto bin_low = bins.index_select(0, low.flatten()).view_as(value);
  const auto bin_high = bins.index_select(0, high.flatten()).view_as(value);
  const auto equal = low == high;  // outside the bins: all on the end bin
  const auto distance_low = torch::where(equal, torch::ones_like(value), (bin_low - value).abs());
  const auto distance_high = torch::where(equal, torch::ones_like(value), (bin_high - value).abs());
  const auto total = distance_low + distance_high;
  auto sizes = value.sizes().vec();
  sizes.push_back(last + 1);
  auto target = torch::zeros(sizes, bins.options());
  target.scatter_add_(-1, low.unsqueeze(-1), (distance_high / total).unsqueeze(-1));
  target.scatter_add_(-1, high.unsqueeze(-1), (distance_low / total).unsqueeze(-1));
  return target;
}

Curve TwoHot::curve(const torch::Tensor& logits) const {
  constexpr std::int64_t margin = 4;
  constexpr double mass = 1e-3;
  const auto places = (kind_ == Kind::symexp ? symlog(bins_) : bins_).to(torch::kCPU, torch::kFloat64).contiguous();
  const auto p = torch::softmax(logits.to(torch::kFloat32), -1).to(torch::kCPU, torch::kFloat64).contiguous();
  const auto some = (p > mass).nonzero().flatten();
  const auto middle = p.argmax().item<std::int64_t>(), last = p.numel() - 1;
  const auto from = std::max<std::int64_t>(0, (some.numel() > 0 ? some[0].item<std::int64_t>() : middle) - margin);
  const auto to = std::min(last, (some.numel() > 0 ? some[-1].item<std::int64_t>() : middle) + margin);
  Curve shown;
  shown.x_unit = "symlog";
  shown.y_unit = "probability";
  shown.lines = {{"probability", {}}};
  for (auto i = from; i <= to; ++i) {
    shown.x.push_back(places.data_ptr<double>()[i]);
    shown.lines[0].y.push_back(p.data_ptr<double>()[i]);
  }
  return shown;
}

torch::Tensor TwoHot::loss(const torch::Tensor& logits, const torch::Tensor& x) const {
  return -(target(x) * torch::log_softmax(logits.to(torch::kFloat32), -1)).sum(-1);
}

}  // namespace dream
