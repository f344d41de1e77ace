#pragma once
#include "core/config/config.h"
#include "core/models/delta_iris_tokenizer.h"
#include "core/models/delta_iris_transformer.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"

namespace dream {

struct DeltaIrisOptions {
  DeltaIrisTokenizerOptions tokenizer;
  DeltaIrisTransformerOptions transformer;

  void fields(Config& config);
};

/// Δ-IRIS (Micheli, Alonso & Fleuret 2024, "Efficient world models with context-aware tokenization"; vmicheli/delta-iris): a GPT tells
/// what neither the present frame nor the action says of the next one, in a few Δ-tokens, and a decoder paints it from all three. Frames
/// that are seen stay as they are; those that are dreamed have 256 levels, as theirs.
///
/// Its carry has the present "frame" [B, C, H, W] and what led there: the frame "before", the action "acted" [B, A] and the Δ-tokens,
/// "codes" [B, K]; a first frame has none, zeros. What every layer remembers of the last frames is a page each: "page00" (the oldest) …
/// [B, layers, K + 2, 2 D], of which the newest "filled" [B, 1] count. Where no further frame fits, all but the present one is
/// forgotten, as published; "since" [B, 1] counts the steps after that, −1 before the first time. Of the step that led here there are
/// "reward", the chances [B, 3] of −1, 0 and 1 or the number [B, 1], and "end" [B, 1]; "state" [B, D] is what the frame became. Steps
/// bring "expected" [B, K, codes]: log p of every Δ-token.
class DeltaIris : public WorldModel {
 public:
  DeltaIris(const DeltaIrisOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;  // the mean of the reward's sign, or of the reward
  torch::Tensor reward_to_target(const torch::Tensor& reward) const override { return signs() ? reward.sign() : reward; }
  /// −log p of the Δ-tokens, each given those before it; 0 of a first frame.
  torch::Tensor surprise(const Carry& seen) override;
  Belief belief(const Carry& carry) override;
  /// The latent is the present frame with the Δ-tokens that led there.
  Carry with_latent(const Carry& memory, const Carry& latent) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("state"); }
  std::int64_t feature_count() const override { return transformer_->width(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  /// A first frame has no Δ-tokens, and stays.
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  DeltaIrisTokenizer& tokenizer() { return tokenizer_; }
  DeltaIrisTransformer& transformer() { return transformer_; }
  /// Actions as both networks take them.
  torch::Tensor action_numbers(const torch::Tensor& action) const { return input_(action); }
  /// The reward is a class, and not a number.
  bool signs() const { return options_.transformer.reward == DeltaReward::sign; }
  /// bf16 products: of the coders and of whole sequences by autocast, and of single tokens by weights that are kept so.
  void set_bfloat16(bool on);

 private:
  DeltaIrisTransformerImpl::Memory memory_of(const Carry& carry) const;
  Carry carry_of_next(const Carry& before, const torch::Tensor& action, const DeltaIrisTransformerImpl::Next& next);
  /// The same step, of which the present frame and its Δ-tokens are others.
  Carry with_next(const Carry& carry, const DeltaIrisTransformerImpl::Next& next) const;
  /// `made` in lanes that have Δ-tokens, and the carry in others.
  static Carry where_led(const Carry& carry, const Carry& made);
  DeltaIrisTransformerImpl::Painter painter_of(const torch::Tensor& frame, const torch::Tensor& action);
  torch::Tensor codes_of(const Carry& carry) const { return carry.at("codes").to(torch::kInt64); }
  /// bool [B, 1]: Δ-tokens led here.
  static torch::Tensor was_led(const Carry& carry) { return (carry.at("filled") > 1) | (carry.at("since") == 0); }

  DeltaIrisOptions options_;
  ActionInput input_;
  std::vector<std::int64_t> picture_;  // C, H, W
  DeltaIrisTokenizer tokenizer_{nullptr};
  DeltaIrisTransformer transformer_{nullptr};
};

}  // namespace dream
