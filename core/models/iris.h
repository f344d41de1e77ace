#pragma once
#include "core/config/config.h"
#include "core/models/iris_tokenizer.h"
#include "core/models/iris_transformer.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"

namespace dream {

struct IrisOptions {
  IrisTokenizerOptions tokenizer;
  IrisTransformerOptions transformer;

  void fields(Config& config);
};

/// IRIS (Micheli, Alonso & Fleuret 2023, "Transformers are sample-efficient world models"; eloialonso/iris): pictures are tokens,
/// and a GPT tells the next frame token by token. What it dreams it draws; rewards are signs.
///
/// Its carry has the present frame's "codes" [B, K] and what every layer remembers of the last frames, a page each: "page00" (the
/// oldest) … [B, layers, K + 1, 2 D], of which the newest "filled" [B, 1] count. A step makes one page and shares the others, so
/// that keeping every state of a dream keeps every page once. Where no further frame fits, all but the present one is forgotten, as
/// published; "since" [B, 1] counts the steps after that, −1 before the first time. Of the step that led here there are "reward"
/// [B, 3], the chances of −1, 0 and 1, and "end" [B, 1]; "state" [B, D] is what the last token became. Steps bring the picture,
/// "frame" [B, C, H, W], "before", the codes of the frame that it was, and "expected" [B, K, codes]: log p of every token.
class IrisModel : public WorldModel {
 public:
  IrisModel(const IrisOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;  // the mean of the reward's sign
  torch::Tensor reward_to_target(const torch::Tensor& reward) const override { return reward.sign(); }
  /// −log p of the frame's tokens, each given those before it; 0 of a first frame.
  torch::Tensor surprise(const Carry& seen) override;
  Belief belief(const Carry& carry) override;
  Carry with_latent(const Carry& memory, const Carry& latent) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("state"); }
  std::int64_t feature_count() const override { return transformer_->width(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  IrisTokenizer& tokenizer() { return tokenizer_; }
  IrisTransformer& transformer() { return transformer_; }
  /// Actions as the transformer takes them.
  torch::Tensor action_numbers(const torch::Tensor& action) const { return input_(action); }
  /// bf16 products: of the coders and of whole sequences by autocast, and of single tokens by weights that are kept so.
  void set_bfloat16(bool on);

 private:
  IrisTransformerImpl::Memory memory_of(const Carry& carry) const;
  Carry carry_of_next(const Carry& before, const IrisTransformerImpl::Next& next);
  /// The same step, of which the present frame's tokens are others.
  Carry with_codes(const Carry& carry, const IrisTransformerImpl::Next& next);
  torch::Tensor codes_of(const Carry& carry) const { return carry.at("codes").to(torch::kInt64); }

  IrisOptions options_;
  ActionInput input_;
  IrisTokenizer tokenizer_{nullptr};
  IrisTransformer transformer_{nullptr};
};

}  // namespace dream
