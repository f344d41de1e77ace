// How modules and optimisers lie in a checkpoint; the file format itself is in checkpoint.cpp.
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <functional>
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

/// A copy with the memory layout of `like`, so that a resumed optimiser computes in the same order.
torch::Tensor laid_out_like(const torch::Tensor& value, const torch::Tensor& like) {
  torch::Tensor copy = torch::empty_like(like);
  copy.copy_(value);
  return copy;
}

/// The parameters of an optimiser in order, over all groups.
std::vector<torch::Tensor> parameters_of(const torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> all;
  for (const auto& group : optimizer.param_groups()) {
    all.insert(all.end(), group.params().begin(), group.params().end());
  }
  return all;
}

using StateTensors = std::vector<std::pair<std::string, torch::Tensor>>;

torch::Tensor counter(std::int64_t value) {
  return torch::tensor(value, torch::kInt64);
}

template <typename State>
void store_moments(const torch::optim::OptimizerParamState& state, StateTensors& out) {
  const auto& adam = static_cast<const State&>(state);
  out.emplace_back("step", counter(adam.step()));
  out.emplace_back("exp_avg", adam.exp_avg());
  out.emplace_back("exp_avg_sq", adam.exp_avg_sq());
  if (adam.max_exp_avg_sq().defined()) out.emplace_back("max_exp_avg_sq", adam.max_exp_avg_sq());
}

/// What reading the state of one parameter needs: each tensor by name, checked, or undefined when it may be absent.
struct StateSource {
  std::function<torch::Tensor(const std::string&)> moment;
  std::function<torch::Tensor(const std::string&)> optional_moment;
  std::function<std::int64_t()> step;
};

template <typename State>
std::unique_ptr<torch::optim::OptimizerParamState> load_moments(const StateSource& from) {
  auto state = std::make_unique<State>();
  state->step(from.step());
  state->exp_avg(from.moment("exp_avg"));
  state->exp_avg_sq(from.moment("exp_avg_sq"));
  if (torch::Tensor maximum = from.optional_moment("max_exp_avg_sq"); maximum.defined()) state->max_exp_avg_sq(maximum);
  return state;
}

std::unique_ptr<torch::optim::OptimizerParamState> load_rmsprop(const StateSource& from) {
  auto state = std::make_unique<torch::optim::RMSpropParamState>();
  state->step(from.step());
  state->square_avg(from.moment("square_avg"));
  if (torch::Tensor value = from.optional_moment("momentum_buffer"); value.defined()) state->momentum_buffer(value);
  if (torch::Tensor value = from.optional_moment("grad_avg"); value.defined()) state->grad_avg(value);
  return state;
}

std::unique_ptr<torch::optim::OptimizerParamState> load_sgd(const StateSource& from) {
  auto state = std::make_unique<torch::optim::SGDParamState>();
  if (torch::Tensor value = from.optional_moment("momentum_buffer"); value.defined()) state->momentum_buffer(value);
  return state;
}

void store_rmsprop(const torch::optim::OptimizerParamState& state, StateTensors& out) {
  const auto& rms = static_cast<const torch::optim::RMSpropParamState&>(state);
  out.emplace_back("step", counter(rms.step()));
  out.emplace_back("square_avg", rms.square_avg());
  if (rms.momentum_buffer().defined()) out.emplace_back("momentum_buffer", rms.momentum_buffer());
  if (rms.grad_avg().defined()) out.emplace_back("grad_avg", rms.grad_avg());
}

void store_sgd(const torch::optim::OptimizerParamState& state, StateTensors& out) {
  const auto& sgd = static_cast<const torch::optim::SGDParamState&>(state);
  if (sgd.momentum_buffer().defined()) out.emplace_back("momentum_buffer", sgd.momentum_buffer());
}

/// How one kind of optimiser keeps its state.
struct Kind {
  const char* name;
  void (*store)(const torch::optim::OptimizerParamState&, StateTensors&);
  std::unique_ptr<torch::optim::OptimizerParamState> (*load)(const StateSource&);
};

