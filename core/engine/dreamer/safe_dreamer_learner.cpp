#include "core/engine/dreamer/dreamer_learner.h"

namespace dream {

SafeDreamerLearner::SafeDreamerLearner(DreamerParts& parts) : DreamerLearner(parts) {
  optimise("cost_critic/", "behaviour/cost_critic_gradient", parts.safe->cost_critic_parameters(),
           parts.options.cost_critic_optimiser);
}

void SafeDreamerLearner::lived(const Episode& piece, bool) {
  auto& cost = cost_[piece.lane];
  cost += piece.cost();
  if (!piece.ended()) return;
  // What random actions cost before the first update says nothing of the policy.
  if (parts_.updates > 0) parts_.safe->lagrangian().episode(cost);
  cost = 0;
}

std::vector<Metrics::Spec> SafeDreamerLearner::curves() const {
  auto specs = DreamerLearner::curves();
  const auto add = [&](const char* name, const char* title, const char* unit, double level = 0, const char* label = "") {
    specs.push_back({name, title, unit, "update", level, label});
  };
  add("behaviour/multiplier", "Multiplier λ of the cost limit", "", 0, "largest λ");
  add("behaviour/saturated", "Updates with λ at its bound", "share");
  add("behaviour/cost_return", "Imagined λ-return of costs", "cost");
  add("behaviour/cost_value", "Imagined cost value", "cost");
  add("behaviour/cost_critic", "Critic of costs: −log p(C)", "nats");
  add("behaviour/cost_critic_gradient", "Gradient norm of the critic of costs", "");
  return specs;
}

}  // namespace dream
