#pragma once
#include "api/spaces.h"
#include "core/models/latent_report.h"
#include "core/models/rssm_options.h"
#include "core/models/sequence_model.h"
#include "core/nn/action_input.h"
#include "core/nn/image_coder.h"
#include "core/nn/rssm_cell.h"
#include "core/nn/two_hot.h"

namespace dream {

/// The recurrent state-space model of PlaNet (Hafner et al. 2019) and Dreamer V1, V2, V3 (2020, 2021, 2023): a
/// deterministic path h_t = f(h_{t-1}, z_{t-1}, a_{t-1}) and a stochastic latent z_t, whose prior p(z_t | h_t) is the
/// dream and whose posterior q(z_t | h_t, x_t) has seen the frame.
/// Carry: "h" [B, D], "z" [B, Z] (one-hots or a Gaussian's draw), "started" [B, 1]; after a step also "prior" and,
/// after observe(), "posterior": log-probabilities [B, Z], or means and deviations [B, 2Z].
class Rssm : public SequenceModel {
 public:
  /// Throws dream::Error when the options do not fit together or the spaces lack what they observe.
  Rssm(const RssmOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor reward_to_target(const torch::Tensor& reward) const override;
  torch::Tensor reward_from_target(const torch::Tensor& target) const override;
  torch::Tensor surprise(const Carry& seen) override;  // KL(q ‖ p), summed over groups
  Belief belief(const Carry& carry) override;
  Carry with_latent(const Carry& memory, const Carry& latent) override;  // h of the one, z of the other
  std::vector<Knob> knobs() const override;
  torch::Tensor features(const Carry& carry) override { return torch::cat({carry.at("z"), carry.at("h")}, -1); }
  std::int64_t feature_count() const override { return latent_size_ + options_.deter; }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  /// Taken instead of draws and of the usual beginning, where defined.
  struct Given {
    torch::Tensor draws;  // [T, B, Z]: one-hots, or a Gaussian's standard normal noise
    torch::Tensor h, z;   // [B, ...]: the state before the first step
    torch::Tensor open;   // [D, T, B, Z]: draws of latent overshooting, by distance
  };
  SequenceLoss loss(const SequenceBatch& batch, at::Generator rng) override;
  SequenceLoss loss(const SequenceBatch& batch, at::Generator rng, const Given& given);
  std::vector<std::string> batch_probe_names() const override;
  void report_batch(ProbeSink& sink) const override;
  std::vector<std::string> latent_warnings() const override;

  /// The filter over a sequence.
  struct Filtered {
    torch::Tensor h, z;              // [T, B, D], [T, B, Z]
    torch::Tensor posterior, prior;  // [T, B, ...], as in the carry
  };
  Filtered filter(const torch::Tensor& embedded, const SequenceBatch& batch, at::Generator rng, const Given& given);
  /// Latent overshooting (Hafner et al. 2019, eq. 7), up to the distance of the options.
  torch::Tensor overshoot(const Filtered& filtered, const SequenceBatch& batch, at::Generator rng, const Given& given);
  /// Pictures and vectors as the encoder wants them -> [N, E].
  torch::Tensor encode(const Observation& observation, at::Generator rng);
  /// KL(posterior ‖ prior), per group [..., G].
  torch::Tensor kl(const torch::Tensor& posterior, const torch::Tensor& prior) const;
  torch::Tensor prior_of(const torch::Tensor& h);

  const RssmOptions& options() const { return options_; }
  RssmOptions& live_options() { return options_; }
  /// Losses and batches of 64 and more; `plans`: of 128 and more without gradients, as whole plans are, whatever it learns in.
  void set_bfloat16(bool on, bool plans = false) { bfloat16_ = on, plans_bfloat16_ = plans; }
  bool categorical() const { return options_.latent == Latent::categorical; }

 private:
  struct State {
    torch::Tensor h, z;
  };
  Knob temperature() const;
  /// What a categorical latent shows.
  LatentReport latent_report() const { return {options_.groups, options_.classes, options_.unimix}; }
  State first_state(std::int64_t batch);
  torch::Tensor statistics(const torch::Tensor& raw) const;
  torch::Tensor latent_of(const torch::Tensor& statistics, const torch::Tensor& drawn) const;
  torch::Tensor draw(const torch::Tensor& statistics, at::Generator rng, double spread = 1) const;
  torch::Tensor mode(const torch::Tensor& statistics) const;
  torch::Tensor picture_target(const torch::Tensor& image, at::Generator rng) const;
  torch::Tensor frame_of(const torch::Tensor& decoded) const;
  torch::Tensor number_of(const torch::Tensor& raw) const;
  torch::Tensor number_loss(const torch::Tensor& raw, const torch::Tensor& target) const;
  torch::Tensor free(const torch::Tensor& kl) const;
  torch::Tensor batch_kl() const;   // [G]
  bool in_bfloat16(const torch::Tensor& batch) const {
    return (bfloat16_ && batch.size(0) >= 64) ||
           (plans_bfloat16_ && batch.size(0) >= 128 && !torch::GradMode::is_enabled());
  }

  RssmOptions options_;
  Spaces spaces_;
  ActionInput action_input_;
  std::int64_t latent_size_;
  bool bfloat16_ = false, plans_bfloat16_ = false, sees_image_, sees_vector_;
  TwoHot two_hot_;
  torch::Tensor learned_h_;
  ImageEncoder image_encoder_{nullptr};
  Mlp vector_encoder_{nullptr};
  RssmCell cell_{nullptr};
  Mlp prior_{nullptr}, posterior_{nullptr};
  ImageDecoder image_decoder_{nullptr};
  Mlp vector_decoder_{nullptr}, reward_{nullptr}, continue_{nullptr}, cost_{nullptr};
  struct {
    torch::Tensor posterior, prior;
  } last_;  // of the last loss()'s batch, [T, B, ...]
};

}  // namespace dream
