#include "core/behaviours/random_policy.h"

#include <algorithm>
#include <cmath>

namespace dream {

const std::vector<float>& RandomPolicy::next() {
  if (held_) {
    if (hold_-- <= 0) {
      for (std::size_t axis = 0; axis < action_.size(); ++axis) {
        action_[axis] = space_.discrete() ? static_cast<float>(rng_.integers(space_.choices.size()))
                                          : static_cast<float>(rng_.uniform(space_.low[axis], space_.high[axis]));
      }
      hold_ = static_cast<int>(rng_.integers(static_cast<std::uint64_t>(longest_)));
    }
    return action_;
  }
  for (std::size_t axis = 0; axis < action_.size(); ++axis) {
    const auto moved = action_[axis] + static_cast<float>(std::sqrt(1.0 / 50) * rng_.normal());
    action_[axis] = std::clamp(moved, space_.low[axis], space_.high[axis]);
  }
  return action_;
}

}  // namespace dream
