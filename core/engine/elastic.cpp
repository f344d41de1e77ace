#include "core/engine/elastic.h"

#include <cmath>

namespace dream {
namespace {

/// Weights with gradients, by name.
std::map<std::string, torch::Tensor> learned_weights(const System& system) {
  std::map<std::string, torch::Tensor> all;
  const auto add = [&](const char* whose, const torch::nn::Module* module) {
    if (!module) return;
    for (const auto& item : module->named_parameters())
      if (item.value().requires_grad() && item.value().is_floating_point())
        all.emplace(std::string(whose) + "/" + item.key(), item.value());
  };
  add("model", system.model.get());
  add("behaviour", system.behaviour.get());
  return all;
}

}  // namespace

void Elastic::after_update(const System& system, double pull, double memory) {
  if (pull <= 0) return remembered_.clear();
  torch::NoGradGuard no_grad;
  const auto weights = learned_weights(system);
  if (!holds()) {
    for (const auto& [name, weight] : weights) remembered_.emplace(name, weight.detach().clone());
    return;
  }
  for (const auto& [name, weight] : weights) {
    auto& remembered = remembered_.at(name);
    auto now = weight;  // the same memory
    now.lerp_(remembered, pull);
    remembered.lerp_(now, 1 / memory);
  }
}

double Elastic::stretch(const System& system) const {
  torch::NoGradGuard no_grad;
  double apart = 0, long_known = 0;
  for (const auto& [name, weight] : learned_weights(system)) {
    const auto found = remembered_.find(name);
    if (found == remembered_.end()) continue;
    apart += (weight - found->second).square().sum().item<double>();
    long_known += found->second.square().sum().item<double>();
  }
  return long_known > 0 ? std::sqrt(apart / long_known) : 0;
}

void Elastic::save(Checkpoint& into, const std::string& prefix) const {
  for (const auto& [name, weight] : remembered_) into.tensors[prefix + name] = weight;
}

void Elastic::load(const Checkpoint& from, const std::string& prefix, const System& system) {
  remembered_.clear();
  const auto first = from.tensors.lower_bound(prefix);
  if (first == from.tensors.end() || !first->first.starts_with(prefix)) return;
  for (const auto& [name, weight] : learned_weights(system))
    remembered_.emplace(name, torch::empty_like(weight.detach()).copy_(from.finite(prefix + name, weight.sizes())));
}

}  // namespace dream
