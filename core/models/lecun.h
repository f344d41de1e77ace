#pragma once
#include "core/models/jepa.h"

namespace dream {

/// What a step costs, in this order wherever costs and their weights stand side by side.
enum class Drive { goal, harm, energy };
constexpr auto choice_names(Drive) {
  return names_of_choice("goal", "harm", "energy");
}
constexpr std::int64_t drives = 3;

struct CostOptions {
  double goal = 1, harm = 0.3, energy = 0.01;  // weights, where nobody configures them
  std::int64_t units = 128;                    // of the two layers of a head
  double learn = 1;                            // weight of the heads in the model's loss

  void fields(Config& config, const std::string& prefix);
};

/// Perception, world model and intrinsic cost of LeCun's architecture (LeCun 2022, "A path towards autonomous machine
/// intelligence", sections 3 and 4): a Jepa, and three costs of every step that are to be kept low.
///
/// - goal: |z' − h(x*)|², a number's mean, where a picture is to be reached; else −r̂(z, a), the reward that a head predicts.
/// - harm ĉ(z, a): a head learns what the world charges for a step, in the world's units. Where it charges nothing, a step
///   costs 1 that was meant and did not happen: the picture is the very same after it.
/// - energy: |a|², an axis's mean, of actions in [-1, 1].
///
/// How they are added up is fixed, as the paper asks of an intrinsic cost; what learns is only the heads' eye for what the
/// world will charge. The configurator sets their weights, which stand in the carry: whoever plans from a state wants what is
/// wanted there. It sees the vector where the world has one, as one picture shows no velocity, and a picture where one is to be
/// reached.
///
/// Carry: Jepa's, "weights" [B, 3] and "costs" [B, 3], of the step that led here, unweighted. What it pays is −Σ weight · cost.
class LecunModel : public Jepa {
 public:
  LecunModel(const JepaOptions& options, const CostOptions& costs, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Carry configured(const Carry& carry, const KnobValues& knobs) override;
  std::vector<Knob> knobs() const override;
  Prediction outcome(const Carry& carry) override;
  /// z, h(x*) and whether there is such a goal, the weights: what is, and what is wanted.
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override { return 2 * options().latent + 1 + drives; }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;

  // -- for whoever trains it ------------------------------------------------------------------------------------------

  /// What harmed in the steps of a batch, [T − 1, B].
  torch::Tensor harm_of(const SequenceBatch& batch) const;
  /// Jepa's loss and the heads', of every step from where it was predicted.
  Loss loss(const SequenceBatch& batch, const JepaOptions& options, at::Generator rng) override;
  /// Weights for [B] agents, [B, 3]: a quarter as set, the others anything that the configurator may ask for.
  torch::Tensor any_weights(std::int64_t batch, at::Generator rng) const;
  /// What each cost of a step is never below: a reward may be.
  std::vector<double> least_costs() const;
  CostOptions& live_options() { return costs_; }

 private:
  torch::Tensor costs_of(const torch::Tensor& z, const torch::Tensor& action, const Carry& after);
  torch::Tensor harm_at(const torch::Tensor& z_and_action) { return torch::softplus(harm_(z_and_action)).squeeze(-1); }

  CostOptions costs_;
  bool goals_, charges_;
  Mlp harm_{nullptr}, reach_{nullptr};
};

}  // namespace dream
