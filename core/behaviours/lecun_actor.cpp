#include "core/behaviours/lecun_actor.h"

#include "core/nn/stacked_mlp.h"

namespace dream {
namespace {

constexpr LayerStyle actor_style{Act::silu, Norm::layer, 1e-5, true, Init::fan_in};

}  // namespace

void LecunActorOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "units", units, {.help = "Width of the two layers of policy and critic", .low = 1, .high = 8192});
  config.add(
      prefix + "discount", discount,
      {.help = "γ: what a cost one step later counts", .low = 0, .high = 0.9999, .live = true, .title = "discount γ"});
  config.add(prefix + "slow_share", slow_share,
             {.help = "By how much the slow critic follows an update", .low = 0, .high = 1, .live = true});
  config.add(prefix + "noise", noise,
             {.help = "σ of the policy where it tries things", .low = 0, .high = 2, .live = true});
  config.add(prefix + "acting", acting,
             {.help = "Share of the collecting lanes that the policy drives; the others wander",
              .low = 0,
              .high = 1,
              .live = true});
}

// -- Mode 1 and the critic --------------------------------------------------------------------------------------------

ReactivePolicy::ReactivePolicy(std::int64_t features, const std::vector<double>& least, const ActionSpace& space,
                               const LecunActorOptions& options)
    : options_(options), space_(space), least_(torch::tensor(least)) {
  const auto costs = static_cast<std::int64_t>(least.size());
  policy_ = register_module(
      "policy", Mlp(features, 2, options.units, actor_style, static_cast<std::int64_t>(space.size()), 0.01));
  critic_ = register_module("critic", Mlp(features, 2, options.units, actor_style, costs, 0.0));
  slow_critic_ = register_module("slow_critic", Mlp(features, 2, options.units, actor_style, costs, 0.0));
  dream::follow_slowly(*slow_critic_, *critic_, 1);
  for (auto p : slow_critic_->parameters()) p.requires_grad_(false);
}

torch::Tensor ReactivePolicy::to_environment(const torch::Tensor& action) const {
  const auto low = torch::tensor(space_.low, action.options().requires_grad(false)),
             high = torch::tensor(space_.high, action.options().requires_grad(false));
  return low + (action.clamp(-1, 1) + 1) * 0.5 * (high - low);
}

Decision ReactivePolicy::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  auto action = act(seen.features());
  if (mode == Mode::collect) action = action + options_.noise * torch::randn(action.sizes(), rng, action.options());
  return {to_environment(action), memory};
}

/// The net says what an average step costs, so that its numbers are of the costs' own size for every γ.
torch::Tensor ReactivePolicy::to_come(const torch::Tensor& features, bool slow) {
  const auto step = (slow ? slow_critic_ : critic_)->forward(features);
  return step.maximum(least_.to(step.options())) / (1 - options_.discount);
}

torch::Tensor ReactivePolicy::value_of(const torch::Tensor& features) {
  return -(features.slice(-1, -least_.size(0)) * to_come(features)).sum(-1);
}

torch::Tensor ReactivePolicy::critic_loss(const torch::Tensor& features, const torch::Tensor& expected) {
  return (critic_->forward(features) - expected * (1 - options_.discount)).square().mean();
}

void ReactivePolicy::follow_slowly() {
  dream::follow_slowly(*slow_critic_, *critic_, options_.slow_share);
}

// -- the actor --------------------------------------------------------------------------------------------------------

LecunActor::LecunActor(std::int64_t features, const std::vector<double>& least, const ActionSpace& space,
                       const LecunActorOptions& options, const PlannerOptions& planner)
    : costs_(static_cast<std::int64_t>(least.size())),
      horizon_(planner.horizon),
      space_(space),
      policy_(std::make_shared<ReactivePolicy>(features, least, space, options)),
      planner_(std::make_shared<Planner>(space, planner, policy_)),
      wanderer_(std::make_shared<Wanderer>(space, policy_)) {
  register_module("policy", policy_);  // the planner and who wanders have no weights but its
}

Knob LecunActor::mode() const {
  return {"mode",
          "mode",
          "Mode 2 or Mode 1",
          "Mode 2 thinks: it looks through the model for the actions whose costs will be lowest. Mode 1 reacts: the "
          "policy, which "
          "Mode 2 has taught, acts in one pass.",
          0,
          1,
          0,
          false,
          true,
          {},
          {"Mode 2", "Mode 1"}};
}

