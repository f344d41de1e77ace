#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/models/world_model.h"

namespace dream {

/// Pieces of experience, time-major. Entry t holds what was seen at t and how it came about: the action that led there
/// and the reward it brought. Where `first` is set, an episode begins and both mean nothing.
struct SequenceBatch {
  torch::Tensor image;       // uint8 [T, B, H, W, C]; undefined where there is none
  torch::Tensor vector;      // float [T, B, V]; undefined where there is none
  torch::Tensor action;      // float [T, B, A], the environment's own
  torch::Tensor reward;      // float [T, B]
  torch::Tensor terminated;  // float [T, B], 1 at the observation after which nothing follows
  torch::Tensor last;        // float [T, B], 1 at an episode's last observation, terminated or truncated
  torch::Tensor first;       // float [T, B]
  /// The state before the first step, [B, ...], as initial() names it; initial() itself where a lane's is all zeros,
  /// and where there is none.
  Carry before = {};
  /// Further columns of the episodes by their names, float [T, B, n]: one beside every frame as it was seen at t, one
  /// beside every action as it came with the action that led to t. Zeros where an episode has none.
  std::map<std::string, torch::Tensor> extra = {};

  std::int64_t steps() const { return reward.size(0); }
  std::int64_t lanes() const { return reward.size(1); }
  SequenceBatch to(const torch::Device& device) const;
};

/// Named scalars, without gradients, for curves: "image", "dynamics", "reward" …
using Terms = std::vector<std::pair<std::string, torch::Tensor>>;

struct SequenceLoss {
  torch::Tensor total;  // with gradient
  Terms terms;
  /// The posterior of these moments, detached [N, ...]: imagination starts there. They are numbered time-major, t · B +
  /// lane: int64 [N]; undefined: all of them. A model that remembers windows makes only those that are asked for.
  std::function<Carry(const torch::Tensor& moments)> starts_at;
  torch::Tensor features;  // float [T, B, F], with gradient
};

/// A world model that learns from whole sequences by one loss.
class SequenceModel : public WorldModel {
 public:
  virtual SequenceLoss loss(const SequenceBatch& batch, at::Generator rng) = 0;
  /// Probes of the last loss()'s batch: how latents were used. Names of their own, apart from report()'s.
  virtual std::vector<std::string> batch_probe_names() const { return {}; }
  virtual void report_batch(ProbeSink& sink) const { (void)sink; }
  /// What the last loss() showed to be wrong with the latents, in sentences; empty when nothing.
  virtual std::vector<std::string> latent_warnings() const { return {}; }
};

}  // namespace dream
