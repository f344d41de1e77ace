#include "core/behaviours/behaviour.h"

namespace dream {

std::int64_t Seen::lanes() const {
  if (!carry.empty()) return carry.begin()->second.size(0);
  for (const auto& part : {observation.image, observation.vector, last_reward}) {
    if (part.defined()) return part.size(0);
  }
  return 0;
}

}  // namespace dream
