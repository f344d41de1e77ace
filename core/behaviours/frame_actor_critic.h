#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/behaviours/behaviour.h"
#include "core/behaviours/policy_head.h"
#include "core/config/config.h"
#include "core/models/sequence_model.h"
#include "core/nn/frame_coder.h"
#include "core/nn/group_norm.h"
#include "core/nn/two_hot.h"

namespace dream {

/// What looks at a frame: DIAMOND's residual blocks with group norms, IRIS's plain convolutions, or Δ-IRIS's coder of pictures.
enum class FrameNet { residual, plain, coder };
constexpr auto choice_names(FrameNet) {
  return names_of_choice("residual", "plain", "coder");
}

/// The defaults are DIAMOND's; those of IRIS, and then of Δ-IRIS, are in comments.
struct FrameActorCriticOptions {
  FrameNet net = FrameNet::residual;  // plain; coder
  std::int64_t width = 32;            // channels of the four levels are 1, 1, 2 and 2 times this; of a coder
  FrameLevels levels = FrameLevels::five;  // of a coder
  std::int64_t memory = 512;          // of the LSTM
  std::int64_t horizon = 15;          // steps that are imagined; 19, as the last of IRIS's 20 states is only valued; 20
  double discount = 0.985;            // γ; 0.995; 0.995
  double lambda = 0.95;
  double entropy = 0.001;             // η; 0.001; 0.002
  double value_weight = 1;
  NumberHead critic_head = NumberHead::normal;  // by squared error; two-hot, by cross-entropy
  std::int64_t bins = 255;
  bool sign_rewards = true;     // −1, 0 or 1 is learned from
  bool past_ends = false;       // what follows an imagined end is learned from; true; false
  double slow = 0;              // share that stays of a slow copy, by which λ-returns are made; 0: there is none; 0; 0.995
  double epsilon = 0.01;        // while collecting: share of random actions
  double temperature = 1;       // of the choice while it is judged; 0.5; 1
  std::int64_t context = 3;     // frames before the first one, by which the memory begins; 20; 5

  void fields(Config& config, const std::string& prefix);
};

/// The actor-critic of DIAMOND, IRIS and Δ-IRIS: it sees the frames that a model paints and no state of the model, and remembers by an LSTM
/// of its own. Where it acts it looks at WorldModel::predict(carry).frame, which of a model that keeps frames is the real one and
/// of one that has tokens its reconstruction, or at the observation where there is no model. (eloialonso/diamond, eloialonso/iris and
/// vmicheli/delta-iris, actor_critic.py; 3,229,637, 3,217,957 and 3,608,245 parameters at 64 x 64 with four actions.)
class FrameActorCritic : public Behaviour {
 public:
  /// Of pictures [C, H, W]. Throws dream::Error for one below 16 x 16.
  FrameActorCritic(at::IntArrayRef picture, const ActionSpace& space, const FrameActorCriticOptions& options);

  Carry initial(std::int64_t lanes) const override;  // "h" and "c", each [B, memory]
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  /// By a memory of what the model still knows of earlier frames (RecentFrames), or of the present frame alone.
  torch::Tensor value(const Seen& seen) override;
  double discount() const override { return options_.discount; }
  std::vector<std::string> probe_names() const override { return {"policy/action", "policy/memory"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  struct Looked {
    torch::Tensor policy, critic;  // [B, outputs]
    Carry memory;
  };
  /// One more frame, float [B, C, H, W] in [0, 1].
  Looked look(const torch::Tensor& frame, const Carry& memory);
  /// A memory that begins with these frames [K, B, C, H, W], each where it is `there` [K, B]. Without gradients.
  Carry remember(const torch::Tensor& frames, const torch::Tensor& there);

  /// Where imagination starts: N lanes, all of them alive.
  struct Start {
    torch::Tensor context;  // [K, N, C, H, W] in [0, 1]: the frames before, oldest first; undefined: none
    torch::Tensor there;    // [K, N]: 0 where such a frame is missing
    torch::Tensor frame;    // [N, C, H, W]
  };
  /// What an action brought: the next frame [N, C, H, W] in [0, 1], reward and end [N] as they were drawn; end is 0 or 1.
  struct Step {
    torch::Tensor frame, reward, end;
  };
  /// The world that is imagined: actions as the environment takes them, [N, A]. Called without gradients.
  using World = std::function<Step(const torch::Tensor& action)>;

  /// `horizon` imagined steps, with gradients, time-major.
  struct Dreamed {
    torch::Tensor policy, critic;  // [H, N, outputs], with gradient
    torch::Tensor action;          // [H, N, ...]: the policy's own, see PolicyHead
    torch::Tensor reward, end;     // [H, N]: what it brought
    torch::Tensor next;            // [H, N]: the value of the state after it, without gradient
    torch::Tensor slow = {};       // [H, N]: the slow copy's value of the state, which gives `next` too; undefined without one
  };
  Dreamed imagine(const Start& start, const World& world, at::Generator rng);

  struct Loss {
    torch::Tensor total;  // with gradient
    Terms terms;          // actor, critic, entropy, return, value
  };
  /// −log π(a)·(R − v) − η·H(π), and the critic's error towards the λ-return R, averaged over the steps before an end.
  Loss loss(const Dreamed& dreamed, at::Generator rng);
  Loss learn(const Start& start, const World& world, at::Generator rng) { return loss(imagine(start, world, rng), rng); }

  /// Before a step of the optimiser: the slow copy, where there is one, follows.
  void follow_slowly();
  std::vector<torch::Tensor> learned() const;  // parameters without the slow copy's

  const FrameActorCriticOptions& options() const { return options_; }
  FrameActorCriticOptions& live_options() { return options_; }
  void set_bfloat16(bool on);

 private:
  torch::Tensor encoded(const torch::Tensor& frame);
  torch::Tensor mean_value(const torch::Tensor& critic) const;
  torch::Tensor frame_of(const Seen& seen) const;

  struct Level {
    GroupNorm norm{nullptr};
    torch::nn::Conv2d conv{nullptr}, skip{nullptr};
  };
  FrameActorCriticOptions options_;
  ActionSpace space_;
  PolicyHead policy_;
  std::vector<std::string> choices_;  // names of the actions or of the axes
  TwoHot two_hot_;
  torch::nn::Conv2d first_{nullptr};
  std::vector<Level> levels_;
  torch::nn::LSTMCell lstm_{nullptr};
  torch::nn::Linear actor_{nullptr}, critic_{nullptr};
  FrameCoder coder_{nullptr};
  std::shared_ptr<FrameActorCritic> slow_;  // null: there is none
  bool bfloat16_ = false;
};

}  // namespace dream
