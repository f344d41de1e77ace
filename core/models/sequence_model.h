#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/data/sequence_batch.h"
#include "core/models/world_model.h"

namespace dream {

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
