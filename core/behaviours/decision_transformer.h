#pragma once
#include "api/spaces.h"
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/nn/action_input.h"
#include "core/nn/dense.h"
#include "core/nn/image_coder.h"
#include "core/nn/transformer.h"

namespace dream {

struct DecisionTransformerOptions {
  TransformerOptions net{.width = 128, .layers = 3, .heads = 1};
  std::int64_t context = 20;       // steps that it remembers, K
  std::int64_t longest = 1000;     // of an episode: steps have an embedding each
  double return_scale = 0;         // returns are divided by it; 0: by the largest of the data
  std::int64_t depth = 16;         // of the picture's encoder, where there is no vector
  bool returns = true;             // false: the return to go is left out, which is behaviour cloning

  void fields(Config& config, const std::string& prefix);
};

/// The Decision Transformer (Chen et al. 2021; kzl/decision-transformer, gym): of the last K steps it knows the return that
/// was still to come, what was seen and what was done, and says what is done next by whom this return comes to. It has no
/// model. Its memory is the window: "rows" [B, K, 2 + S + A] of return to go, step, state and action, "filled" [B, 1], and
/// "earned" [B, 1], the rewards so far.
class DecisionTransformer : public Behaviour {
 public:
  /// Throws dream::Error where a world shows neither a vector nor a picture of 64 x 64.
  DecisionTransformer(const DecisionTransformerOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override { return {"attention/heads", "policy/action"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  /// What the data's returns are like: their lowest, highest, and what is asked of it by default; and each number of the
  /// state's mean and deviation, [S].
  void know(double lowest, double highest, double usual, const torch::Tensor& mean, const torch::Tensor& deviation);
  bool knows() const;

  /// Numbers of a state [N, S]: the vector as it is, or the picture's code.
  torch::Tensor state_of(const Observation& observation);
  std::int64_t state_size() const { return state_size_; }
  bool sees_vector() const { return sees_vector_; }

  struct Window {
    torch::Tensor returns;  // [B, T], in the environment's units
    torch::Tensor states;   // [B, T, S]
    torch::Tensor actions;  // [B, T, A], as the environment takes them
    torch::Tensor times;    // int64 [B, T]
    torch::Tensor present;  // [B, T], 0 where there was no step
  };
  /// What it says is done at every step [B, T, A']: in [-1, 1], or logits of choices.
  torch::Tensor actions_of(const Window& window, std::vector<torch::Tensor>* weights = nullptr, std::optional<at::Generator> chance = {});
  /// The error of actions_of() against what was done, over the steps that are there: squared, or cross-entropy. Scalar.
  /// `chance` drops out, as in learning.
  torch::Tensor loss(const Window& window, std::optional<at::Generator> chance = {});
  double asked(const KnobValues& knobs) const;

 private:
  Window window_of(const Seen& seen, const Carry& memory, Carry* next);
  torch::Tensor to_environment(const torch::Tensor& said) const;

  DecisionTransformerOptions options_;
  Spaces spaces_;
  ActionInput input_;
  bool sees_vector_;
  std::int64_t state_size_;
  torch::Tensor range_;              // [4]: lowest, highest and usual return of the data; 1 where they are known
  torch::Tensor mean_, deviation_;   // [S]
  ImageEncoder encoder_{nullptr};
  Linear of_return_{nullptr}, of_state_{nullptr}, of_action_{nullptr}, head_{nullptr};
  torch::Tensor of_time_;  // [longest, D]: of every step of an episode
  NormLayer norm_{nullptr};
  Transformer net_{nullptr};
};

}  // namespace dream
