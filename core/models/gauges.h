#pragma once
#include "core/models/rollout.h"

namespace dream {

// A few numbers that say whether a dream is worth anything, cheap enough to be taken while a model trains. What cannot
// be told (nothing moved, no latent) is NaN.

/// What was missed over imagined steps, squared and a number's mean: float64 [K, B] on the CPU.
struct StepErrors {
  torch::Tensor dream;   // by the dream under the actions that were taken
  torch::Tensor still;   // by what was last seen, standing still
  torch::Tensor mean;    // by the mean of these pieces
  torch::Tensor others;  // by the dream under another lane's actions
  bool known() const { return dream.defined(); }
  StepErrors of(const std::vector<std::size_t>& lanes) const;
};

struct Gauged {
  StepErrors pictures, rewards,
      latents;  // unknown where a model predicts none; latents: what a behaviour sees of a state
  // Of every number or group of the latent [D], nats; undefined where a model has none.
  torch::Tensor kl;    // KL(q ‖ p): what a frame tells that was not predicted
  torch::Tensor told;  // KL(q ‖ q̄), q̄ the mean posterior of these pieces: what the latent tells of a frame at all
  torch::Tensor step_kl, step_told;  // the same summed over the latent, a frame's mean in every lane [B]
  /// What a model is best judged by: pictures, else rewards where they vary, else latents. These are its own words for
  /// things: a memory may hold an action without having learned anything from it.
  const StepErrors& errors() const;
  const char* what() const;  // "picture", "reward", "latent"
};

/// Watches the first `context` + 1 entries of a batch and imagines the others; its lanes hold no second episode. `seen`
/// and `dreamt` hear of the posterior of every entry and of every imagined step.
Gauged gauge(WorldModel& model, const SequenceBatch& batch, std::int64_t context, at::Generator rng,
             const AtStep& seen = {}, const AtStep& dreamt = {});

/// 1 − error / error of standing still: 1 is perfect, 0 a copy.
double skill_of(const StepErrors& errors);
/// 1 − error / error under other actions: 0 does not listen to them.
double reliance_of(const StepErrors& errors);
/// The imagined steps before one explains less than half of the variance.
double usable_horizon_of(const StepErrors& errors);
/// The share of the latent's numbers or groups that tell less than 0.01 nats of a frame.
double silent_share_of(const Gauged& gauged);

/// uint8 [..., H, W, C] -> float [..., C, H, W] in [0, 1].
torch::Tensor pictures_of(const torch::Tensor& images);

}  // namespace dream
