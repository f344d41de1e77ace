#pragma once
#include "core/behaviours/actor_critic.h"
#include "core/behaviours/lagrangian.h"

namespace dream {

/// SafeDreamer's actor-critic (Huang et al. 2024; PKU-Alignment/SafeDreamer, BSRP-Lag): beside the critic of rewards one
/// of costs, with λ-returns by the same recursion, and a multiplier λ between the two. Needs a model that predicts costs.
///
/// The actor climbs (A_r − λ·A_c) / (1 + λ), each advantage divided by the running range of its own returns. Where it
/// learns through the dynamics and λ is the augmented Lagrangian's, the penalty ψ is added to its loss instead, as
/// published: ψ has no gradient but through the actions.
class SafeActorCritic : public ActorCritic {
 public:
  SafeActorCritic(std::int64_t features, const ActionSpace& space, const ActorCriticOptions& options,
                  const LagrangianOptions& lagrangian);

  torch::Tensor expected_cost(const Seen& seen) override { return cost_value(seen.features()); }
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  std::vector<torch::Tensor> cost_critic_parameters() const { return cost_critic_.net->parameters(); }
  /// The discounted cost that is expected from here on, in the environment's units: features [N, F] -> [N].
  torch::Tensor cost_value(const torch::Tensor& features) { return mean_value(cost_critic_.net(features)); }
  Lagrangian& lagrangian() { return *lagrangian_; }

 private:
  Aim aim(const Stretch& stretch, const Judged& rewards, Loss& loss) override;

  Critic cost_critic_;
  std::shared_ptr<Lagrangian> lagrangian_;
};

}  // namespace dream
