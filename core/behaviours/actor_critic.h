#pragma once
#include <memory>

#include "core/behaviours/behaviour.h"
#include "core/behaviours/policy_head.h"
#include "core/config/config.h"
#include "core/models/sequence_model.h"
#include "core/nn/dense.h"
#include "core/nn/optimiser.h"
#include "core/nn/two_hot.h"

namespace dream {

/// How the actor learns: by the score function, through the learned dynamics, or by both (V2's ρ = reinforce_share).
enum class Gradient { reinforce, dynamics, mixed };
constexpr auto choice_names(Gradient) {
  return names_of_choice("reinforce", "dynamics", "mixed");
}
/// Whose reward a return begins with: R_t = r_{t+1} + … (V3), or R_t = r_t + … (V1 and V2).
enum class Indexing { arrived, current };
constexpr auto choice_names(Indexing) {
  return names_of_choice("arrived", "current");
}
/// The slow critic: none; a copy every `target_every` updates, for targets and baseline (V2); an average, which
/// regularises (V3).
enum class SlowCritic { none, copy, average };
constexpr auto choice_names(SlowCritic) {
  return names_of_choice("none", "copy", "average");
}

/// Everything in which the actor-critics of Dreamer V1, V2 and V3 differ; the defaults are V3's ("v3", 2024).
struct ActorCriticOptions {
  std::int64_t horizon = 15;        // imagined steps
  double discount = 1 - 1.0 / 333;  // γ
  bool continue_discounts = true;   // the first state's weight has its γ too, as γ is in the continue head (V3-24)
  double lambda = 0.95;
  Gradient gradient = Gradient::reinforce;
  double reinforce_share = 1;
  Indexing indexing = Indexing::arrived;
  bool include_start = true;       // the state where imagination starts counts as one (not in V1)
  double entropy = 3e-4;           // η
  double exploration_noise = 0;    // while collecting (V1): σ added to continuous actions, ε of random choices
  bool sample_to_evaluate = true;  // V3 draws from its policy also when it is judged
  BoxPolicy continuous = BoxPolicy::normal;
  double unimix = 0.01;  // of the policy over choices
  double actor_out_scale = 0.01;
  std::int64_t actor_layers = 3, critic_layers = 3, units = 256;
  Act act = Act::silu;
  Norm norm = Norm::rms;
  Init init = Init::fan_in;
  double eps = 1e-4;
  bool bias_with_norm = true;
  NumberHead critic_head = NumberHead::symexp;
  std::int64_t bins = 255;
  SlowCritic target = SlowCritic::average;
  std::int64_t target_every = 100;
  double target_share = 0.02;     // of the critic in the average, per update
  bool normalise_returns = true;  // by the running range from the 5th to the 95th percentile, at least 1
  double replay_critic = 0.3;     // weight of the critic's loss on replayed rewards; 0 = none

