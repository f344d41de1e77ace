#include "core/nn/optimiser.h"

#include <cmath>

#include "api/error.h"
#include "core/nn/kernel_path.h"

namespace dream {

Optimiser::Optimiser(std::vector<torch::Tensor> parameters, const OptimiserOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  for (const auto& p : parameters_) {
    first_.push_back(torch::zeros_like(p));
    second_.push_back(torch::zeros_like(p));
  }
}

void Optimiser::clear() {
  for (auto& p : parameters_) p.mutable_grad() = torch::Tensor();
}

void Optimiser::throw_not_finite() {
  throw Error("the gradient is not finite. Nothing was changed: resume from the last checkpoint with a smaller learning rate");
}

double Optimiser::norm_of_gradients() const {
  std::vector<torch::Tensor> norms;
  for (const auto& p : parameters_) {
    if (p.grad().defined()) norms.push_back(p.grad().norm());
  }
  return norms.empty() ? -1 : torch::stack(norms).norm().item<double>();
}

double Optimiser::step() {
  torch::NoGradGuard no_grad;
  if (options_.clip_value > 0) {
    for (auto& p : parameters_) {
      if (p.grad().defined()) p.mutable_grad().clamp_(-options_.clip_value, options_.clip_value);
    }
  }
  const double norm = options_.measure || options_.clip_norm > 0 ? norm_of_gradients() : 0;
  if (norm < 0) return 0;  // there are no gradients
  if (!std::isfinite(norm)) {
    clear();
    throw_not_finite();
  }
  ++steps_;
  const auto t = static_cast<double>(steps_);
  // The first step of a warm-up is of size 0: it fills the moments alone (danijar/dreamerv3).
  const double rise = options_.warm_up > 0 ? std::min(1.0, (t - 1) / static_cast<double>(options_.warm_up)) : 1;
  const double rate = options_.learning_rate * rise;
  const double clip = options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1;
  const double debias1 = 1 - std::pow(options_.beta1, t), debias2 = 1 - std::pow(options_.beta2, t);
  const bool adam = options_.kind == OptimiserKind::adam;
  if (adam && options_.adaptive_clip <= 0 && !on_processor(parameters_.front().device())) {
    step_fused(rate, clip);
    clear();
    return norm;
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& p = parameters_[i];
    if (!p.grad().defined()) continue;
    auto g = p.grad();
    if (options_.adaptive_clip > 0) {
      const auto limit = p.norm().clamp_min(1e-3) * options_.adaptive_clip;
      g = g / (g.norm() / limit).clamp_min(1);
    } else if (clip < 1) {
      g = g * clip;
    }
    auto &m = first_[i], &v = second_[i];
    v.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
    if (adam) {
      m.mul_(options_.beta1).add_(g, 1 - options_.beta1);
      if (options_.weight_decay > 0) p.mul_(1 - rate * options_.weight_decay);
      p.addcdiv_(m, v.sqrt().div_(std::sqrt(debias2)).add_(options_.eps), -(rate / debias1));
    } else {
      // The gradient is normalised before it enters the momentum.
      m.mul_(options_.beta1).addcdiv_(g, (v / debias2).sqrt_().add_(options_.eps), 1 - options_.beta1);
      if (options_.weight_decay > 0) p.mul_(1 - rate * options_.weight_decay);
      p.sub_(m, rate / debias1);
    }
  }
  clear();
  return norm;
}

/// Adam in one operation over all parameters: on a graphics card one kernel instead of ten for each, and a small
/// network's step is little but the launching of kernels.
void Optimiser::step_fused(double rate, double clip) {
  std::vector<torch::Tensor> parameters, gradients, first, second, counts;
  const auto count = torch::full({}, static_cast<double>(steps_), parameters_.front().options().requires_grad(false));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& p = parameters_[i];
    if (!p.grad().defined()) continue;
    auto g = clip < 1 ? p.grad() * clip : p.grad();
    // The operation walks through memory: what it is given must lie alike.
    if (g.strides() != p.strides()) g = torch::empty_like(p).copy_(g);
    parameters.push_back(p);
    gradients.push_back(g);
    first.push_back(first_[i]);
    second.push_back(second_[i]);
    counts.push_back(count);
  }
  at::_fused_adamw_(parameters, gradients, first, second, {}, counts, rate, options_.beta1, options_.beta2,
                    options_.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
  // It does not count as a change of theirs by itself, and copies are kept until there was one.
  for (const auto& p : parameters) p.unsafeGetTensorImpl()->bump_version();
}

void Optimiser::save(Checkpoint& into, const std::string& prefix) const {
  into.tensors[prefix + "steps"] = torch::tensor({steps_}, torch::kInt64);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    into.tensors[prefix + std::to_string(i) + "/first"] = first_[i].clone();
    into.tensors[prefix + std::to_string(i) + "/second"] = second_[i].clone();
  }
}

void Optimiser::load(const Checkpoint& from, const std::string& prefix) {
  const auto steps = from.count(prefix + "steps");
  std::vector<torch::Tensor> first, second;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto name = prefix + std::to_string(i);
    if (steps == 0 && !from.tensors.contains(name + "/first")) {  // an older run that had not begun wrote none
      first.push_back(torch::zeros_like(parameters_[i]));
      second.push_back(torch::zeros_like(parameters_[i]));
      continue;
    }
    first.push_back(from.finite(name + "/first", parameters_[i].sizes()).to(parameters_[i].device()));
    second.push_back(from.finite(name + "/second", parameters_[i].sizes()).to(parameters_[i].device()));
    if (second.back().lt(0).any().item<bool>())
      throw Error(from.origin + ": tensor '" + name + "/second' holds a mean square below 0; the file is damaged");
  }
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    first_[i].copy_(first[i]);
    second_[i].copy_(second[i]);
  }
  steps_ = steps;
  clear();
}

}  // namespace dream
