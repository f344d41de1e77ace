#include "core/models/lecun.h"

#include <array>
#include <limits>

#include "core/env/env.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double lecun_meant = 0.05;  // a step shorter than this, of actions in [-1, 1], may leave a picture as it was
constexpr std::array<double, drives> most_weight = {2, 2, 0.5};
constexpr std::array<const char*, drives> weight_knobs = {"weight_goal", "weight_harm", "weight_energy"};

Mlp cost_head(std::int64_t in, std::int64_t units) {
  return Mlp(in, 2, units, LayerStyle{Act::silu, Norm::layer, 1e-5, true, Init::fan_in}, 1, 0.0);
}

}  // namespace

void CostOptions::fields(Config& config, const std::string& prefix) {
  const auto weight = [&](const char* name, double& value, std::size_t index, const char* help) {
    config.add(prefix + name, value, {.help = help, .low = 0, .high = most_weight[index]});
  };
  weight("goal", goal, 0, "Weight of not being at the goal, where nobody configures it otherwise");
  weight("harm", harm, 1, "Weight of bumping into walls, or of what the world charges");
  weight("energy", energy, 2, "Weight of |a|²");
  config.add(prefix + "units", units, {.help = "Width of the heads that foresee costs", .low = 1, .high = 4096});
  config.add(prefix + "learn", learn,
             {.help = "Weight of these heads in the model's loss", .low = 0, .high = 1000, .live = true});
}

LecunModel::LecunModel(const JepaOptions& options, const CostOptions& costs, const Spaces& spaces)
    : Jepa(options, spaces), costs_(costs), goals_(spaces.goals), charges_(spaces.costs) {
  const auto in = options.latent + action_input().size();
  harm_ = register_module("harm", cost_head(in, costs.units));
  if (!goals_) reach_ = register_module("reach", cost_head(in, costs.units));
}

torch::Tensor LecunModel::costs_of(const torch::Tensor& z, const torch::Tensor& action, const Carry& after) {
  const auto both = torch::cat({z, action}, -1);
  const auto away = goals_ ? distance(after) : -reach_(both).squeeze(-1);
  return torch::stack({away, harm_at(both), action.square().mean(-1)}, -1);
}

Carry LecunModel::initial(std::int64_t batch) {
  auto carry = Jepa::initial(batch);
  const auto like = carry.at("z").options();
  carry["weights"] =
      torch::tensor({costs_.goal, costs_.harm, costs_.energy}, like).expand({batch, drives}).contiguous();
  carry["costs"] = torch::zeros({batch, drives}, like);
  return carry;
}

Carry LecunModel::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                          at::Generator rng) {
  auto seen = Jepa::observe(carry, previous_action, observation, rng);
  const auto lived = (carry.at("z") != 0).any(-1, true);  // no step led to an episode's first frame
  seen["costs"] = costs_of(carry.at("z"), action_input()(previous_action), seen) * lived;
  return seen;
}

Carry LecunModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  auto dreamt = Jepa::imagine(configured(carry, knobs), action, {}, rng);
  dreamt["costs"] = costs_of(carry.at("z"), action_input()(action), dreamt);
  return dreamt;
}

/// A weight that no knob names stays what it is: who plans names none.
Carry LecunModel::configured(const Carry& carry, const KnobValues& knobs) {
  Carry set = carry;
  for (std::size_t i = 0; i < weight_knobs.size(); ++i) {
    const auto named = knobs.find(weight_knobs[i]);
    if (named == knobs.end()) continue;
    set["weights"] = set.at("weights").clone();
    set["weights"].select(1, static_cast<std::int64_t>(i)).fill_(named->second);
  }
  return set;
}

