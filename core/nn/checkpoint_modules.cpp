// How modules lie in a checkpoint; the file format itself is in checkpoint.cpp.
#include <set>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/nn/checkpoint.h"

namespace dream {
namespace {

std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() || prefix.back() == '/' ? prefix + name : prefix + "/" + name;
}

std::string origin_of(const Checkpoint& checkpoint) {
  return checkpoint.origin.empty() ? std::string("The checkpoint") : "'" + checkpoint.origin + "'";
}

std::vector<std::pair<std::string, torch::Tensor>> named_tensors(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  for (const auto& item : module.named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) {
    if (item.value().defined()) all.emplace_back(item.key(), item.value());
  }
  return all;
}

/// "behaviour/slow_critic.0.weight" -> "behaviour/critic.0.weight"; "" for what follows nothing.
std::string followed_by(std::string name) {
  const std::string slow = "slow_";
  const auto at = name.find(slow);
  if (at == std::string::npos || (at > 0 && name[at - 1] != '/' && name[at - 1] != '.')) return {};
  return name.erase(at, slow.size());
}

}  // namespace

void leave_out_slow_copies(Checkpoint& of, const std::string& prefix) {
  std::erase_if(of.tensors, [&](const auto& item) {
    if (!item.first.starts_with(join(prefix, ""))) return false;
    const auto followed = of.tensors.find(followed_by(item.first));
    return followed != of.tensors.end() && followed->second.sizes() == item.second.sizes();
  });
}

void store_module(Checkpoint& into, const std::string& prefix, const torch::nn::Module& module) {
  // Copies: training goes on while a checkpoint is written.
  for (const auto& [name, tensor] : named_tensors(module)) into.tensors[join(prefix, name)] = tensor.detach().clone();
}

void load_module(const Checkpoint& from, const std::string& prefix, torch::nn::Module& module) {
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  std::set<std::string> expected;
  for (const auto& [name, target] : named_tensors(module)) {
    const std::string key = join(prefix, name);
    const auto followed = followed_by(key);
    const bool copied = !from.tensors.contains(key) && from.tensors.contains(followed);
    const torch::Tensor value = from.finite(copied ? followed : key, target.sizes());
    if (value.is_floating_point() != target.is_floating_point()) {
      throw Error(origin_of(from) + ": tensor '" + key + "' is of type " + c10::toString(value.scalar_type()) +
                  ", and " + c10::toString(target.scalar_type()) + " was expected.");
    }
    copies.emplace_back(target, value);
    expected.insert(key);
  }
  const std::string start = join(prefix, "");
  if (!start.empty()) {
    for (auto it = from.tensors.lower_bound(start); it != from.tensors.end() && it->first.rfind(start, 0) == 0; ++it) {
      if (!expected.count(it->first)) {
        throw Error(origin_of(from) + ": tensor '" + it->first +
                    "' belongs to no part of this model; the checkpoint was made with other settings.");
      }
    }
  }
  const torch::NoGradGuard no_grad;
  for (auto& [target, value] : copies) target.copy_(value);
}

}  // namespace dream
