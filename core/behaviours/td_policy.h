#pragma once
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/nn/stacked_mlp.h"
#include "core/nn/two_hot.h"

namespace dream {

/// Everything in which the policies and value functions of TD-MPC and TD-MPC2 differ; the defaults are those of
/// TD-MPC2's 5M (nicklashansen/tdmpc2).
struct TdPolicyOptions {
  std::int64_t units = 512;  // of both layers of every net
  std::int64_t members = 5;  // Q-functions
  double dropout = 0.01;     // in the first layer of each while it learns
  double discount = 0;       // γ; 0: by the episode's length, see td_discount()
  double entropy = 1e-4;     // weight of the policy's entropy
  double least_log_deviation = -10, greatest_log_deviation = 2;
  double target_share = 0.01;  // of the Q-functions in their slow copies, per update
  std::int64_t target_every = 1;
  std::int64_t bins = 101;  // of the two-hot values
  double limit = 10;        // the outermost bins, in symlog space
  bool first = false;       // TD-MPC of 2022: two plain Q-functions, a policy of fixed deviation
  double deviation = 0.05;  // of that policy

  void fields(Config& config, const std::string& prefix);
};

/// γ = 1 − 5 / L within [0.95, 0.995]: the horizon grows with the episode (tdmpc2, _get_discount). 0.995 without an
/// end.
double td_discount(std::int64_t episode_length);

/// A policy and an ensemble of Q-functions over a model's features: what a plan's candidates are proposed by, and what
/// a state is worth where the plan ends. It acts by itself too.
class TdPolicy : public Behaviour {
 public:
  /// `discount` in the options must be settled. Throws dream::Error for a world of choices.
  TdPolicy(std::int64_t features, const ActionSpace& space, const TdPolicyOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  /// Of the policy's mean action, the mean of all Q-functions: what their published pairs, drawn at random, are on
  /// average. TD-MPC takes the least of its two.
  torch::Tensor value(const Seen& seen) override { return value(seen.features()); }
  torch::Tensor value(const torch::Tensor& z);
  double discount() const override { return options_.discount; }
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  // -- for whoever trains it; z [..., L], actions [..., A] in [-1, 1] ------------------------------------------------

  struct Drawn {
    torch::Tensor action, mean;  // [..., A]
    torch::Tensor entropy;       // −log π of the action, [...]
    torch::Tensor scaled;        // the same weighed by the number of axes, as the policy's loss has it, [...]
  };
  /// The action that standard normal `noise` [..., A] makes.
  Drawn draw(const torch::Tensor& z, const torch::Tensor& noise);
  torch::Tensor noise_for(const torch::Tensor& z, at::Generator rng) const;

  enum class Weights { online, slow };
  /// All Q-functions' outputs, [E, ..., bins]. With `chance` numbers are dropped.
  torch::Tensor q_logits(const torch::Tensor& z, const torch::Tensor& action, Weights weights = Weights::online,
                         const std::optional<at::Generator>& chance = {});
  torch::Tensor q_of(const torch::Tensor& logits) const;                                // [..., bins] -> [...]
  torch::Tensor q_loss(const torch::Tensor& logits, const torch::Tensor& value) const;  // [...]

  /// Two different Q-functions: int64 [2].
  torch::Tensor pair(at::Generator rng) const;
  /// r + γ (1 − d) min of two slow Q-functions at (z', π(z')), all [...]; without gradients.
  torch::Tensor target(const torch::Tensor& next_z, const torch::Tensor& reward, const torch::Tensor& terminated,
                       const torch::Tensor& noise, const torch::Tensor& pair);

  struct Loss {
    torch::Tensor total;    // scalar with gradient, of the policy's weights alone
    torch::Tensor entropy;  // scalar, of the policy
  };
  /// −Σ_t ρ^t (Q / S + entropy) / steps, over the states `z` [S, B, L] of which `valid` [S, B] count. S follows the
  /// range of the first step's values.
  Loss loss(const torch::Tensor& z, const torch::Tensor& valid, double rho, const torch::Tensor& noise,
            const torch::Tensor& pair, const std::optional<at::Generator>& chance);
  /// After update `number` (from 1): the slow Q-functions follow.
  void update_target(std::int64_t number);

  std::vector<torch::Tensor> policy_parameters() const { return policy_->parameters(); }
  std::vector<torch::Tensor> q_parameters() const { return q_->parameters(); }
  double scale() const { return scale_.item<double>(); }  // S
  /// bf16 products where many states are judged at once.
  void set_bfloat16(bool on) {
    for (auto* net : {&policy_, &q_, &slow_q_}) (*net)->set_bfloat16(on);
  }
  TdPolicyOptions& live_options() { return options_; }

 private:
  torch::Tensor to_environment(const torch::Tensor& action) const;
  void follow_range(const torch::Tensor& values);

  TdPolicyOptions options_;
  ActionSpace space_;
  std::int64_t axes_;
  TwoHot two_hot_;
  StackedMlp policy_{nullptr}, q_{nullptr}, slow_q_{nullptr};
  torch::Tensor scale_;  // [1]
};

/// Σ weight · x / Σ weight over the last dimension: [..., B] -> [...]; 0 where nothing counts.
torch::Tensor mean_of_valid(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace dream
