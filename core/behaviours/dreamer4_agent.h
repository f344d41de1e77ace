#pragma once
#include "core/behaviours/behaviour.h"
#include "core/behaviours/policy_head.h"
#include "core/config/config.h"
#include "core/nn/dense.h"
#include "core/nn/two_hot.h"

namespace dream {

struct Dreamer4AgentOptions {
  std::int64_t ahead = 2, units = 128, layers = 1, bins = 255;  // as the model's heads; see Dreamer4Options
  double discount = 0.997, lambda = 0.95;
  double alpha = 0.5, beta = 0.3;  // of PMPO: what better actions weigh; the pull towards the clone
  double unimix = 0.01;            // of the policy over choices

  /// Those that are not the model's.
  void fields(Config& config, const std::string& prefix);
};

/// Dreamer 4's policy and value on the agent token, i.e. on whatever features a model gives (Hafner et al. 2025, sections
/// 3.3 and 3.4). The policy first does as the data did, so many steps at once; then, with that kept as its prior, it
/// learns in imagination.
class Dreamer4Agent : public Behaviour {
 public:
  Dreamer4Agent(std::int64_t features, const ActionSpace& space, const Dreamer4AgentOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return value_of(seen.features()); }
  double discount() const override { return options_.discount; }
  std::vector<std::string> probe_names() const override { return {"policy/action", "policy/clone"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  /// −log π of what was done next [..., ahead, A'], actions as networks see them, of features [..., F]: [..., ahead].
  torch::Tensor clone_loss(const torch::Tensor& features, const torch::Tensor& actions);
  /// The policy as it is now becomes the prior.
  void keep_clone();
  /// An action as networks see it, [..., A'].
  torch::Tensor sample(const torch::Tensor& features, at::Generator rng);

  /// What was imagined from N starts: frames 0 … H, time-major.
  struct Dreamed {
    torch::Tensor features;          // [H + 1, N, F]
    torch::Tensor action;            // [H, N, A']: taken in frame t, as networks see it
    torch::Tensor reward, going_on;  // [H, N]: of the frame that came of it; going_on = 1 − P(end)
    torch::Tensor alive;             // [N]: 0 where the start is an episode's end
  };
  struct Loss {
    torch::Tensor policy, value;  // scalars, with gradient
    torch::Tensor returns, better, divergence;  // means, without
  };
  /// Values learn R_t = r_{t+1} + γ c_{t+1} ((1 − λ) v_{t+1} + λ R_{t+1}), the policy the sign of R_t − v_t; each frame weighs
  /// as likely as it is to be reached.
  Loss loss(const Dreamed& dreamed);

  std::vector<torch::Tensor> policy_parameters() const { return policy_->parameters(); }
  std::vector<torch::Tensor> value_parameters() const { return value_->parameters(); }
  Dreamer4AgentOptions& live_options() { return options_; }
  const PolicyHead& head() const { return head_; }

 private:
  torch::Tensor output_of(Mlp& policy, const torch::Tensor& features) const;  // of the next action, [..., output_size]
  torch::Tensor value_of(const torch::Tensor& features) { return two_hot_.mean(value_(features)); }

  Dreamer4AgentOptions options_;
  PolicyHead head_;
  TwoHot two_hot_;
  std::vector<std::string> names_;  // of choices, or axes
  Mlp policy_{nullptr}, prior_{nullptr}, value_{nullptr};
};

}  // namespace dream
