#pragma once
#include "core/config/config.h"
#include "core/data/sequence_batch.h"
#include "core/models/diffusion_forcing_network.h"
#include "core/models/diffusion_schedule.h"
#include "core/models/sequence_model.h"
#include "core/nn/action_input.h"

namespace dream {

struct DiffusionForcingOptions {
  std::int64_t frames = 8;   // T: of a window, those that are being made among them
  std::int64_t horizon = 3;  // H: frames that lose their noise together, in a pyramid or a full sequence
  /// For two cores; the published one has no patches, 64 channels, four levels that all attend, heads of 64 and a first kernel of 7.
  ForcingNetworkOptions network{.patch = 2, .width = 16, .levels = 3, .heads = 4, .each = 16, .attention_from = 2, .first_kernel = 3};
  /// The published schedule but for what the network tells, as noise on every pixel of a patch does not go through fewer channels,
  /// and frames do; and but for the weights, which are published as almost nothing where all is noise: there a frame has to be told from those before it.
  DiffusionScheduleOptions schedule{.tells = DenoiserTells::frame, .weights = NoiseWeights::even};
  /// Of pictures before noise comes to them, 1 as published: what is large and even in a picture is seen through almost all levels
  /// of noise, and only where it is not does a frame have to be told from those before it (Chen 2023, input scaling).
  double contrast = 0.25;
  std::int64_t steps = 4;            // of sampling a frame
  std::int64_t stabilisation = 15;   // levels of noise that frames which are there are taken to have
  double chance = 0;                 // η of DDIM
  double outcome = 0.1;              // weight of reward and end beside the noise
  /// Share of pieces that learn with a beginning of any length almost without noise, as dreams have it (the published planner's
  /// first token has little noise in half of its pieces; the video models' share is 0).
  double known = 0.5;

  void fields(Config& config);
};

/// Diffusion Forcing (Chen et al. 2024): every frame of a window has a level of noise of its own. The network learns to tell all
/// of them clean, whatever their levels; a dream then chooses them: frames that are there have almost none, and those to come lose
/// theirs one after the other, in a pyramid, or all together (the scheduling matrix). What is imagined counts as slightly noisy
/// when it is looked back at, so that errors do not pile up, and the window slides on as far as anybody likes.
///
/// Frames that are being made ahead belong to the action that is held: under another one they begin anew. Reward and end are read
/// from the lowest level of a frame (ours; the paper's guided plans are elsewhere).
///
/// Carry: the window, oldest first: "frames" [B, T, C, H, W] within ± contrast, their "levels" [B, T] of noise (−1: none), and "actions"
/// [B, T, A] that led to them, of which the first "filled" [B, 1] are there and the next ones are on their way; "chunk" [B, 3]: how
/// many of the horizon are done, its steps and its lag; "hidden" [B, D], what the network has to say of the newest frame. imagine() adds "denoising"
/// [B, rows, C, H, W], what it took the frame for at each row of the matrix.
class DiffusionForcing : public WorldModel {
 public:
  DiffusionForcing(const DiffusionForcingOptions& options, const Spaces& spaces);

  /// The pieces are within one episode each, T frames long.
  struct Loss {
    torch::Tensor total;  // with gradient
    Terms terms;          // "denoising", "plain", "reward", "done"
  };
  Loss loss(const SequenceBatch& batch, at::Generator rng);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  /// −log p of the frame, as if it had unit variance around what is expected before anything of it is seen; without the constant.
  torch::Tensor surprise(const Carry& seen) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("hidden"); }
  std::int64_t feature_count() const override { return network_->hidden_size(); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  const DiffusionSchedule& schedule() const { return schedule_; }
  ForcingNetwork& network() { return network_; }
  DiffusionForcingOptions& live_options() { return options_; }
  void set_bfloat16(bool on) { bfloat16_ = on; }  // of what learns

 private:
  struct Window {
    torch::Tensor frames, actions;  // as in the carry
    torch::Tensor levels, at;       // int64 [B, T]; int64 [B]: frames that are there
    torch::Tensor done;             // int64 [B]: of the horizon
  };
  struct Way {  // what the knobs say of a horizon
    std::int64_t steps, horizon;
    double lag, chance;
    torch::Tensor levels;  // of every step, int64 [steps + 1]
  };
  /// Pictures [B, C, H, W] in [0, 1] of frames, and back.
  torch::Tensor pictures_of(const torch::Tensor& frames) const { return (frames / options_.contrast + 1) / 2; }
  torch::Tensor frames_of(const torch::Tensor& bytes) const { return (bytes.to(torch::kFloat32) / 127.5 - 1) * options_.contrast; }
  torch::Tensor drawn_levels(std::int64_t lanes, std::int64_t frames, const torch::TensorOptions& like, at::Generator rng) const;
  static Window opened(const Carry& carry);
  void make_room(Window& window, const torch::Tensor& room) const;
  void begin_horizon(Window& window, const Carry& carry, const torch::Tensor& action, const Way& way, at::Generator rng);
  torch::Tensor take_rows(Window& window, ForcingNetworkImpl::Past& past, std::int64_t label, const Way& way, at::Generator rng);
  ForcingNetworkImpl::Past past_of(const Window& window, std::int64_t label);
  Carry closed(const Window& window, const Way& way, const torch::Tensor& hidden) const;

  DiffusionForcingOptions options_;
  GenieShape shape_;
  ActionInput action_input_;
  DiffusionSchedule schedule_;
  ForcingNetwork network_{nullptr};
  Mlp reward_{nullptr}, done_{nullptr};
  bool bfloat16_ = false;
};

}  // namespace dream
