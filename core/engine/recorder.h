#pragma once
#include <torch/types.h>

#include "core/data/episode.h"
#include "core/env/env.h"
#include "core/models/world_model.h"

namespace dream {

/// Builds an Episode step by step.
class Recorder {
 public:
  explicit Recorder(const Spaces& spaces) : spaces_(spaces) {}

  /// The first observation: image uint8 [H, W, C], vector float [V], whichever there is.
  void begin(std::uint64_t seed, const Observation& observation);
  /// The action that was taken, what it gave, and what was seen after it.
  void add(const torch::Tensor& action, const StepResult& result, const Observation& observation);
  /// What a model remembers, bf16 [S], now that it has seen the newest observation.
  void remember(const torch::Tensor& state);
  /// The episode under way, to be kept in a checkpoint and taken up again.
  const Episode& episode() const { return episode_; }
  void resume(Episode episode) { episode_ = std::move(episode); }
  std::int64_t steps() const { return static_cast<std::int64_t>(episode_.length()); }
  Episode take() { return std::move(episode_); }

 private:
  void append(const Observation& observation);
  Spaces spaces_;
  Episode episode_;
};

}  // namespace dream
