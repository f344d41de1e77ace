#include "core/engine/genie/genie_stage.h"
#include "core/engine/genie2/genie2_recipe.h"

namespace dream {
namespace {

class AutoencoderStage : public GenieStage {
 public:
  explicit AutoencoderStage(const std::shared_ptr<Genie2Parts>& parts)
      : GenieStage("autoencoder", "Autoencoder: pictures as latents", parts, parts->own.autoencoder,
                   parts->latents->autoencoder()->parameters()),
        model_(*parts->latents) {}

 private:
  torch::Tensor learn(const torch::Tensor& pictures) override {
    const auto loss = model_.autoencoder()->loss(pictures, rng_);
    add_loss("pixels", loss.total);
    return loss.total;
  }
  void measure(const GenieParts::Pieces& unseen, at::Generator) override {
    auto& autoencoder = model_.autoencoder();
    const auto rebuilt = autoencoder->pictures(autoencoder->latents(unseen.pictures));
    add("psnr", decibels(rebuilt, unseen.pictures));
    show(unseen.pictures[0][-1], rebuilt[0][-1]);
  }
  Genie2Model& model_;
};

class DenoisingStage : public GenieDynamicsStage {
 public:
  explicit DenoisingStage(const std::shared_ptr<Genie2Parts>& parts)
      : GenieDynamicsStage("Dynamics: frames from noise, the frames before and the action", parts,
                           parts->latents->dynamics()->parameters()),
        model_(*parts->latents),
        piece_(parts->piece) {}

 private:
  std::int64_t piece() const override { return piece_; }
  torch::Tensor learn(const torch::Tensor& pictures) override {
    torch::Tensor latents, actions;
    {
      torch::NoGradGuard no_grad;
      latents = model_.autoencoder()->latents(pictures);
      // A piece is several of the action model's, each beginning with the last frame of the one before.
      std::vector<torch::Tensor> codes;
      const auto steps = model_.frames() - 1;
      for (std::int64_t from = 0; from + steps < pictures.size(1); from += steps)
        codes.push_back(latent_actions()->codes_of(pictures.slice(1, from, from + steps + 1)));
      actions = latent_actions()->values(torch::cat(codes, 1));
    }
    const auto loss = model_.dynamics()->loss(latents, actions, rng_);
    add_loss("denoising", loss);
    return loss;
  }
  Genie2Model& model_;
  std::int64_t piece_;
};

}  // namespace

std::vector<Metrics::Spec> genie2_curves() {
  std::vector<Metrics::Spec> curves = {{"autoencoder/pixels", "Autoencoder: error of pixels", "MSE", "update"},
                                       {"autoencoder/psnr", "Autoencoder: unseen pictures rebuilt", "dB", "update"}};
  const auto add = [&](const std::vector<Metrics::Spec>& more) {
    curves.insert(curves.end(), more.begin(), more.end());
  };
  add(genie_action_curves());
  add({{"dynamics/denoising", "Dynamics: error of what noise and frame are told apart by; 1 = nothing is known", "",
        "update"}});
  add(genie_dream_curves());
  return curves;
}

std::shared_ptr<Phase> genie2_autoencoder_phase(std::shared_ptr<Genie2Parts> parts) {
  return std::make_shared<AutoencoderStage>(parts);
}

std::shared_ptr<Phase> genie2_dynamics_phase(std::shared_ptr<Genie2Parts> parts) {
  return std::make_shared<DenoisingStage>(parts);
}

}  // namespace dream
