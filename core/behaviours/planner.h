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
  bool warm_start = false;         // the first Gaussian is around the last plan, moved on by a step (TD-MPC)

  void fields(Config& config, const std::string& prefix);
};

/// Plans at every step: candidates are drawn from a Gaussian over action sequences, imagined, scored by the sum of
/// predicted rewards, and the Gaussian is fitted to the best; its mean's first action is taken. For boxes. Each plan
/// begins from nothing, or from the last one, which is then all that it remembers: "mean" [B, H, A].
class Planner : public Behaviour {
 public:
  /// Throws dream::Error for a discrete action space.
  Planner(const ActionSpace& space, const PlannerOptions& options);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override { return {iterations()}; }
  std::vector<std::string> probe_names() const override { return {"plan/actions", "plan/returns"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  struct Plan {
    torch::Tensor mean;        // [B, H, A], in [-1, 1]
    torch::Tensor candidates;  // [B, N, H, A] of the last iteration
    torch::Tensor scores;      // [B, N]
    torch::Tensor elites;      // int64 [B, E]
  };
  /// `mean` [B, H, A], where defined, is where the first Gaussian stands. `noise` [I, B, N, H, A], where defined, is
  /// taken instead of draws.
  Plan plan(const Seen& seen, const torch::Tensor& mean, at::Generator rng, const torch::Tensor& noise = {});
  PlannerOptions& live_options() { return options_; }

 private:
  Knob iterations() const;
  torch::Tensor last_plan(const Carry& memory) const;
  torch::Tensor to_environment(const torch::Tensor& action) const;
  PlannerOptions options_;
  ActionSpace space_;
  std::int64_t remembered_;  // steps of a plan in memory; the horizon may be set to another while it acts
};

}  // namespace dream
