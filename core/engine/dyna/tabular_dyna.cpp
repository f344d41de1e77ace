#include "core/engine/dyna/tabular_dyna.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"

namespace dream {

void DynaOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "planning_steps", planning_steps,
             {.help = "Remembered steps that are learned from after every step of the world, n; 0 is Q-learning alone",
              .low = 0,
              .high = 10000,
              .live = true,
              .title = "planning steps n"});
  config.add(prefix + "step_size", step_size,
             {.help = "How far Q goes towards its target", .low = 1e-4, .high = 1, .live = true, .title = "step size α"});
  config.add(prefix + "discount", discount,
             {.help = "What the next step's value counts", .low = 0, .high = 1, .title = "discount γ"});
  config.add(prefix + "epsilon", epsilon,
             {.help = "Share of random actions while it learns", .low = 0, .high = 1, .live = true, .title = "ε"});
  config.add(prefix + "bonus", bonus,
             {.help = "Dyna-Q+: planning pays κ√τ beside the reward for what was not tried for τ steps, and tries in "
                      "thought what never was"});
  config.add(prefix + "kappa", kappa,
             {.help = "κ of that bonus", .low = 0, .high = 1, .logarithmic = true, .live = true, .title = "bonus κ"});
  config.add(prefix + "sweep", sweep,
             {.help = "random: any remembered step; prioritised: those whose value would change most, and what led there"});
  config.add(prefix + "threshold", threshold,
             {.help = "prioritised: changes below θ are let be", .low = 0, .high = 10, .live = true, .title = "θ"});
}

TabularDyna::TabularDyna(TableModel& model, TablePolicy& policy, const DynaOptions& options)
    : model_(model), policy_(policy), options_(options),
      priority_(torch::zeros({model.states(), model.choices()}, torch::kFloat64)),
      touched_(torch::zeros({model.states()}, torch::kInt64)) {}

/// δ = R + γ·max Q(S', ·) − Q(S, A); nothing follows an end.
double TabularDyna::change(std::int64_t state, std::int64_t action, double reward, std::int64_t next,
                           bool done) const {
  const double* after = policy_.row(next);
  const double worth = done ? 0 : *std::max_element(after, after + model_.choices());
  return reward + options_.discount * worth - policy_.row(state)[action];
}

double TabularDyna::learn(std::int64_t state, std::int64_t action, double reward, std::int64_t next, bool done) {
  ++time_;
  const double delta = change(state, action, reward, next, done);
  // A sweep plans this step as well, with all others.
  if (options_.sweep == Sweep::random) policy_.row(state)[action] += options_.step_size * delta;
  if (std::ranges::find(met_, state) == met_.end()) met_.push_back(state);
  model_.learn(state, action, reward, next, done, time_);
  if (options_.sweep == Sweep::prioritised) want(state, action);
  return std::abs(delta);
}

/// Q-learning on what the table remembers of a step.
void TabularDyna::improve(std::int64_t state, std::int64_t action) {
  auto known = model_.at(state, action);
  if (options_.bonus) {
    // What was never tried counts as tried at the first step: it stays and pays nothing but the bonus.
    const auto last = std::max<std::int64_t>(1, known.time);
    known.reward += options_.kappa * std::sqrt(static_cast<double>(time_ - last));
  }
  policy_.row(state)[action] += options_.step_size * change(state, action, known.reward, known.next, known.done);
  ++touched_.data_ptr<std::int64_t>()[state];
}

void TabularDyna::plan(at::Generator rng) {
  touched_.zero_();
  const auto n = options_.planning_steps;
  if (n == 0 || met_.empty()) return;
  if (options_.sweep == Sweep::prioritised) return sweep();
  const auto chance = torch::rand({n, 2}, rng, torch::kFloat64);
  const double* drawn = chance.const_data_ptr<double>();
  std::vector<std::int64_t> actions;
  for (std::int64_t i = 0; i < n; ++i, drawn += 2) {
    const auto one_of = [](double u, const auto& all) {
      return all[static_cast<std::size_t>(u * static_cast<double>(all.size()))];
    };
    const auto state = one_of(drawn[0], met_);
    actions.clear();
    for (std::int64_t action = 0; action < model_.choices(); ++action) {
      if (options_.bonus || model_.at(state, action).time > 0) actions.push_back(action);
    }
    improve(state, one_of(drawn[1], actions));
  }
}

/// Into the queue with what would change enough.
void TabularDyna::want(std::int64_t state, std::int64_t action) {
  const auto known = model_.at(state, action);
  const double size = std::abs(change(state, action, known.reward, known.next, known.done));
  auto& priority = priority_.data_ptr<double>()[state * model_.choices() + action];
  if (size > options_.threshold) priority = std::max(priority, size);
}

/// The most pressing first, then all that is known to lead to it.
void TabularDyna::sweep() {
  auto* begin = priority_.data_ptr<double>();
  auto* end = begin + priority_.numel();
  for (std::int64_t i = 0; i < options_.planning_steps; ++i) {
    auto* first = std::max_element(begin, end);
    if (*first <= 0) return;
    *first = 0;
    const auto at = static_cast<std::int64_t>(first - begin);
    const auto state = at / model_.choices();
    improve(state, at % model_.choices());
    for (const auto before : met_) {
      for (std::int64_t action = 0; action < model_.choices(); ++action) {
        const auto known = model_.at(before, action);
        if (known.time > 0 && known.next == state && !known.done) want(before, action);
      }
    }
  }
}

void TabularDyna::save(Checkpoint& into, const std::string& prefix) const {
  into.tensors[prefix + "time"] = torch::tensor({time_}, torch::kInt64);
  into.tensors[prefix + "met"] = torch::tensor(met_, torch::kInt64);
  into.tensors[prefix + "priority"] = priority_.clone();
}

void TabularDyna::load(const Checkpoint& from, const std::string& prefix) {
  const auto time = from.exact(prefix + "time", {1}), met = from.exact(prefix + "met", {-1}).contiguous();
  const auto priority = finite_tensor(from, prefix + "priority", priority_.sizes()).to(torch::kFloat64).contiguous();
  if (met.scalar_type() != torch::kInt64 || met.numel() > model_.states() || (met < 0).any().item<bool>() ||
      (met >= model_.states()).any().item<bool>())
    throw Error(from.origin + ": '" + prefix + "met' must hold states, 0 to " + std::to_string(model_.states() - 1));
  if (time.scalar_type() != torch::kInt64 || time.item<std::int64_t>() < 0)
    throw Error(from.origin + ": '" + prefix + "time' must hold a number of steps");
  time_ = time.item<std::int64_t>();
  met_.assign(met.const_data_ptr<std::int64_t>(), met.const_data_ptr<std::int64_t>() + met.numel());
  priority_.copy_(priority);
}

}  // namespace dream
