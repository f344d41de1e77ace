#pragma once
#include "core/models/latent_action_model.h"

namespace dream {

struct GenieOptions {
  std::int64_t frames = 8;  // that it looks back at, the new one among them
  GenieTokenizerOptions tokenizer;
  LatentActionOptions actions;
  MaskGitOptions dynamics;

  void fields(Config& config);
};

/// Genie (Bruce et al. 2024): a world whose controls were found in videos without actions. Besides the window of pictures
/// and actions its carry has the frames' "tokens" [B, T, S]; imagine() adds "confidence" and "step" [B, S] of MaskGIT's
/// choice.
class GenieModel : public LatentActionModel {
 public:
  GenieModel(const GenieOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  /// What led here is inferred; `previous_action` is not looked at. The whole window is tokenised anew.
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  torch::Tensor surprise(const Carry& seen) override;
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override { return tokenizer_->places() * tokenizer_->code_width(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;

  GenieTokenizer& tokenizer() { return tokenizer_; }
  MaskGit& dynamics() { return dynamics_; }
  const GenieOptions& options() const { return options_; }

 private:
  GenieOptions options_;
  GenieTokenizer tokenizer_{nullptr};
  MaskGit dynamics_{nullptr};
};

}  // namespace dream
