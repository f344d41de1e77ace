#pragma once
#include <torch/types.h>

#include "core/data/episode.h"
#include "core/env/env.h"

namespace dream {

/// Builds an Episode step by step.
class Recorder {
 public:
  explicit Recorder(const Spaces& spaces) : spaces_(spaces) {}

  void begin(std::uint64_t seed, const torch::Tensor& image);
  /// The action that was taken, what it gave, and the picture after it (uint8 [H, W, C]).
  void add(const torch::Tensor& action, const StepResult& result, const torch::Tensor& image);
  std::int64_t steps() const { return static_cast<std::int64_t>(episode_.length()); }
  Episode take() { return std::move(episode_); }

 private:
  void append(const torch::Tensor& image);
  Spaces spaces_;
  Episode episode_;
};

}  // namespace dream
