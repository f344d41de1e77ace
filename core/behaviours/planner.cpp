#include "core/behaviours/planner.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

void PlannerOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "candidates", candidates,
             {.help = "Action sequences per iteration of the cross-entropy method, J",
              .low = 2,
              .high = 100000,
              .live = true});
  config.add(prefix + "iterations", iterations,
             {.help = "Iterations of the cross-entropy method, I", .low = 1, .high = 100, .live = true});
  config.add(prefix + "elites", elites,
             {.help = "Candidates that the next Gaussian is fitted to, K; all of them where there are fewer",
              .low = 2,
              .high = 100000,
              .live = true});
  config.add(prefix + "horizon", horizon,
             {.help = "Planned steps, H", .unit = "steps", .low = 1, .high = 200, .live = true});
  config.add(prefix + "exploration_noise", exploration_noise,
             {.help = "σ of the noise on actions while collecting", .low = 0, .high = 2, .live = true});
  config.add(prefix + "warm_start", warm_start,
             {.help = "Every plan begins with the last one, moved on by a step (published: false)"});
}

Planner::Planner(const ActionSpace& space, const PlannerOptions& options)
    : options_(options), space_(space), remembered_(options.horizon) {
  if (space.discrete()) throw Error("the cross-entropy method fits Gaussians to actions, so it needs continuous ones");
}

Knob Planner::iterations() const {
  return {"plan_iterations",
          "I",
          "Iterations of the plan",
          "Rounds of the cross-entropy method before each action: how long the planner thinks.",
          1,
          std::max(30.0, static_cast<double>(options_.iterations)),
          static_cast<double>(options_.iterations),
          false,
          true,
          ""};
}

Carry Planner::initial(std::int64_t lanes) const {
  if (!options_.warm_start) return {};
  return {{"mean", torch::zeros({lanes, remembered_, static_cast<std::int64_t>(space_.axes.size())})}};
}

/// The plan of the step before, one step later; nothing is planned for what comes at its end.
torch::Tensor Planner::last_plan(const Carry& memory) const {
  if (!options_.warm_start) return {};
  const auto moved = memory.at("mean").slice(1, 1, options_.horizon + 1);
  return torch::constant_pad_nd(moved, {0, 0, 0, options_.horizon - moved.size(1)});
}

torch::Tensor Planner::to_environment(const torch::Tensor& action) const {
  const auto low = torch::tensor(space_.low, action.options()), high = torch::tensor(space_.high, action.options());
  return low + (action.clamp(-1, 1) + 1) * 0.5 * (high - low);
}

Planner::Plan Planner::plan(const Seen& seen, const torch::Tensor& mean, at::Generator rng,
                            const torch::Tensor& given) {
  torch::NoGradGuard no_grad;
  auto& model = *seen.model;
  const auto& carry = seen.carry;
  const auto rounds = static_cast<std::int64_t>(value_of(seen.knobs, iterations()));
  const auto lanes = carry.begin()->second.size(0), axes = static_cast<std::int64_t>(space_.axes.size());
  const auto n = options_.candidates, h = options_.horizon, elites = std::min(options_.elites, n);
  const auto like = torch::TensorOptions(carry.begin()->second.device()).dtype(torch::kFloat32);
  Carry starts;
  for (const auto& [name, tensor] : model.initial(1)) starts[name] = carry.at(name).repeat_interleave(n, 0);
  Plan plan;
  plan.mean = mean.defined() ? mean.to(like.device()) : torch::zeros({lanes, h, axes}, like);
  auto deviation = torch::ones_like(plan.mean);
  for (std::int64_t i = 0; i < rounds; ++i) {
    const auto noise = given.defined() ? given[i] : torch::randn({lanes, n, h, axes}, rng, like);
    plan.candidates = (plan.mean.unsqueeze(1) + deviation.unsqueeze(1) * noise).clamp(-1, 1);
    const auto actions = to_environment(plan.candidates).view({lanes * n, h, axes});
    auto state = starts;
    plan.scores = torch::zeros({lanes * n}, like);
    for (std::int64_t t = 0; t < h; ++t) {
      state = model.imagine(state, actions.select(1, t), {}, rng);
      plan.scores += model.outcome(state).reward;
    }
    plan.scores = plan.scores.view({lanes, n});
    plan.elites = std::get<1>(plan.scores.topk(elites, 1));
    const auto best = plan.candidates.gather(1, plan.elites.view({lanes, elites, 1, 1}).expand({-1, -1, h, axes}));
    plan.mean = best.mean(1);
    deviation = (best.var(1, false) + 1e-6).sqrt();
  }
  return plan;
}

Decision Planner::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  const auto plan = this->plan(seen, last_plan(memory), rng);
  auto action = plan.mean.select(1, 0);
  if (mode == Mode::collect && options_.exploration_noise > 0) {
    action = action + options_.exploration_noise * torch::randn(action.sizes(), rng, action.options());
  }
  Decision decision{to_environment(action)};
  if (options_.warm_start) {
    const auto kept = plan.mean.slice(1, 0, remembered_).to(torch::kCPU);
    decision.memory = {{"mean", torch::constant_pad_nd(kept, {0, 0, 0, remembered_ - kept.size(1)})}};
  }
  return decision;
}

void Planner::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  if (!sink.wants("plan/actions") && !sink.wants("plan/returns")) return;
  const Seen lane{seen.model, select_lane(seen.carry, 0), {}, {}, seen.knobs};
  const auto plan = this->plan(lane, last_plan(select_lane(memory, 0)), rng);
  if (sink.wants("plan/actions")) {
    Trajectories value;
    value.count = static_cast<int>(plan.candidates.size(1));
    value.steps = static_cast<int>(plan.candidates.size(2));
    value.axes = static_cast<int>(plan.candidates.size(3));
    value.actions = floats(plan.candidates[0]);
    value.scores = floats(plan.scores[0]);
    value.elite.assign(value.scores.size(), 0);
    for (const float i : floats(plan.elites[0])) value.elite[static_cast<std::size_t>(i)] = 1;
    value.chosen = floats(plan.mean[0]);
    value.labels = space_.axes;
    sink.put("plan/actions", "Planned actions",
             "The last iteration of the cross-entropy method: candidates, elites and the plan, each axis in [-1, 1] "
             "over the planned steps",
             std::move(value));
  }
  if (sink.wants("plan/returns")) {
    Curve value;
    const auto sorted = std::get<0>(plan.scores[0].sort(0, true));
    const auto elites = plan.elites.size(1);
    value.lines = {{"candidates", {}}, {"elites", {}}};
    const auto all = floats(sorted);
    for (std::size_t i = 0; i < all.size(); ++i) {
      value.x.push_back(static_cast<double>(i));
      value.lines[0].y.push_back(static_cast<double>(all[i]));
      if (static_cast<std::int64_t>(i) < elites) value.lines[1].y.push_back(static_cast<double>(all[i]));
    }
    value.x_unit = "rank";
    value.y_unit = "predicted return";
    sink.put("plan/returns", "Returns of the candidates", "Σ of predicted rewards over the planned steps, best first",
             std::move(value));
  }
}

}  // namespace dream