std::vector<Knob> LecunActor::knobs() const {
  std::vector<Knob> all{mode()};
  for (auto& knob : planner_->knobs()) {
    knob.minimum = 1;  // without rounds it would be Mode 1 under another name
    knob.when = {"mode", 0};
    all.push_back(std::move(knob));
  }
  return all;
}

Carry LecunActor::initial(std::int64_t lanes) const {
  auto memory = planner_->initial(lanes);
  memory["heading"] = wanderer_->initial(lanes).at("heading");
  memory["lived"] = torch::zeros({lanes, remembered, costs_});
  memory["foreseen"] = torch::zeros({lanes, horizon_, costs_});
  memory["end"] = torch::zeros({lanes, 1});
  memory["steps"] = torch::zeros({lanes, 1});
  return memory;
}

LecunActor::Path LecunActor::follow(WorldModel& model, const Carry& carry, const torch::Tensor& plan,
                                    const ReactivePolicy& policy, at::Generator rng) {
  Carry state;
  for (const auto& [name, tensor] : model.initial(1)) state[name] = carry.at(name);
  std::vector<torch::Tensor> features{model.features(state)}, costs;
  for (std::int64_t t = 0; t < plan.size(1); ++t) {
    state = model.imagine(state, policy.to_environment(plan.select(1, t)), {}, rng);
    features.push_back(model.features(state));
    costs.push_back(state.at("costs"));
  }
  return {torch::stack(features, 1), torch::stack(costs, 1)};
}

/// Some lanes try what the policy would do, the others wander.
Decision LecunActor::explore(const Seen& seen, const Carry& memory, at::Generator rng) {
  auto decision = wanderer_->decide(seen, {{"heading", memory.at("heading")}}, Mode::collect, rng);
  const auto own = policy_->decide(seen, {}, Mode::collect, rng).action;
  const auto lanes = own.size(0);
  const auto acting = static_cast<std::int64_t>(policy_->live_options().acting * static_cast<double>(lanes) + 0.5);
  decision.action = torch::cat({own.slice(0, 0, acting), decision.action.to(own.device()).slice(0, acting)});
  return decision;
}

Decision LecunActor::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  Seen wanted = seen;
  wanted.carry = seen.model->configured(seen.carry, seen.knobs);
  const auto kept = [&](const char* name, const torch::Tensor& value) { return value.to(memory.at(name).options()); };
  Decision decision;
  Carry after = memory;
  if (mode == Mode::collect) {
    decision = explore(wanted, memory, rng);
    after["heading"] = decision.memory.at("heading");
  } else {
    // Who does not drive forgets its plan: it would be of another moment.
    for (const auto& [name, tensor] : planner_->initial(seen.lanes())) after[name] = tensor;
    after["foreseen"] = torch::zeros_like(memory.at("foreseen")), after["end"] = torch::zeros_like(memory.at("end"));
    if (reacts(seen.knobs)) {
      decision = policy_->decide(wanted, {}, mode, rng);
    } else {
      decision = planner_->decide(wanted, memory, mode, rng);
      for (const auto& [name, tensor] : decision.memory)
        if (after.contains(name)) after[name] = tensor;
      if (const auto mean = after.find("mean"); mean != after.end()) {
        const auto best = after.find("elites");
        const auto plan = best != after.end() ? best->second.select(1, 0) : mean->second;
        const auto path = follow(*seen.model, wanted.carry, plan.to(decision.action.device()), *policy_, rng);
        after["foreseen"] = kept("foreseen", path.costs);
        after["end"] = kept("end", -policy_->value_of(path.features.select(1, -1)).unsqueeze(-1));
      }
    }
  }
  after["lived"] =
      torch::cat({memory.at("lived").slice(1, 1), kept("lived", wanted.carry.at("costs")).unsqueeze(1)}, 1);
  after["steps"] = memory.at("steps") + 1;
  decision.memory = std::move(after);
  return decision;
}

std::vector<std::string> LecunActor::probe_names() const {
  auto names = planner_->probe_names();
  names.insert(names.begin(), "architecture/now");
  return names;
}

void LecunActor::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  Seen wanted = seen;
  wanted.carry = seen.model->configured(seen.carry, seen.knobs);
  if (sink.wants("architecture/now"))
    sink.put("architecture/now", "Architecture",
             "The seven modules, what each says now, and what flows between them (LeCun 2022, figure 2)",
             diagram(wanted, memory));
  if (!reacts(seen.knobs)) return planner_->report(wanted, memory, sink, rng);
  if (sink.wants("plan/actions"))
    sink.put("plan/actions", "Planned actions", "", Text{"Mode 1: the policy reacts, and nothing is planned."});
}

}  // namespace dream