  void fields(Config& config, const std::string& prefix);
};

/// R_t = r_t + live_t·((1 - λ_t)·v_t + λ_t·R_{t+1}), R_N = `last`; every argument [N, ...]: reward and v already those
/// of the step after t. Schulman et al. 2016; Hafner et al. 2020, eq. 6.
torch::Tensor lambda_return(const torch::Tensor& reward, const torch::Tensor& live, const torch::Tensor& value,
                            const torch::Tensor& lambda, const torch::Tensor& last);

/// Rewards of the replay at the states where imagination started, all [T, B].
struct Replayed {
  torch::Tensor features;  // [T, B, F], with gradient
  torch::Tensor reward, terminated, last;
};

/// Actor and critic learned inside a model's imagination (Dreamer).
class ActorCritic : public Behaviour {
 public:
  ActorCritic(std::int64_t features, const ActionSpace& space, const ActorCriticOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  /// What was imagined from N starts: states 0 … H, time-major, without gradients unless the actor learns through the
  /// dynamics.
  struct Dreamed {
    torch::Tensor features;          // [S, N, F]
    torch::Tensor action;            // [S, N, A]: taken in that state
    torch::Tensor reward, going_on;  // [S, N]; going_on = 1 - P(done), without γ
    torch::Tensor cost = {};         // [S, N]; undefined where the model predicts none
  };
  Dreamed imagine(WorldModel& model, const Carry& starts, bool gradients, at::Generator rng);

  struct Loss {
    torch::Tensor actor, critic, replay_critic;  // scalars with gradient; critic: of all; the last may be undefined
    Terms terms;
    torch::Tensor returns;  // [S - 1, N], detached
  };
  /// `start_alive` [N]: 0 where the replay says that the start state ends its episode.
  Loss learn(WorldModel& model, const Carry& starts, const torch::Tensor& start_alive, const Replayed& replayed,
             at::Generator rng);
  /// The loss of what was imagined; learn() without the imagination, for tests.
  Loss loss(const Dreamed& dreamed, const torch::Tensor& start_alive, const Replayed& replayed, at::Generator rng);
  /// After the optimisers' steps: slow critics follow.
  void update_target();

  std::vector<torch::Tensor> actor_parameters() const { return actor_->parameters(); }
  std::vector<torch::Tensor> critic_parameters() const { return critic_.net->parameters(); }
  ActorCriticOptions& live_options() { return options_; }
  const PolicyHead& policy() const { return policy_; }
  torch::Tensor value(const Seen& seen) override { return value(seen.features()); }
  torch::Tensor value(const torch::Tensor& features) { return mean_value(critic_.net(features)); }
  double discount() const override { return options_.discount; }
  void set_bfloat16(bool on) { bfloat16_ = on; }

 protected:
  struct Critic {  // copies are of one and the same
    Mlp net{nullptr}, slow{nullptr};
    torch::Tensor range;  // [2]: running 5th and 95th percentile of its returns
  };
  /// Registered under names with this prefix, and followed by its slow copy from then on.
  Critic make_critic(const std::string& prefix, std::int64_t features);

  /// What was imagined, as losses look at it.
  struct Stretch {
    const Dreamed& dreamed;
    torch::Tensor live;    // [S, N]: γ·P(going on)
    torch::Tensor weight;  // [S, N]: how likely it is to get that far
    /// V2 sets the action of state t against the return of the state after it, as its returns count the state's own
    /// reward. V1 has no start state: every action that led to a state is in its return.
    bool shifted;
    std::int64_t acting;  // A: states whose action is learned from

    torch::Tensor of_acting(const torch::Tensor& x) const { return x.slice(0, 0, acting); }
  };
  Stretch stretch_of(const Dreamed& dreamed, const torch::Tensor& start_alive) const;

  /// What a critic says of a stretch, and what it is to learn from it.
  struct Judged {
    torch::Tensor output;   // [S, N, bins], with gradient for the critic alone
    torch::Tensor value;    // [S, N]: what returns are bootstrapped from
    torch::Tensor slow;     // [S, N], detached; undefined without an average
    torch::Tensor returns;  // [S - 1, N]
    double scale;           // that advantages are divided by
  };
  /// `received` [S, N]: rewards, or costs.
  Judged judge(Critic& critic, const torch::Tensor& received, const Stretch& stretch);
  torch::Tensor critic_loss(const Judged& judged, const Stretch& stretch) const;

  /// What the actor climbs, [A, N], by the score function and through the dynamics; with what is added to its loss,
  /// where defined.
  struct Aim {
    torch::Tensor advantage, gain, penalty = {};
  };
  Aim aim_at(const Judged& judged, const Stretch& stretch) const;
  /// Higher returns; who minds costs as well aims elsewhere, and adds losses and terms of its own.
  virtual Aim aim(const Stretch& stretch, const Judged& rewards, Loss& loss) {
    (void)loss;
    return aim_at(rewards, stretch);
  }
  bool through_dynamics() const { return options_.gradient != Gradient::reinforce; }
  torch::Tensor mean_value(const torch::Tensor& output) const;

 private:
  void follow(const Critic& critic, bool copy) const;
  torch::Tensor value_loss(const torch::Tensor& output, const torch::Tensor& target) const;
  torch::Tensor replay_loss(const Replayed& replayed, const torch::Tensor& imagined);
  double return_scale(Critic& critic, const torch::Tensor& returns) const;
  torch::Tensor live_of(const Dreamed& dreamed, const torch::Tensor& start_alive) const;

  ActorCriticOptions options_;
  PolicyHead policy_;
  std::vector<std::string> choices_;  // names of the actions or of the axes
  TwoHot two_hot_;
  Mlp actor_{nullptr};
  Critic critic_;
  std::vector<Critic> critics_;  // it, and those that were added
  torch::Tensor updates_;  // int64 [1]
  bool bfloat16_ = false;
};

}  // namespace dream
