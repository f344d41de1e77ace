#pragma once
#include <algorithm>
#include <cstdint>

namespace dream {

/// How many updates go with the steps of the environment: `ratio` replayed frames per step. A changed ratio counts from
/// the step that the updates had come to; what came before stands as it was made. Where steps are given, that is long before the newest.
struct TrainRatio {
  double ratio = -1;                // not set yet
  std::int64_t updates_before = 0;  // that had been made when it was set last
  double steps_before = 0;          // after the prefill, likewise

  /// After so many updates of `frames` frames and so many steps.
  void set(double wanted, std::int64_t updates, double steps, double frames) {
    if (wanted == ratio) return;
    if (ratio > 0) steps = std::min(steps, steps_before + static_cast<double>(updates - updates_before) * frames / ratio);
    if (ratio >= 0) updates_before = updates, steps_before = std::max(0.0, steps);
    ratio = wanted;
  }
  /// Whether another update of `frames` frames is due after so many updates and steps.
  bool due(std::int64_t updates, double steps, double frames) const {
    return ratio > 0 && static_cast<double>(updates - updates_before) * frames <= (steps - steps_before) * ratio;
  }
  /// Updates in all that go with `steps`.
  double updates_for(double steps, double frames) const {
    return static_cast<double>(updates_before) + std::max(0.0, (steps - steps_before) * ratio / frames);
  }
};

}  // namespace dream
