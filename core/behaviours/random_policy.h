#pragma once
#include <vector>

#include "api/spaces.h"
#include "core/base/rng.h"

namespace dream {

/// A driver who knows nothing. Continuous axes follow a Brownian motion within their bounds,
/// a' = clip(a + √(1/50)·N(0, 1)) (ctallec/world-models, sample_continuous_policy), which holds a direction long enough
/// to go somewhere; discrete actions are drawn anew after 1 to `longest` steps, as are axes where they are `held` (doomrnn, extract.py).
class RandomPolicy {
 public:
  RandomPolicy(const ActionSpace& space, Rng rng, int longest = 10, bool held = false)
      : space_(space), rng_(rng), action_(space.size()), longest_(longest), held_(held || space.discrete()) {
    for (std::size_t axis = 0; axis < action_.size() && !space_.discrete(); ++axis) {
      action_[axis] = static_cast<float>(rng_.uniform(space_.low[axis], space_.high[axis]));
    }
  }

  /// The next action, spaces.action.size() values.
  const std::vector<float>& next();

 private:
  ActionSpace space_;
  Rng rng_;
  std::vector<float> action_;
  int longest_, hold_ = 0;
  bool held_;
};

}  // namespace dream
