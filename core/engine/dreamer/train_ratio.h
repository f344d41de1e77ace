#pragma once
#include <algorithm>
#include <cstdint>

namespace dream {

/// How many updates the steps of the environment are owed: `ratio` replayed frames per step. A changed ratio counts
/// from the step at which it changed: what was owed until then stays paid.
struct TrainRatio {
  double ratio = -1;      // not set yet
  std::int64_t paid = 0;  // updates, and steps after the prefill, when it was set last
  double paid_steps = 0;

  void set(double wanted, std::int64_t updates, double steps) {
    if (wanted == ratio) return;
    if (ratio >= 0) paid = updates, paid_steps = std::max(0.0, steps);
    ratio = wanted;
  }
  /// Whether another update of `frames` frames is due after so many updates and steps.
  bool due(std::int64_t updates, double steps, double frames) const {
    return ratio > 0 && static_cast<double>(updates - paid) * frames <= (steps - paid_steps) * ratio;
  }
  /// Updates in all that `steps` are owed.
  double owed(double steps, double frames) const {
    return static_cast<double>(paid) + std::max(0.0, (steps - paid_steps) * ratio / frames);
  }
};

}  // namespace dream
