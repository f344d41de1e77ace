#pragma once
#include <string>

#include "core/base/choice.h"
#include "core/config/config.h"
#include "core/nn/torch.h"

namespace dream {

/// Who sets the multiplier λ of a cost limit: a PID controller, from what finished real episodes have cost (Stooke et al.
/// 2020), or the augmented Lagrangian, from imagined costs at every update (Nocedal & Wright 2006, eq. 17.65).
enum class Multiplier { pid, augmented };
constexpr auto choice_names(Multiplier) {
  return names_of_choice("pid", "augmented");
}

/// The defaults are those of PKU-Alignment/SafeDreamer, configs.yaml.
struct LagrangianOptions {
  Multiplier kind = Multiplier::pid;
  double limit = 25;           // of an episode's cost; of an imagined cost return for the augmented Lagrangian
  double proportional = 0;     // kp, of the error e = cost − limit, smoothed
  double integral = 0.1;       // ki, of its sum
  double derivative = 0;       // kd, of what the smoothed cost has risen by in ten episodes
  double most = 100;           // λ's bound, and the integral's
  double penalty = 5e-9;       // augmented: c at first; it grows by 1e-5 of itself an update
  bool pessimistic = false;    // augmented: imagined cost returns are added over the horizon, not averaged

  void fields(Config& config, const std::string& prefix);
};

/// The multiplier λ ≥ 0 of a constraint "cost ≤ limit". What it knows is in its buffers, float64, and so in checkpoints.
class Lagrangian : public torch::nn::Module {
 public:
  explicit Lagrangian(const LagrangianOptions& options);

  double multiplier() const { return multiplier_.item<double>(); }
  bool augmented() const { return options_.kind == Multiplier::augmented; }

  /// PID: one real episode has cost so much. e = cost − limit; I := clip(I + ki·e, 0, most), the bound above being ours:
  /// without it what a beginner costs keeps λ up long after; P: an average of e; D: how much an average of the cost has
  /// risen in ten episodes, at least 0. λ := clip(kp·P + I + kd·D, 0, most).
  void episode(double cost);

  /// Augmented: ψ of g = mean(cost returns) − limit, a scalar with gradient, by λ and c as they are; then λ := max(0, λ +
  /// c·g), which is dψ/dg, and c grows. `returns` [H, N].
  torch::Tensor penalise(const torch::Tensor& returns);

  LagrangianOptions& live_options() { return options_; }

 private:
  LagrangianOptions options_;
  torch::Tensor multiplier_;                     // [1]
  torch::Tensor integral_, error_, cost_, past_;  // PID: [1], [1], [1] and [10], oldest first
  torch::Tensor penalty_;                        // [1]: c
};

}  // namespace dream
