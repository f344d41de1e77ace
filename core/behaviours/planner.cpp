#include "core/behaviours/planner.h"

#include <algorithm>

namespace dream {

void PlannerOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "candidates", candidates,
             {.help = "Action sequences of a round", .low = 2, .high = 100000, .live = true});
  config.add(prefix + "iterations", iterations,
             {.help = "Rounds of a plan, each around the best of the last", .low = 1, .high = 1000, .live = true});
  config.add(prefix + "elites", elites,
             {.help = "Candidates that the next guess is fitted to; all of them where there are fewer",
              .low = 1,
              .high = 100000,
              .live = true});
  config.add(prefix + "horizon", horizon,
             {.help = "Planned steps, H", .unit = "steps", .low = 1, .high = 200, .live = true});
  config.add(prefix + "exploration_noise", exploration_noise,
             {.help = "σ of the noise on actions while collecting; of choices, the share of random ones",
              .low = 0,
              .high = 2,
              .live = true});
  config.add(prefix + "warm_start", warm_start,
             {.help = "Every plan begins with the last one, moved on by a step (PlaNet: false)"});
  config.add(prefix + "method", method,
             {.help = "cem: the cross-entropy method; icem: with coloured noise and kept elites; mppi: weighted by "
                      "exp(return); shooting: the best of random sequences; gradient: uphill through the model; "
                      "osrp: cem below a cost limit"});
  config.add(prefix + "first_deviation", first_deviation,
             {.help = "σ of the first guess; an axis is 2 wide", .low = 0.001, .high = 10, .live = true});
  config.add(prefix + "least_deviation", least_deviation,
             {.help = "What σ never falls below", .low = 0, .high = 10, .live = true});
  config.add(prefix + "momentum", momentum,
             {.help = "Of the last round's guess in the next one's", .low = 0, .high = 0.99, .live = true});
  config.add(prefix + "temperature", temperature,
             {.help = "mppi: an elite weighs exp(temperature · (return − best)), so more is greedier",
              .low = 0,
              .high = 1000,
              .live = true});
  config.add(prefix + "draw", draw,
             {.help = "mppi: one elite, drawn by its weight, is done, and not the mean of all (TD-MPC2: true)",
              .live = true});
  config.add(prefix + "from_prior", from_prior,
             {.help = "Candidates that the policy proposes", .low = 0, .high = 100000, .live = true});
  config.add(prefix + "discount", discount,
             {.help = "How much less a step counts than the one before it, where no policy says so: what is imagined far ahead "
                      "is trusted less",
              .low = 0.5,
              .high = 1,
              .live = true});
  config.add(prefix + "noise_exponent", noise_exponent,
             {.help = "icem: power of the noise falls as f^−β; 0 is white", .low = 0, .high = 10, .live = true});
  config.add(prefix + "keep", keep,
             {.help = "icem: share of the elites that stay candidates", .low = 0, .high = 1, .live = true});
  config.add(prefix + "decay", decay,
             {.help = "icem: a round has as many candidates as the last, divided by this",
              .low = 1,
              .high = 10,
              .live = true});
  config.add(prefix + "learning_rate", learning_rate,
             {.help = "gradient: Adam's", .low = 1e-4, .high = 10, .logarithmic = true, .live = true});
  config.add(prefix + "cost_limit", cost_limit,
             {.help = "osrp: what planned steps may cost, scaled to as many as cost_steps", .low = 0, .high = 1e6, .live = true});
  config.add(prefix + "cost_steps", cost_steps,
             {.help = "osrp: the steps that cost_limit is for, as those of an episode",
              .unit = "steps",
              .low = 1,
              .high = 1e6,
              .live = true});
  config.add(prefix + "cost_weight", cost_weight,
             {.help = "osrp: what a cost counts against a reward among sequences below the limit, to the plan's end and, where a critic says, beyond "
                      "(OSRP-Lag); 0: nothing",
              .low = 0, .high = 1e6, .live = true});
}

