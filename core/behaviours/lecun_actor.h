#pragma once
#include <memory>

#include "core/behaviours/planner.h"
#include "core/behaviours/wanderer.h"
#include "core/nn/dense.h"

namespace dream {

struct LecunActorOptions {
  std::int64_t units = 256;  // of the layers of policy and critic
  double discount = 0.97;    // γ of the costs that are still to come
  double slow_share = 0.02;  // by which the slow critic follows an update
  double noise = 0.3;        // σ of the policy where it tries things
  double acting = 0.25;      // share of the collecting lanes that the policy drives; the others wander

  void fields(Config& config, const std::string& prefix);
};

/// Mode 1 and the trainable critic (LeCun 2022, sections 3.1.1 and 3.2): a = A(s), and what costs are still to come after s.
/// Both see a model's features, which end with the weights of its `costs` costs: so what is wanted can change at any time. The
/// critic tells the costs apart, and its value is minus their sum, each by its weight. No step costs less than `least` says of
/// each cost (−∞: not known), nor do those to come, which a net would forget near the goal.
class ReactivePolicy : public Behaviour {
 public:
  ReactivePolicy(std::int64_t features, const std::vector<double>& least, const ActionSpace& space,
                 const LecunActorOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return value_of(seen.features()); }
  double discount() const override { return options_.discount; }

  // -- for whoever trains it; features [..., F] --------------------------------------------------------------------------

  torch::Tensor act(const torch::Tensor& features) {
    return policy_->forward(features).tanh();
  }  // [..., A], in [-1, 1]
  /// Σ γ^k of every cost that is still to come, [..., costs]; `slow`: by the critic's slow copy.
  torch::Tensor to_come(const torch::Tensor& features, bool slow = false);
  torch::Tensor value_of(const torch::Tensor& features);  // [...]
  /// |A(s) − a|², an axis's mean, of actions in [-1, 1]: a scalar with gradient.
  torch::Tensor imitation(const torch::Tensor& features, const torch::Tensor& action) {
    return (act(features) - action).square().mean();
  }
  /// What the critic misses of costs to come, of an average step's size: a scalar with gradient, also where it says too little.
  torch::Tensor critic_loss(const torch::Tensor& features, const torch::Tensor& to_come);
  void follow_slowly();
  std::vector<torch::Tensor> policy_parameters() const { return policy_->parameters(); }
  std::vector<torch::Tensor> critic_parameters() const { return critic_->parameters(); }
  LecunActorOptions& live_options() { return options_; }
  torch::Tensor to_environment(const torch::Tensor& action) const;

 private:
  LecunActorOptions options_;
  ActionSpace space_;
  torch::Tensor least_;  // [costs]
  Mlp policy_{nullptr}, critic_{nullptr}, slow_critic_{nullptr};
};

/// The actor of LeCun's architecture, and what of its other modules acts: Mode 2 looks for the actions whose predicted costs,
/// summed along the horizon with what the critic says of its end, are lowest, does the first, and looks again; Mode 1 asks the
/// policy. A knob says which. The policy proposes some of Mode 2's candidates.
///
/// Its short-term memory, per lane: the planner's; "heading" of whom wanders; "lived" [B, M, 3], the costs of the last steps,
/// newest last; "foreseen" [B, H, 3], those of the plan, and "end" [B, 1], the weighted costs after it, both 0 in Mode 1;
/// "steps" [B, 1]. It needs a model whose carry has "costs" and "weights", as LecunModel's.
class LecunActor : public Behaviour {
 public:
  static constexpr std::int64_t remembered = 24;  // M

  LecunActor(std::int64_t features, const std::vector<double>& least, const ActionSpace& space,
             const LecunActorOptions& options, const PlannerOptions& planner);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return policy_->value(seen); }
  double discount() const override { return policy_->discount(); }
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  ReactivePolicy& policy() { return *policy_; }
  const std::shared_ptr<ReactivePolicy>& shared_policy() const { return policy_; }
  Planner& planner() { return *planner_; }

  /// What follows from `carry` under `plan` [B, H, A] in [-1, 1]: its features [B, H + 1, F] and costs [B, H, 3].
  struct Path {
    torch::Tensor features, costs;
  };
  static Path follow(WorldModel& model, const Carry& carry, const torch::Tensor& plan, const ReactivePolicy& policy,
                     at::Generator rng);

 private:
  Knob mode() const;
  /// The seven modules and what flows between them, of lane 0.
  Diagram diagram(const Seen& seen, const Carry& memory);
  bool reacts(const KnobValues& knobs) const { return value_of(knobs, mode()) != 0; }
  Decision explore(const Seen& seen, const Carry& memory, at::Generator rng);

  std::int64_t costs_, horizon_;
  ActionSpace space_;
  std::shared_ptr<ReactivePolicy> policy_;
  std::shared_ptr<Planner> planner_;
  std::shared_ptr<Wanderer> wanderer_;
};

}  // namespace dream
