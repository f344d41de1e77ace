#pragma once
#include <torch/types.h>

#include "core/data/episode.h"
#include "core/env/env.h"
#include "core/models/world_model.h"

namespace dream {

/// Builds an Episode step by step. In a world with costs it has a column `cost_column`, one number beside every action.
class Recorder {
 public:
  explicit Recorder(const Spaces& spaces, int lane = -1) : spaces_(spaces), lane_(lane) {}

  /// The first observation: image uint8 [H, W, C], vector float [V], whichever there is.
  void begin(std::uint64_t seed, const Observation& observation);
  /// The action that was taken, what it gave, and what was seen after it. `record`: what the behaviour left beside it
  /// (see Decision), float rows by the names of their columns.
  void add(const torch::Tensor& action, const StepResult& result, const Observation& observation,
           const Carry& record = {});
  /// What a model remembers, bf16 [S], now that it has seen the newest observation.
  void remember(const torch::Tensor& state);
  /// The episode under way, to be kept in a checkpoint and taken up again.
  const Episode& episode() const { return episode_; }
  void resume(Episode episode);
  /// What has come since the last call, of this episode: whole rows of every array.
  Episode news();
  std::int64_t steps() const { return static_cast<std::int64_t>(episode_.length()); }
  /// As it was after so many steps; nothing of it may have been told (news).
  void cut(std::int64_t steps) { episode_.cut(static_cast<std::size_t>(steps)); }
  /// The episode as it ends here: one that would have gone on is truncated.
  Episode take();

 private:
  void append(const Observation& observation);
  Episode empty() const;
  Spaces spaces_;
  int lane_;
  Episode episode_;
  struct Told {  // numbers of each array that news() has given
    std::size_t frames = 0, vectors = 0, actions = 0, steps = 0, states = 0;
    std::map<std::string, std::size_t> extra;
  } told_;
};

}  // namespace dream