Kind kind_of(const torch::optim::Optimizer& optimizer) {
  using namespace torch::optim;
  if (dynamic_cast<const Adam*>(&optimizer))
    return {"adam", store_moments<AdamParamState>, load_moments<AdamParamState>};
  if (dynamic_cast<const AdamW*>(&optimizer)) {
    return {"adamw", store_moments<AdamWParamState>, load_moments<AdamWParamState>};
  }
  if (dynamic_cast<const RMSprop*>(&optimizer)) return {"rmsprop", store_rmsprop, load_rmsprop};
  if (dynamic_cast<const SGD*>(&optimizer)) return {"sgd", store_sgd, load_sgd};
  throw Error("Only Adam, AdamW, RMSprop and SGD can be kept in a checkpoint.");
}

}  // namespace

void store_module(Checkpoint& into, const std::string& prefix, const torch::nn::Module& module) {
  // Copies: training goes on while a checkpoint is written.
  for (const auto& [name, tensor] : named_tensors(module)) into.tensors[join(prefix, name)] = tensor.detach().clone();
}

void load_module(const Checkpoint& from, const std::string& prefix, torch::nn::Module& module) {
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  std::set<std::string> expected;
  for (const auto& [name, target] : named_tensors(module)) {
    const std::string key = join(prefix, name);
    const torch::Tensor value = from.finite(key, target.sizes());
    if (value.is_floating_point() != target.is_floating_point()) {
      throw Error(origin_of(from) + ": tensor '" + key + "' is of type " + c10::toString(value.scalar_type()) + ", and " +
                  c10::toString(target.scalar_type()) + " was expected.");
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

void store_optimizer(Checkpoint& into, const std::string& prefix, torch::optim::Optimizer& optimizer) {
  const Kind kind = kind_of(optimizer);
  const std::vector<torch::Tensor> parameters = parameters_of(optimizer);
  into.metadata[join(prefix, "kind")] = kind.name;
  into.tensors[join(prefix, "parameters")] = counter(static_cast<std::int64_t>(parameters.size()));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto found = optimizer.state().find(parameters[i].unsafeGetTensorImpl());
    if (found == optimizer.state().end()) continue;
    StateTensors tensors;
    kind.store(*found->second, tensors);
    for (const auto& [name, tensor] : tensors) {
      into.tensors[join(prefix, std::to_string(i) + "/" + name)] = tensor.detach().clone();
    }
  }
}

void load_optimizer(const Checkpoint& from, const std::string& prefix, torch::optim::Optimizer& optimizer) {
  const Kind kind = kind_of(optimizer);
  const std::vector<torch::Tensor> parameters = parameters_of(optimizer);
  if (const std::string& found = from.text(join(prefix, "kind")); found != kind.name) {
    throw Error(origin_of(from) + " holds the state of the optimiser '" + found + "' under '" + prefix + "', and '" +
                kind.name + "' was expected.");
  }
  const torch::Tensor count = from.exact(join(prefix, "parameters"), {});
  if (count.scalar_type() != torch::kInt64 ||
      count.item<std::int64_t>() != static_cast<std::int64_t>(parameters.size())) {
    throw Error(origin_of(from) + " holds an optimiser of another number of parameters under '" + prefix + "'; " +
                std::to_string(parameters.size()) + " were expected.");
  }
  std::vector<std::unique_ptr<torch::optim::OptimizerParamState>> states(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string start = join(prefix, std::to_string(i) + "/");
    const auto first = from.tensors.lower_bound(start);
    if (first == from.tensors.end() || first->first.rfind(start, 0) != 0) continue;  // it has not been stepped yet
    StateSource reader;
    reader.moment = [&](const std::string& name) {
      const torch::Tensor value = from.finite(start + name, parameters[i].sizes());
      if (!value.is_floating_point())
        throw Error(origin_of(from) + ": tensor '" + start + name + "' is not of a floating type.");
      return laid_out_like(value, parameters[i].detach());
    };
    reader.optional_moment = [&](const std::string& name) {
      return from.tensors.count(start + name) ? reader.moment(name) : torch::Tensor();
    };
    reader.step = [&] { return from.count(start + "step"); };
    states[i] = kind.load(reader);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    void* const key = parameters[i].unsafeGetTensorImpl();
    if (states[i]) {
      optimizer.state()[key] = std::move(states[i]);
    } else {
      optimizer.state().erase(key);
    }
  }
}

}  // namespace dream
