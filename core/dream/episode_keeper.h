#pragma once
#include <functional>
#include <vector>

#include "core/engine/recorder.h"

namespace dream {

/// What is lived through in a player's real world, as episodes. Who goes back in time and on from there has lived the line
/// that was gone on with; what was left is not kept.
class EpisodeKeeper {
 public:
  using Sink = std::function<void(Episode)>;  // gets every episode of a step or more, once it has ended

  EpisodeKeeper(const Spaces& spaces, Sink sink) : recorder_(spaces), sink_(std::move(sink)) {}
  ~EpisodeKeeper() { end(); }
  EpisodeKeeper(const EpisodeKeeper&) = delete;
  EpisodeKeeper& operator=(const EpisodeKeeper&) = delete;

  /// A dream begins where the real world stands now: image uint8 [1, H, W, C] and vector float [1, V], whichever there is.
  void begin(std::uint64_t seed, const Observation& observation);
  /// The real world has made a step, with step `step` of the dream; its own observation as above, the action [1, A].
  void add(std::int64_t step, const torch::Tensor& action, const StepResult& result, const Observation& observation);
  /// The dream is at its step `step` again, on the line that is kept; `other` where it is on another one.
  void back_to(std::int64_t step, bool other);
  /// What is under way ends here.
  void end();
  std::int64_t steps() const { return static_cast<std::int64_t>(lived_.size()); }  // of the episode under way

 private:
  Recorder recorder_;
  Sink sink_;
  std::vector<std::int64_t> lived_;  // the dream's step that each of its steps came with
  bool begun_ = false;
};

}  // namespace dream
