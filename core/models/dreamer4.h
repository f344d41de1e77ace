#pragma once
#include "core/config/config.h"
#include "core/models/dreamer4_dynamics.h"
#include "core/models/dreamer4_tokenizer.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/two_hot.h"

namespace dream {

struct Dreamer4Options {
  Dreamer4TokenizerOptions tokenizer;
  Dreamer4DynamicsOptions dynamics;
  std::int64_t ahead = 2;  // steps that the heads say at once (multi-token prediction; 8 in the paper)
  std::int64_t units = 128, head_layers = 1, bins = 255;

  void fields(Config& config);
};

/// Dreamer 4 (Hafner et al. 2025, "Training Agents Inside of Scalable World Models"; no official code, see
/// tests/golden/make_dreamer4.py): a causal tokenizer, a dynamics that makes a frame from noise in a few shortcut steps, and
/// heads on its agent token that say rewards and ends.
///
/// Its carry: the newest frame's "latent" [B, S, N] and "agent" [B, D], the "action" [B, A'] that led to it as networks see it;
/// what the window's frames are to the next one, "keys" and "values" of dynamics, "encoder_…" and "decoder_…", the newest
/// last, [B, blocks that look back, tokens, heads, T, each]; how many frames are there, "filled" [B, 1], and how many
/// pictures were seen, "seen" [B, 1], as what was imagined has no picture for the encoder. A frame is computed once, and
/// painted when predict() is asked. imagine() adds "denoising" [B, K, S, N], what it took the frame for after each step;
/// observe() and imagine() add "looks" [B, S', heads, T], how the tokens looked back.
class Dreamer4Model : public WorldModel {
 public:
  Dreamer4Model(const Dreamer4Options& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  /// −log p of the latent, as if it had unit variance around what one step from noise expects; without the constant.
  torch::Tensor surprise(const Carry& seen) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("agent"); }
  std::int64_t feature_count() const override { return dynamics_->width(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  // -- for who teaches it -----------------------------------------------------------------------------------------------

  Dreamer4Tokenizer& tokenizer() { return tokenizer_; }
  Dreamer4Dynamics& dynamics() { return dynamics_; }
  /// Actions [..., A] as networks see them, [..., A'].
  torch::Tensor seen_action(const torch::Tensor& action) const { return action_input_(action); }
  /// Of agent tokens [..., D]: the logits of the rewards of this step and the next, [..., ahead, bins], and of its end [...].
  torch::Tensor reward_logits(const torch::Tensor& agent);
  torch::Tensor end_logits(const torch::Tensor& agent) { return end_(agent).to(torch::kFloat32).squeeze(-1); }
  const TwoHot& reward_bins() const { return two_hot_; }
  /// What an agent token says of the step that led there: its reward, [...].
  torch::Tensor reward_of(const torch::Tensor& agent) { return two_hot_.mean(reward_logits(agent).select(-2, 0)); }
  /// Weights of the heads.
  std::vector<torch::Tensor> head_parameters() const;

 private:
  Dreamer4DynamicsImpl::State state_of(const Carry& carry) const;
  Carry before_newest(const Carry& carry) const;
  Carry carry_of_state(const Dreamer4DynamicsImpl::State& state, const Carry& before, const torch::Tensor& action);

  Dreamer4Options options_;
  ActionInput action_input_;
  TwoHot two_hot_;
  Dreamer4Tokenizer tokenizer_{nullptr};
  Dreamer4Dynamics dynamics_{nullptr};
  Mlp reward_{nullptr}, end_{nullptr};
};

}  // namespace dream
