#include "core/engine/elastic.h"

namespace dream {
namespace {

/// Weights with gradients, by name: slow copies have none.
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
  if (!holds()) {  // it begins
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

void Elastic::save(Checkpoint& into, const std::string& prefix) const {
  // Copies: training goes on while a checkpoint is written.
  for (const auto& [name, weight] : remembered_) into.tensors[prefix + name] = weight.clone();
}

void Elastic::load(const Checkpoint& from, const std::string& prefix, const System& system) {
  remembered_.clear();
  const auto first = from.tensors.lower_bound(prefix);
  if (first == from.tensors.end() || !first->first.starts_with(prefix)) return;
  for (const auto& [name, weight] : learned_weights(system))
    remembered_.emplace(name, torch::empty_like(weight.detach()).copy_(from.finite(prefix + name, weight.sizes())));
}

}  // namespace dream
