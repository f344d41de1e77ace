#pragma once
#include <functional>

#include "api/spaces.h"
#include "core/models/latent_report.h"
#include "core/models/sequence_model.h"
#include "core/models/tssm_options.h"
#include "core/nn/action_input.h"
#include "core/nn/batch_norm_coder.h"
#include "core/nn/image_coder.h"
#include "core/nn/memory_transformer.h"
#include "core/nn/two_hot.h"

namespace dream {

/// The transformer state-space model of TransDreamer (Chen et al. 2022) and STORM (Zhang et al. 2023): the posterior q(z_t | x_t) sees
/// the single frame, so that all of a sequence is learned at once, and the prior p(z_t | h_t) knows the past by attention, h_t =
/// f(z_<t, a_<t). Token t is what was seen at t - 1 and done there. Beside or in the place of pictures it may see vectors (no paper's).
///
/// Carry: "z" [B, Z] (one-hots), "h" [B, H], zeros before anything was done; "tokens" [B, W, D], of which "count" [B, 1] are there;
/// what the layers remember of each, "memory0" … [B, W, 3 · heads · each]; "started" [B, 1]. After a step also "prior" and, after
/// observe(), "posterior": log-probabilities [B, Z]. Where the window is full, the last `keep` tokens begin a new one, so that a position
/// beyond those it has learned with never comes; they are looked at anew then.
class Tssm : public SequenceModel {
 public:
  /// Throws dream::Error for a world without what it is to see, for pictures of other than 64 x 64 pixels and options that do not fit together.
  Tssm(const TssmOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor reward_to_target(const torch::Tensor& reward) const override;
  torch::Tensor reward_from_target(const torch::Tensor& target) const override;
  torch::Tensor surprise(const Carry& seen) override { return latent_.surprise(seen); }
  Belief belief(const Carry& carry) override { return latent_.belief(carry); }
  Carry with_latent(const Carry& memory, const Carry& latent) override;  // all that is remembered of the one, z of the other
  std::vector<Knob> knobs() const override;
  torch::Tensor features(const Carry& carry) override { return torch::cat({carry.at("z"), carry.at("h")}, -1); }
  std::int64_t feature_count() const override { return latent_size() + transformer_->out(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  SequenceLoss loss(const SequenceBatch& batch, at::Generator rng) override { return loss(batch, rng, {}); }
  /// `draws` [T, B, Z], one-hots, are taken for z where defined, and nothing is dropped then.
  SequenceLoss loss(const SequenceBatch& batch, at::Generator rng, const torch::Tensor& draws);
  std::vector<std::string> batch_probe_names() const override { return LatentReport::batch_probe_names(); }
  void report_batch(ProbeSink& sink) const override { latent_.report_batch(last_.posterior, last_.prior, sink); }
  std::vector<std::string> latent_warnings() const override { return latent_.warnings(last_.posterior, last_.prior); }

  /// The state after a batch of short pieces has been seen, of windows of `window` tokens, at least as many as there are steps.
  Carry having_seen(const SequenceBatch& batch, std::int64_t window, at::Generator rng);

  // The parts, in the papers' order; shapes of rows [N, ...].
  torch::Tensor posterior_of(const Observation& seen);                                 // of N -> log-probabilities [N, Z]
  torch::Tensor token_of(const torch::Tensor& z, const torch::Tensor& action);         // -> [..., D]; actions as networks see them
  torch::Tensor prior_of(const torch::Tensor& h);                                      // [..., H] -> log-probabilities [..., Z]
  torch::Tensor decode(const torch::Tensor& z, const torch::Tensor& h);                // -> [N, C, 64, 64], around 0 (TransDreamer) or 0.5
  torch::Tensor decode_vector(const torch::Tensor& z, const torch::Tensor& h);         // -> [N, V], squashed by symlog
  torch::Tensor rewards(const torch::Tensor& z, const torch::Tensor& h);               // -> bins [N, 255] (STORM), or a mean [N, 1]
  torch::Tensor ends(const torch::Tensor& z, const torch::Tensor& h);                  // -> logit of the end [N]
  /// The transformer over a piece: z [T, B, Z], actions that led to each moment [T, B, A], `first` [T, B].
  struct Remembered {
    torch::Tensor h;      // [T, B, H], zeros where nothing is remembered
    torch::Tensor known;  // [T, B]: 1 where something is
    torch::Tensor begin;  // int64 [T, B]: the moment from which on a moment remembers, of its own episode
    torch::Tensor tokens;              // [B, T - 1, D]
    MemoryTransformerImpl::Rows rows;  // of each layer [B, T - 1, ...]
  };
  Remembered remember(const torch::Tensor& z, const torch::Tensor& action, const torch::Tensor& first, std::optional<at::Generator> chance);

  MemoryTransformer& transformer() { return transformer_; }
  const ActionInput& action_input() const { return action_input_; }
  const TssmOptions& options() const { return options_; }
  TssmOptions& live_options() { return options_; }
  std::int64_t latent_size() const { return options_.groups * options_.classes; }
  /// Losses and batches of 64 and more; single frames by weights in bf16.
  void set_bfloat16(bool on);

 private:
  bool sees_image() const { return options_.observe != Sees::vector; }
  bool sees_vector() const { return options_.observe != Sees::image; }
  /// Of the picture and of the vector, [N].
  void add_reconstructions(const Observation& seen, const torch::Tensor& z, const torch::Tensor& h, const torch::Tensor& known,
                           const std::function<void(const char* name, const torch::Tensor& term, double scale)>& add);
  bool storm() const { return options_.kind == TssmKind::storm; }
  bool in_bfloat16(const torch::Tensor& batch) const { return bfloat16_ && batch.size(0) >= 64; }
  torch::Tensor draw(const torch::Tensor& log_probabilities, at::Generator rng) const;
  MemoryTransformerImpl::Rows memory_of(const Carry& carry) const;
  /// One token on, [B, A]: all of the next carry but z.
  Carry moved(const Carry& carry, const torch::Tensor& action);
  void make_room(Carry& carry);
  /// The state at moments [N], numbered t · B + lane, of a piece; tokens are taken from it into windows of `window`.
  Carry state_at(const Remembered& piece, const torch::Tensor& z, const torch::Tensor& moments, std::int64_t window) const;
  torch::Tensor frame_of(const torch::Tensor& decoded) const { return (storm() ? decoded : decoded + 0.5).clamp(0, 1); }

  TssmOptions options_;
  std::int64_t channels_;
  bool paints_;  // pictures: as it sees them, or for people
  ActionInput action_input_;
  LatentReport latent_;
  TwoHot two_hot_;
  BatchNormEncoder bn_encoder_{nullptr};
  BatchNormDecoder bn_decoder_{nullptr};
  ImageEncoder encoder_{nullptr};
  ImageDecoder decoder_{nullptr};
  Mlp vector_encoder_{nullptr}, vector_decoder_{nullptr};
  Mlp posterior_{nullptr}, prior_{nullptr}, reward_{nullptr}, end_{nullptr};
  Dense token_{nullptr}, token_again_{nullptr};
  MemoryTransformer transformer_{nullptr};
  RowMlp prior_rows_, reward_rows_, end_rows_;
  RowDecoder decoder_rows_;
  bool bfloat16_ = false;
  struct {
    torch::Tensor posterior, prior;
  } last_;  // of the last loss()'s batch, where something was remembered, [N, Z]
};

}  // namespace dream
