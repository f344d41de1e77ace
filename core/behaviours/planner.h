#pragma once
#include "api/spaces.h"
#include "api/value.h"
#include "core/base/choice.h"
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/nn/action_input.h"

namespace dream {

/// How a plan is looked for; see search_plan.cpp, where each reads as its paper has it.
enum class PlanMethod {
  cem,       // the cross-entropy method: PlaNet (Hafner et al. 2019), algorithm 2
  icem,      // with coloured noise and kept elites: Pinneri et al. 2020
  mppi,      // weighted by exp(return): TD-MPC2 (Hansen et al. 2024); Williams et al. 2017
  shooting,  // the best of as many random sequences
  gradient,  // uphill through the model
  osrp,      // cem below a cost limit: SafeDreamer's planning (Huang et al. 2024)
};
constexpr auto choice_names(PlanMethod) {
  return names_of_choice("cem", "icem", "mppi", "shooting", "gradient", "osrp");
}

struct PlannerOptions {
  std::int64_t candidates = 1000, iterations = 10, elites = 100, horizon = 12;
  double exploration_noise = 0.3;  // σ added to the action while collecting
  bool warm_start = false;         // the first guess is the last plan, moved on by a step
  PlanMethod method = PlanMethod::cem;
  double first_deviation = 1, least_deviation = 0;  // σ of the first guess, and what it never falls below
  double momentum = 0;                              // of the last round's mean and σ in the next one's
  double temperature = 0.5;       // mppi: an elite weighs exp(temperature · (return − best)), as in TD-MPC's code
  bool draw = false;              // mppi: what is done is one elite, drawn by its weight, and not their mean
  std::int64_t from_prior = 0;    // candidates that the prior behaviour proposes
  double discount = 1;            // of a step, where there is no prior to say it
  double noise_exponent = 2.5;    // icem: β of noise whose power falls as f^−β
  double keep = 0.3, decay = 1.25;  // icem: share of the elites that stay candidates; rounds shrink by this factor
  double learning_rate = 0.1;     // gradient: Adam's
  double cost_limit = 25;         // osrp: what `cost_steps` steps may cost
  std::int64_t cost_steps = 1000;
  double cost_weight = 0;         // osrp: what costs count against rewards besides (OSRP-Lag's λ)
  std::string knobs = "plan";     // before the names of its knobs, and
  Knob::When knobs_when = {};     // when they are of use

  void fields(Config& config, const std::string& prefix);
};

/// The published constants of a method, with budgets that two cores plan with while somebody watches; in `world` with
/// what an episode there may cost.
PlannerOptions published_plan(PlanMethod method, const Spaces& world = {});

/// Plans at every step: sequences of actions are imagined, scored by the sum of predicted rewards, and the next guess is
/// made of the best. A guess is a Gaussian in [-1, 1] for a box, probabilities for choices. Each plan begins from nothing,
/// or from the last one, which is then all that it remembers: "mean" [B, H, A], and icem's "elites" [B, E, H, A].
///
/// A prior behaviour may propose candidates, and what it says a state is worth counts at the horizon, discounted as it
/// discounts (TD-MPC). An imagined end lets nothing count that comes after it.
class Planner : public Behaviour {
 public:
  Planner(const ActionSpace& space, const PlannerOptions& options, std::shared_ptr<Behaviour> prior = nullptr);

  Carry initial(std::int64_t lanes) const override;
  /// Throws dream::Error where there is no model, or it predicts no reward.
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return prior_ ? prior_->value(seen) : torch::Tensor{}; }
  double discount() const override { return prior_ ? prior_->discount() : options_.discount; }
  torch::Tensor expected_cost(const Seen& seen) override { return prior_ ? prior_->expected_cost(seen) : torch::Tensor{}; }
  /// A recipe's own planner is turned by its rounds alone, as its other settings are the run's.
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override {
    return {"plan/actions", "plan/returns", "plan/ghosts", "plan/film"};
  }
  /// The plan that led to `memory` where it was the last; another one, made here, where it remembers nothing, or the knobs
  /// were turned since.
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  struct Plan {
    torch::Tensor mean;        // [B, H, A], in [-1, 1], or probabilities
    torch::Tensor deviation;   // [B, H, A] of a box; undefined for choices
    torch::Tensor candidates;  // [B, N, H, A] of the last round; choices are one-hot
    torch::Tensor scores;      // [B, N]
    torch::Tensor elites;      // int64 [B, E], best first
    torch::Tensor best;        // [B, H, A]: what is done
  };
  /// `mean` [B, H, A], where defined, is where the first guess stands. `noise` [I, B, N, H, A], where defined, is
  /// taken instead of draws (boxes alone).
  Plan plan(const Seen& seen, const torch::Tensor& mean, at::Generator rng, const torch::Tensor& noise = {},
            const torch::Tensor& kept = {});
  PlannerOptions& live_options() { return options_; }
  const std::shared_ptr<Behaviour>& prior() const { return prior_; }

 private:
  struct Budget {
    std::int64_t rounds, candidates, elites, horizon;
  };
  Knob iterations() const;
  Knob horizon() const;
  Knob cost_limit() const;
  Budget budget(const KnobValues& knobs) const;

  /// What a sequence is worth, Σ γ^t r_t + γ^H V (osrp: what stands for its rank), over the steps of `candidates`
  /// [B, N, H, A] from every lane: [B, N]. `ends`, where given, gets the states at the horizon, [B · N, ...].
  torch::Tensor score(const Seen& seen, const torch::Tensor& candidates, at::Generator rng, Carry* ends = nullptr);
  /// osrp's order of sequences that promise `returns`, less what costs count, and are predicted to cost `costs` over their
  /// steps, both [B, N]: by return among those below `limit`; where these are fewer than the elites, the cheapest first.
  torch::Tensor ranked(const torch::Tensor& returns, const torch::Tensor& costs, std::int64_t steps, double limit) const;
  torch::Tensor sample(const Plan& guess, std::int64_t count, at::Generator rng, const torch::Tensor& noise) const;
  torch::Tensor proposals(const Seen& seen, std::int64_t steps, at::Generator rng);
  void refit(Plan& plan, std::int64_t elites) const;
  void climb(Plan& plan, const Seen& seen, const Budget& budget, at::Generator rng);
  void choose(Plan& plan, at::Generator rng) const;

  torch::Tensor first_guess(std::int64_t lanes, std::int64_t steps) const;
  torch::Tensor moved_on(const torch::Tensor& plans, std::int64_t steps) const;
  torch::Tensor from_memory(const Carry& memory, const char* name, const KnobValues& knobs) const;
  torch::Tensor to_environment(const torch::Tensor& action) const;
  void report_ghosts(const Seen& lane, const Plan& plan, ProbeSink& sink, at::Generator rng);

  /// The plan behind the last decision for a single lane, so that showing it needs no second one.
  struct Thought {
    Plan plan;
    Carry carry;             // that it began from
    KnobValues knobs;
    torch::Tensor memory;    // "mean", as it went into the decision's memory: who reports on that, reports on this plan
  };
  bool is_of(const Carry& memory, const KnobValues& knobs) const;

  PlannerOptions options_;
  ActionSpace space_;
  ActionInput input_;
  std::shared_ptr<Behaviour> prior_;
  std::int64_t remembered_;  // steps of a plan in memory; the horizon may be set to another while it acts
  Thought thought_;
};

}  // namespace dream
