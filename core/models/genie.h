#pragma once
#include "core/config/config.h"
#include "core/models/finds_actions.h"
#include "core/models/genie_networks.h"
#include "core/models/world_model.h"

namespace dream {

struct GenieOptions {
  std::int64_t frames = 8;  // that it looks back at, the new one among them
  GenieTokenizerOptions tokenizer;
  LatentActionOptions actions;
  MaskGitOptions dynamics;

  void fields(Config& config);
};

/// Genie (Bruce et al. 2024): a world whose controls were found in videos without actions. It sees pictures and infers
/// what was done between them, whatever the environment calls it; its own actions are the codes.
///
/// The carry is a window of frames, the oldest first, of which the first "filled" [B, 1] are there: "tokens" [B, T, S],
/// the code "actions" [B, T] that led to each, their "pictures" [B, T, C, H, W], seen or painted, by which the next
/// action is inferred, and the last "frame" [B, C, H, W] as it is decoded. imagine() adds "confidence" and "step" [B,
/// S] of MaskGIT's choice.
class GenieModel : public WorldModel, public FindsActions {
 public:
  GenieModel(const GenieOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  /// What led here is inferred; `previous_action` is not looked at. The whole window is tokenised anew.
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  ActionSpace actions(const Spaces& environment) const override;
  torch::Tensor inferred(const Carry& seen) override { return last_of(seen.at("actions"), seen).unsqueeze(1); }
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor surprise(const Carry& seen) override;
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override { return tokenizer_->places() * tokenizer_->code_width(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  GenieTokenizer& tokenizer() { return tokenizer_; }
  LatentActions& latent_actions() { return latent_actions_; }
  MaskGit& dynamics() { return dynamics_; }
  const GenieOptions& options() const { return options_; }
  /// How often each code was inferred and how much the picture changed then, [codes] each: for the window, and for the
  /// code that an idle driver takes, which is the one that changes least of those in use.
  void know_codes(const torch::Tensor& use, const torch::Tensor& motion);

 private:
  struct Window {
    torch::Tensor tokens, actions;  // int64 [B, T, S], [B, T]; shifted where a frame had to go
    torch::Tensor at;               // int64 [B]: frames before the next
  };
  Window open(const Carry& carry) const;
  torch::Tensor action_values(const torch::Tensor& actions) const;
  torch::Tensor last_of(const torch::Tensor& window, const Carry& carry) const;

  GenieOptions options_;
  GenieShape shape_;
  GenieTokenizer tokenizer_{nullptr};
  LatentActions latent_actions_{nullptr};
  MaskGit dynamics_{nullptr};
  torch::Tensor code_use_, code_motion_;  // [codes]
};

}  // namespace dream