std::vector<Knob> LecunModel::knobs() const {
  const auto knob = [](std::size_t i, const char* symbol, const char* title, const std::string& help, double now) {
    return Knob{weight_knobs[i], symbol, title, help + " Both modes listen at once.", 0, most_weight[i], now};
  };
  return {knob(0, "goal", "Weight of the goal",
               goals_ ? "How much it matters to be where the picture shows." : "How much rewards matter.", costs_.goal),
          knob(1, "harm", "Weight of harm",
               charges_ ? "How much it matters what the world charges, as hazards do."
                        : "How much it matters not to bump into walls.",
               costs_.harm),
          knob(2, "energy", "Weight of energy", "How much it matters to do little: |a|².", costs_.energy)};
}

Prediction LecunModel::outcome(const Carry& carry) {
  Prediction said;
  said.reward = -(carry.at("weights") * carry.at("costs")).sum(-1);
  if (charges_) said.cost = carry.at("costs").select(-1, static_cast<std::int64_t>(Drive::harm));
  return said;
}

torch::Tensor LecunModel::features(const Carry& carry) {
  const auto& aimed = carry.at("aimed");
  return torch::cat({carry.at("z"), carry.at("goal") * aimed, aimed, carry.at("weights")}, -1);
}

std::vector<std::string> LecunModel::probe_names() const {
  auto names = Jepa::probe_names();
  names.emplace_back("costs/now");
  return names;
}

void LecunModel::report(const Carry& carry, ProbeSink& sink) {
  Jepa::report(carry, sink);
  if (!sink.wants("costs/now")) return;
  Vector bars;
  bars.values = floats((carry.at("weights") * carry.at("costs"))[0]);
  for (const auto name : choice_names(Drive{})) bars.labels.emplace_back(name);
  sink.put("costs/now", "Intrinsic cost", "What the last step cost, each by its weight: the sum is to be kept low",
           std::move(bars));
}

// -- learning ---------------------------------------------------------------------------------------------------------

torch::Tensor LecunModel::harm_of(const SequenceBatch& batch) const {
  if (const auto charged = batch.extra.find(cost_column); charges_ && charged != batch.extra.end())
    return charged->second.slice(0, 1).squeeze(-1);
  const auto& seen = sees_image() ? batch.image : batch.vector;
  const auto same = (seen.slice(0, 1) == seen.slice(0, 0, -1)).flatten(2).all(-1);
  const auto meant = action_input()(batch.action.slice(0, 1)).abs().amax(-1) > lecun_meant;
  return (same & meant).to(torch::kFloat32);
}

Jepa::Loss LecunModel::loss(const SequenceBatch& batch, const JepaOptions& options, at::Generator rng) {
  auto made = Jepa::loss(batch, options, rng);
  const auto both = torch::cat({made.states, action_input()(batch.action.slice(0, 1))}, -1);
  const auto within = torch::cumprod(1 - batch.first.slice(0, 1), 0);
  const auto add = [&](const char* name, const torch::Tensor& missed) {
    const auto term = (missed.square() * within).sum() / within.sum().clamp_min(1);
    made.total = made.total + costs_.learn * term;
    made.terms.emplace_back(name, term.detach());
  };
  add("harm", harm_at(both) - harm_of(batch));
  if (reach_) add("reach", reach_(both).squeeze(-1) - batch.reward.slice(0, 1));
  return made;
}

std::vector<double> LecunModel::least_costs() const {
  return {goals_ ? 0 : -std::numeric_limits<double>::infinity(), 0, 0};
}

torch::Tensor LecunModel::any_weights(std::int64_t batch, at::Generator rng) const {
  const auto like = harm_->parameters().front().options().requires_grad(false);
  const auto most = torch::tensor(std::vector<double>(most_weight.begin(), most_weight.end()), like);
  const auto set = torch::tensor({costs_.goal, costs_.harm, costs_.energy}, like);
  const auto any =
      most * torch::rand({batch, drives}, rng, like).square();  // small ones as often as large ones are seldom
  return torch::where(torch::rand({batch, 1}, rng, like) < 0.25, set, any);
}

}  // namespace dream
