#include "core/behaviours/safe_actor_critic.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

SafeActorCritic::SafeActorCritic(std::int64_t features, const ActionSpace& space, const ActorCriticOptions& options,
                                 const LagrangianOptions& lagrangian)
    : ActorCritic(features, space, options),
      cost_critic_(make_critic("cost_", features)),
      lagrangian_(register_module("lagrangian", std::make_shared<Lagrangian>(lagrangian))) {}

ActorCritic::Aim SafeActorCritic::aim(const Stretch& stretch, const Judged& rewards, Loss& loss) {
  if (!stretch.dreamed.cost.defined()) throw Error("this model predicts no costs, so they cannot be kept below a limit");
  const auto costs = judge(cost_critic_, stretch.dreamed.cost, stretch);
  const auto cost_loss = critic_loss(costs, stretch);
  loss.critic = loss.critic + cost_loss;

  auto aim = aim_at(rewards, stretch);
  const auto psi = lagrangian_->augmented() ? lagrangian_->penalise(costs.returns) : torch::Tensor{};
  const double multiplier = lagrangian_->multiplier();
  if (psi.defined() && through_dynamics()) {
    aim.penalty = psi;
  } else {
    const auto dear = aim_at(costs, stretch);
    aim.advantage = (aim.advantage - multiplier * dear.advantage) / (1 + multiplier);
    aim.gain = (aim.gain - multiplier * dear.gain) / (1 + multiplier);
  }

  const auto said = [&](const char* name, double value) { loss.terms.emplace_back(name, torch::tensor(value)); };
  loss.terms.emplace_back("cost_critic", cost_loss.detach());
  loss.terms.emplace_back("cost_return", costs.returns.detach().mean());
  loss.terms.emplace_back("cost_value", costs.value.detach().mean());
  said("multiplier", multiplier);
  said("saturated", multiplier >= lagrangian_->live_options().most ? 1 : 0);
  return aim;
}

std::vector<std::string> SafeActorCritic::probe_names() const {
  auto names = ActorCritic::probe_names();
  names.emplace_back("horizon/cost");
  return names;
}

void SafeActorCritic::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  ActorCritic::report(seen, memory, sink, rng);
  if (!sink.wants("horizon/cost")) return;
  const auto ahead = imagine(*seen.model, select_lane(seen.carry, 0), false, rng);
  torch::NoGradGuard no_grad;
  const auto line = [](const torch::Tensor& x) {
    const auto numbers = floats(x);
    return std::vector<double>(numbers.begin(), numbers.end());
  };
  Curve curve;
  for (std::int64_t t = 0; t < ahead.cost.size(0); ++t) curve.x.push_back(static_cast<double>(t));
  curve.lines = {{"cost", line(ahead.cost.flatten())}, {"still to be paid", line(cost_value(ahead.features).flatten())}};
  curve.x_unit = "imagined steps", curve.y_unit = "cost";
  sink.put("horizon/cost", "Cost ahead",
           "c_t along one dream of the policy from here, and what the critic of costs says is still to be paid, discounted",
           std::move(curve));
}

}  // namespace dream