PlannerOptions published_plan(PlanMethod method, const Spaces& world) {
  PlannerOptions options{.candidates = 256, .iterations = 4, .elites = 32, .horizon = 12, .exploration_noise = 0};
  options.method = method;
  switch (method) {
    case PlanMethod::cem:
      break;
    case PlanMethod::icem:
      options.candidates = 128, options.elites = 10;
      options.first_deviation = 0.5, options.momentum = 0.1, options.warm_start = true;
      break;
    case PlanMethod::mppi:
      options.least_deviation = 0.05, options.first_deviation = 2, options.warm_start = true;
      break;
    case PlanMethod::shooting:
      options.candidates = 1024, options.elites = 1;
      break;
    case PlanMethod::gradient:
      options.candidates = 16, options.iterations = 20, options.elites = 1;
      options.first_deviation = 0.5, options.warm_start = true;
      break;
    case PlanMethod::osrp:
      options.horizon = 15, options.momentum = 0.1, options.warm_start = true;
      if (world.costs) options.cost_limit = static_cast<double>(world.cost_limit);
      if (world.max_episode_steps > 0) options.cost_steps = world.max_episode_steps;
      break;
  }
  return options;
}

Planner::Planner(const ActionSpace& space, const PlannerOptions& options, std::shared_ptr<Behaviour> prior)
    : options_(options), space_(space), input_(space), prior_(std::move(prior)), remembered_(options.horizon) {
  if (prior_) register_module("prior", prior_);
}

Knob Planner::iterations() const {
  const bool alone = prior_ && options_.from_prior > 0;
  return {options_.knobs + "_iterations",
          "I",
          "Rounds of the plan",
          "Rounds of candidates before each action, each around the best of the last: how long the planner thinks." +
              std::string(alone ? " 0: the policy that proposes candidates acts by itself." : ""),
          alone ? 0.0 : 1.0,
          std::max(30.0, static_cast<double>(options_.iterations)),
          static_cast<double>(options_.iterations),
          false,
          true,
          {},
          {},
          options_.knobs_when};
}

Knob Planner::horizon() const {
  return {options_.knobs + "_horizon",
          "H",
          "Horizon of the plan",
          "Steps that the planner looks ahead.",
          1,
          std::max(50.0, static_cast<double>(options_.horizon)),
          static_cast<double>(options_.horizon),
          false,
          true,
          {},
          {},
          options_.knobs_when};
}

Knob Planner::cost_limit() const {
  return {options_.knobs + "_cost_limit",
          "c",
          "Cost limit of the plan",
          "What " + std::to_string(options_.cost_steps) +
              " steps may cost by what is planned, and a plan its share of it. Below the world's own limit there is room for what "
              "the model does not foresee.",
          0,
          std::max(50.0, 2 * options_.cost_limit),
          options_.cost_limit,
          false,
          false,
          {},
          {},
          options_.knobs_when};
}

std::vector<Knob> Planner::knobs() const {
  std::vector<Knob> all = {iterations()};
  if (options_.knobs_when.knob.empty()) return all;
  all.push_back(horizon());
  if (options_.method == PlanMethod::osrp) all.push_back(cost_limit());
  return all;
}

Planner::Budget Planner::budget(const KnobValues& knobs) const {
  const auto of = [&](const Knob& knob) { return static_cast<std::int64_t>(value_of(knobs, knob)); };
  const auto count = options_.candidates;
  return {of(iterations()), count, std::min(options_.elites, count), options_.knobs_when.knob.empty() ? options_.horizon : of(horizon())};
}

/// [B, H, A]: the middle of every axis, each choice as likely.
torch::Tensor Planner::first_guess(std::int64_t lanes, std::int64_t steps) const {
  const auto size = input_.size();
  return torch::full({lanes, steps, size}, space_.discrete() ? 1.0 / static_cast<double>(size) : 0.0);
}

