#pragma once
#include "core/models/genie2_networks.h"
#include "core/models/latent_action_model.h"

namespace dream {

struct Genie2Options {
  std::int64_t frames = 8;  // that it looks back at, the new one among them
  FrameAutoencoderOptions autoencoder;
  LatentActionOptions actions;
  FrameDiffusionOptions dynamics;

  void fields(Config& config);
  /// Frames of the pieces that its dynamics learns from: as many as anything in it can look back at, block by block, so
  /// that a dream of any length sees no further than training did.
  std::int64_t piece() const { return dynamics.layers * (frames - 1) + 1; }
};

/// Genie 2's arrangement (Parker-Holder et al. 2024, a post without numbers): an autoencoder's latent frames, a causal
/// transformer that makes the next one by diffusion, frame by frame, and guidance so that actions count. Its controls
/// are found in videos as Genie's are.
///
/// Besides the window of pictures and actions its carry has the newest frame's "latent" [B, S, N] and what the last
/// frames are to the next one, "keys" and "values" [B, layers, S, heads, T, each], the newest last: a frame is computed
/// once, and costs only its own steps. imagine() adds "denoising" [B, steps, S, N], what it took the frame for after
/// each step, and with guidance "heard" [B, S], how much the action changed that.
class Genie2Model : public LatentActionModel {
 public:
  Genie2Model(const Genie2Options& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  /// What led here is inferred; `previous_action` is not looked at. What is seen is remembered clean.
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  /// −log p of the latent, as if it had unit variance around what is expected before anything of it is seen; without
  /// the constant.
  torch::Tensor surprise(const Carry& seen) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("latent").flatten(1); }
  std::int64_t feature_count() const override { return autoencoder_->places() * autoencoder_->numbers(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;

  FrameAutoencoder& autoencoder() { return autoencoder_; }
  FrameDiffusion& dynamics() { return dynamics_; }

 private:
  FrameDiffusionImpl::Cache cache(const Carry& carry) const { return {carry.at("keys"), carry.at("values")}; }
  /// The next carry, with a latent [B, S, N] that is remembered at `level` of noise, which `rng` draws.
  Carry remembered(const Carry& carry, const Window& window, const torch::Tensor& latent, const torch::Tensor& picture,
                   const torch::Tensor& code, double level, at::Generator rng);

  Genie2Options options_;
  FrameAutoencoder autoencoder_{nullptr};
  FrameDiffusion dynamics_{nullptr};
};

}  // namespace dream
