#include "core/nn/quantiser.h"

#include <cmath>

#include "api/error.h"

namespace dream {
namespace {

constexpr double sharpness = 10;  // of `likely`

torch::Tensor unit_rows(const torch::Tensor& x) {
  return x / x.norm(2, -1, true).clamp_min(1e-6);
}

torch::Tensor straight_through(const torch::Tensor& from, const torch::Tensor& to) {
  return from + (to - from).detach();
}

}  // namespace

QuantiserImpl::QuantiserImpl(const QuantiserOptions& options) : options_(options) {
  if (options.kind == Quantisation::fsq) {
    if (std::pow(static_cast<double>(options.levels), static_cast<double>(options.numbers)) > 65536)
      throw Error("more than 65,536 codes: fewer levels or fewer numbers");
    return;
  }
  codebook_ = register_parameter("codebook", unit_rows(torch::randn({options.codes, options.width})));
  idle_ = register_buffer("idle", torch::zeros({options.codes}, torch::kInt64));
}

std::int64_t QuantiserImpl::codes() const {
  if (options_.kind == Quantisation::vq) return options_.codes;
  std::int64_t all = 1;
  for (std::int64_t i = 0; i < options_.numbers; ++i) all *= options_.levels;
  return all;
}

std::int64_t QuantiserImpl::width() const {
  return options_.kind == Quantisation::vq ? options_.width : options_.numbers;
}

Quantised QuantiserImpl::forward(const torch::Tensor& x) {
  return options_.kind == Quantisation::vq ? nearest(x.to(torch::kFloat32)) : rounded(x.to(torch::kFloat32));
}

Quantised QuantiserImpl::nearest(const torch::Tensor& given) const {
  const auto x = unit_rows(given), codes = unit_rows(codebook_);
  const auto cosine = x.matmul(codes.t());
  Quantised made;
  made.soft = x;
  made.index = cosine.argmax(-1);
  const auto code = codes.index_select(0, made.index.flatten()).view_as(x);
  made.value = straight_through(x, code);
  made.loss =
      (code - x.detach()).square().sum(-1).mean() + options_.commitment * (x - code.detach()).square().sum(-1).mean();
  made.likely = (sharpness * cosine).softmax(-1);
  return made;
}

Quantised QuantiserImpl::rounded(const torch::Tensor& x) const {
  const auto levels = options_.levels;
  // Even numbers of levels lie about -1/2: the bound is shifted so that 0 stays where it is.
  const double half = static_cast<double>(levels - 1) * (1 + 1e-3) / 2, offset = levels % 2 == 0 ? 0.5 : 0,
               shift = std::atanh(offset / half);
  const auto bounded = (x + shift).tanh() * half - offset;
  const auto whole = bounded.round();
  Quantised made;
  const auto middle = static_cast<double>(levels / 2);
  made.soft = bounded / middle;
  made.value = straight_through(bounded, whole) / middle;
  const auto digit = (whole.detach() + middle).to(torch::kInt64);
  made.index = torch::zeros_like(digit.select(-1, 0));
  for (std::int64_t i = options_.numbers; i-- > 0;) made.index = made.index * levels + digit.select(-1, i);
  made.loss = torch::zeros({}, x.options());
  return made;
}

torch::Tensor QuantiserImpl::lookup(const torch::Tensor& index) const {
  auto shape = index.sizes().vec();
  shape.push_back(width());
  if (options_.kind == Quantisation::vq) return unit_rows(codebook_).index_select(0, index.flatten()).view(shape);
  std::vector<torch::Tensor> numbers;
  auto rest = index;
  for (std::int64_t i = 0; i < options_.numbers; ++i) {
    numbers.push_back(rest.remainder(options_.levels));
    rest = rest.div(options_.levels, "floor");
  }
  const auto middle = static_cast<double>(options_.levels / 2);
  return torch::stack(numbers, -1).to(torch::kFloat32).sub(middle).div(middle);
}

/// Puts `codes` one after the other where the cosine to the nearest code, `nearest` [N] of unit rows, is least.
void QuantiserImpl::place(const torch::Tensor& rows, torch::Tensor nearest, const torch::Tensor& codes) {
  for (std::int64_t i = 0; i < codes.size(0); ++i) {
    const auto row = rows.select(0, nearest.argmin().item<std::int64_t>());
    codebook_.select(0, codes[i].item<std::int64_t>()).copy_(row);
    nearest = torch::maximum(nearest, rows.matmul(row));
  }
}

std::int64_t QuantiserImpl::revive(const torch::Tensor& x, const torch::Tensor& index, std::int64_t patience) {
  torch::NoGradGuard no_grad;
  if (options_.kind != Quantisation::vq) return 0;
  const auto used = torch::bincount(index.flatten(), {}, options_.codes) > 0;
  idle_.copy_(torch::where(used, torch::zeros_like(idle_), idle_ + 1));
  const auto dead = (idle_ >= patience).nonzero().flatten();
  if (dead.size(0) == 0) return 0;
  const auto rows = unit_rows(x.to(torch::kFloat32));
  place(rows, rows.matmul(unit_rows(codebook_).t()).amax(1), dead);
  idle_.index_fill_(0, dead, 0);
  return dead.size(0);
}

void QuantiserImpl::spread(const torch::Tensor& x) {
  torch::NoGradGuard no_grad;
  if (options_.kind != Quantisation::vq) return;
  const auto rows = unit_rows(x.to(torch::kFloat32));
  // The first is the row that is least like the others.
  place(rows, rows.matmul(rows.mean(0)), torch::arange(1, idle_.options()));
  place(rows, rows.matmul(codebook_[0]), torch::arange(1, options_.codes, idle_.options()));
}

double perplexity(const torch::Tensor& index, std::int64_t codes) {
  const auto share = torch::bincount(index.flatten().to(torch::kCPU), {}, codes).to(torch::kFloat64) /
                     static_cast<double>(index.numel());
  return std::exp(-torch::xlogy(share, share).sum().item<double>());
}

}  // namespace dream