/// Plans [..., H, A] one step later, `steps` long; nothing is planned for what comes at their end.
torch::Tensor Planner::moved_on(const torch::Tensor& plans, std::int64_t steps) const {
  const auto moved = plans.slice(-2, 1, steps + 1);
  auto shape = plans.sizes().vec();
  shape[shape.size() - 2] = steps - moved.size(-2);
  return torch::cat({moved, first_guess(1, 1).to(plans.device()).expand(shape)}, -2);
}

Carry Planner::initial(std::int64_t lanes) const {
  if (!options_.warm_start) return {};
  Carry memory{{"mean", first_guess(lanes, remembered_)}};
  if (options_.method == PlanMethod::icem) {
    const auto kept = std::max<std::int64_t>(1, static_cast<std::int64_t>(options_.keep * static_cast<double>(options_.elites)));
    memory["elites"] = first_guess(lanes, remembered_).unsqueeze(1).repeat({1, kept, 1, 1});
  }
  return memory;
}

torch::Tensor Planner::from_memory(const Carry& memory, const char* name, const KnobValues& knobs) const {
  const auto found = memory.find(name);
  if (!options_.warm_start || found == memory.end()) return {};
  auto plans = moved_on(found->second, budget(knobs).horizon);
  // Of choices a candidate is one-hot, also where nothing was planned yet.
  if (space_.discrete() && plans.dim() == 4) plans = torch::one_hot(plans.argmax(-1), input_.size()).to(torch::kFloat32);
  return plans;
}

torch::Tensor Planner::to_environment(const torch::Tensor& action) const {
  if (space_.discrete()) return action.argmax(-1, true).to(torch::kFloat32);
  const auto low = torch::tensor(space_.low, action.options().requires_grad(false)),
             high = torch::tensor(space_.high, action.options().requires_grad(false));
  return low + (action.clamp(-1, 1) + 1) * 0.5 * (high - low);
}

Decision Planner::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  if (budget(seen.knobs).rounds == 0) {
    auto decision = prior_->decide(seen, {}, mode, rng);
    decision.memory = memory;
    return decision;
  }
  const auto plan = this->plan(seen, from_memory(memory, "mean", seen.knobs), rng, {},
                               from_memory(memory, "elites", seen.knobs));
  auto action = plan.best.select(1, 0);
  if (mode == Mode::collect && options_.exploration_noise > 0) {
    if (space_.discrete()) {
      const auto lanes = action.size(0), choices = action.size(1);
      const auto other = torch::rand({lanes, choices}, rng, action.options());
      const auto tries = torch::rand({lanes, 1}, rng, action.options()) < options_.exploration_noise;
      action = torch::where(tries, other, action);
    } else {
      action = action + options_.exploration_noise * torch::randn(action.sizes(), rng, action.options());
    }
  }
  Decision decision{to_environment(action)};
  if (plan.best.size(1) > 1) decision.next = to_environment(plan.best.slice(1, 1));
  if (!options_.warm_start) return decision;
  const auto kept = [&](const torch::Tensor& plans) {
    const auto first = plans.slice(-2, 0, remembered_).to(torch::kCPU);
    auto shape = first.sizes().vec();
    shape[shape.size() - 2] = remembered_ - first.size(-2);
    return torch::cat({first, first_guess(1, 1).expand(shape)}, -2);
  };
  decision.memory["mean"] = kept(plan.mean);
  if (options_.method == PlanMethod::icem) {
    const auto count = initial(1).at("elites").size(1), there = std::min(count, plan.elites.size(1));
    const auto index = plan.elites.slice(1, 0, there).view({-1, there, 1, 1});
    auto elites = kept(plan.candidates.gather(1, index.expand({-1, -1, plan.mean.size(1), plan.mean.size(2)})));
    if (there < count) elites = torch::cat({elites, elites.slice(1, 0, 1).expand({-1, count - there, -1, -1})}, 1);
    decision.memory["elites"] = elites;
  }
  if (seen.lanes() == 1) thought_ = {plan, seen.carry, seen.knobs, decision.memory.at("mean")};
  return decision;
}

}  // namespace dream
