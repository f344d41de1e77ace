#pragma once
#include "api/spaces.h"
#include "api/value.h"
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"

namespace dream {

/// The cross-entropy method of PlaNet (Hafner et al. 2019, algorithm 2).
struct PlannerOptions {
  std::int64_t candidates = 1000, iterations = 10, elites = 100, horizon = 12;
  double exploration_noise = 0.3;  // σ added to the action while collecting

  void fields(Config& config, const std::string& prefix);
};

/// Plans at every step from scratch: candidates are drawn from a Gaussian over action sequences, imagined, scored by
/// the sum of predicted rewards, and the Gaussian is fitted to the best; its mean's first action is taken. For boxes.
class Planner : public Behaviour {
 public:
  /// Throws dream::Error for a discrete action space.
  Planner(const ActionSpace& space, const PlannerOptions& options);

  /// Throws dream::Error: a planner needs the model, see decide().
  torch::Tensor act(const torch::Tensor& features, at::Generator rng) override;
  torch::Tensor decide(WorldModel& model, const Carry& carry, bool explore, at::Generator rng) override;
  std::vector<std::string> probe_names() const override { return {"plan/actions", "plan/returns"}; }
  void report(WorldModel& model, const Carry& carry, ProbeSink& sink, at::Generator rng) override;

  struct Plan {
    torch::Tensor mean;        // [B, H, A], in [-1, 1]
    torch::Tensor candidates;  // [B, N, H, A] of the last iteration
    torch::Tensor scores;      // [B, N]
    torch::Tensor elites;      // int64 [B, E]
  };
  /// `noise` [I, B, N, H, A], where defined, is taken instead of draws.
  Plan plan(WorldModel& model, const Carry& carry, at::Generator rng, const torch::Tensor& noise = {});
  PlannerOptions& live_options() { return options_; }

 private:
  torch::Tensor to_environment(const torch::Tensor& action) const;
  PlannerOptions options_;
  ActionSpace space_;
};

}  // namespace dream
