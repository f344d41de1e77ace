#pragma once
#include "api/spaces.h"
#include "core/config/config.h"
#include "core/models/viewing_decoder.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/dense.h"
#include "core/nn/image_coder.h"
#include "core/nn/value_support.h"

namespace dream {

/// What MuZero sees: the vector where there is one, or the picture.
enum class MuzeroSees { automatic, vector, image };
constexpr auto choice_names(MuzeroSees) {
  return names_of_choice("auto", "vector", "image");
}

struct MuzeroOptions {
  MuzeroSees observe = MuzeroSees::automatic;
  std::int64_t state = 64, layers = 1, units = 128, depth = 16;
  std::int64_t support = 20;  // of rewards
  bool ends = true;           // the end of an episode is predicted, and counts in the search
  ViewingOptions view;

  void fields(Config& config, const std::string& prefix);
};

/// MuZero's h and g (Schrittwieser et al. 2020): a state that needs not tell what is seen, only what is worth, paid and
/// done. Each state is scaled to [0, 1]. Pictures are painted by a viewing decoder from which nothing is learned.
///
/// Carry: "s" [B, state]; "reward" and "done" [B], of the step that led there.
class MuzeroModel : public WorldModel {
 public:
  MuzeroModel(const MuzeroOptions& options, const Spaces& spaces);

  torch::Tensor represent(const Observation& observation);                       // h: [B, state]
  struct Step {
    torch::Tensor state;   // [B, state]
    torch::Tensor reward;  // logits [B, bins]
    torch::Tensor end;     // logit [B]; undefined where ends are not predicted
  };
  Step step(const torch::Tensor& state, const torch::Tensor& action);            // g; `action` as the environment has it
  const ValueSupport& support() const { return support_; }
  ViewingDecoder& viewer() { return viewer_; }
  bool sees_image() const { return !sees_vector_; }
  std::vector<torch::Tensor> learned() const;                                    // all but the viewer's

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("s"); }
  std::int64_t feature_count() const override { return options_.state; }
  std::vector<std::string> probe_names() const override { return {"latent/s"}; }
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

 private:
  MuzeroOptions options_;
  bool sees_vector_ = true;
  ActionInput input_;
  ValueSupport support_;
  ImageEncoder encoder_{nullptr};
  Mlp represent_{nullptr}, dynamics_{nullptr}, reward_{nullptr}, end_{nullptr};
  ViewingDecoder viewer_{nullptr};
};

}  // namespace dream
