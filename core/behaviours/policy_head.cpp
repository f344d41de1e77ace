#include "core/behaviours/policy_head.h"

#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/nn/categorical.h"

namespace dream {
namespace {

constexpr double edge = 1 - 1e-6;  // the inverse of tanh ends there

torch::Tensor normal_log_prob(const torch::Tensor& x, const torch::Tensor& mean, const torch::Tensor& deviation) {
  return -0.5 * ((x - mean) / deviation).square() - deviation.log() - 0.5 * std::log(2 * std::numbers::pi);
}

torch::Tensor normal_cdf(const torch::Tensor& x) {
  return 0.5 * (1 + torch::erf(x / std::numbers::sqrt2));
}
torch::Tensor normal_pdf(const torch::Tensor& x) {
  return torch::exp(-0.5 * x.square()) / std::sqrt(2 * std::numbers::pi);
}

/// A normal cut to [-1, 1].
struct Truncated {
  torch::Tensor mean, deviation, alpha, beta, below, mass;
  Truncated(const torch::Tensor& m, const torch::Tensor& s)
      : mean(m),
        deviation(s),
        alpha((-1 - m) / s),
        beta((1 - m) / s),
        below(normal_cdf(alpha)),
        mass((normal_cdf(beta) - below).clamp_min(1e-6)) {}
};

}  // namespace

PolicyHead::PolicyHead(const ActionSpace& space, BoxPolicy continuous, double unimix) : unimix_(unimix) {
  if (space.discrete()) {
    size_ = static_cast<std::int64_t>(space.choices.size());
    return;
  }
  size_ = static_cast<std::int64_t>(space.axes.size());
  kind_ = continuous == BoxPolicy::normal        ? Kind::normal
          : continuous == BoxPolicy::tanh_normal ? Kind::tanh_normal
                                                 : Kind::truncated_normal;
  low_ = torch::tensor(space.low);
  high_ = torch::tensor(space.high);
}

std::int64_t PolicyHead::output_size() const {
  return discrete() ? size_ : 2 * size_;
}

torch::Tensor PolicyHead::probabilities(const torch::Tensor& output) const {
  return unimix(output, unimix_).exp();
}

std::pair<torch::Tensor, torch::Tensor> PolicyHead::mean_deviation(const torch::Tensor& output) const {
  const auto parts = output.to(torch::kFloat32).chunk(2, -1);
  switch (kind_) {
    case Kind::normal:
      return {torch::tanh(parts[0]), 0.9 * torch::sigmoid(parts[1] + 2) + 0.1};
    // The offset makes the deviation 5 where the network says 0.
    case Kind::tanh_normal:
      return {5 * torch::tanh(parts[0] / 5), torch::softplus(parts[1] + std::log(std::expm1(5.0))) + 1e-4};
    default:
      return {torch::tanh(parts[0]), 2 * torch::sigmoid(parts[1] / 2) + 0.1};
  }
}

torch::Tensor PolicyHead::sample(const torch::Tensor& output, at::Generator rng) const {
  if (discrete()) {
    const auto log_p = unimix(output, unimix_);
    const auto one_hot = sample_one_hot(log_p.detach(), rng);
    return torch::GradMode::is_enabled() ? straight_through(one_hot, log_p) : one_hot;
  }
  auto sizes = output.sizes().vec();
  sizes.back() = size_;
  const auto plain = torch::TensorOptions(output.device()).dtype(torch::kFloat32);
  return sample_at(output,
                   kind_ == Kind::truncated_normal ? torch::rand(sizes, rng, plain) : torch::randn(sizes, rng, plain));
}

torch::Tensor PolicyHead::sample_at(const torch::Tensor& output, const torch::Tensor& noise) const {
  const auto [mean, deviation] = mean_deviation(output);
  if (kind_ == Kind::truncated_normal) {
    const Truncated cut(mean, deviation);
    // Through the inverse of the distribution function, which has a gradient.
    const auto p = (cut.below + noise * cut.mass).clamp(1e-6, edge);
    return (mean + deviation * std::numbers::sqrt2 * torch::erfinv(2 * p - 1)).clamp(-1, 1);
  }
  const auto x = mean + deviation * noise;
  return kind_ == Kind::tanh_normal ? torch::tanh(x) : x;
}

torch::Tensor PolicyHead::mode(const torch::Tensor& output, at::Generator rng) const {
  if (discrete()) {
    const auto best = output.argmax(-1, true);
    return torch::zeros(output.sizes(), output.options().dtype(torch::kFloat32).requires_grad(false))
        .scatter_(-1, best, 1);
  }
  if (kind_ != Kind::tanh_normal) return mean_deviation(output).first;
  // Of 100 samples the likeliest: the mode of a squashed normal has no closed form (danijar/dreamer, SampleDist).
  const auto many = output.unsqueeze(0).expand([&] {
    auto sizes = output.sizes().vec();
    sizes.insert(sizes.begin(), 100);
    return sizes;
  }());
  const auto samples = sample(many, rng);
  const auto best = log_prob(many, samples).argmax(0);  // [...]
  return samples.gather(0, best.unsqueeze(0).unsqueeze(-1).expand({1, -1, samples.size(-1)})).squeeze(0);
}

torch::Tensor PolicyHead::log_prob(const torch::Tensor& output, const torch::Tensor& action) const {
  if (discrete()) return (unimix(output, unimix_) * action).sum(-1);
  const auto [mean, deviation] = mean_deviation(output);
  if (kind_ == Kind::normal) return normal_log_prob(action, mean, deviation).sum(-1);
  if (kind_ == Kind::truncated_normal) {
    const Truncated cut(mean, deviation);
    return (normal_log_prob(action, mean, deviation) - cut.mass.log()).sum(-1);
  }
  const auto inside = action.clamp(-edge, edge);
  return (normal_log_prob(torch::atanh(inside), mean, deviation) - torch::log1p(-inside.square())).sum(-1);
}

torch::Tensor PolicyHead::entropy(const torch::Tensor& output, at::Generator rng) const {
  if (discrete()) return categorical_entropy(unimix(output, unimix_));
  const auto [mean, deviation] = mean_deviation(output);
  const double half = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
  if (kind_ == Kind::normal) return (deviation.log() + half).sum(-1);
  if (kind_ == Kind::truncated_normal) {
    const Truncated cut(mean, deviation);
    const auto edges = (cut.alpha * normal_pdf(cut.alpha) - cut.beta * normal_pdf(cut.beta)) / (2 * cut.mass);
    return (deviation.log() + half + cut.mass.log() + edges).sum(-1);
  }
  return -log_prob(output, sample(output, rng));  // one sample: unbiased
}

torch::Tensor PolicyHead::to_environment(const torch::Tensor& action) const {
  if (discrete()) return action.argmax(-1, true).to(torch::kFloat32);
  const auto low = low_.to(action.device()), high = high_.to(action.device());
  // Held within [-1, 1] by a factor, which lets gradients pass where a clamp stops them (danijar/dreamerv3,
  // action_clip).
  const auto held = action / action.detach().abs().clamp_min(1);
  return low + (held + 1) * 0.5 * (high - low);
}

}  // namespace dream
