#pragma once
#include <memory>

#include "core/engine/system.h"

namespace dream {

/// Who acts in the laboratory: the run's behaviour as it is judged, with a memory per lane, or chance. A value: a copy
/// remembers the same and goes its own way.
class Driver {
 public:
  /// Uniformly random actions where `by` is null.
  Driver(std::shared_ptr<Behaviour> by, ActionSpace space, std::int64_t lanes);
  bool remembers() const { return !memory_.empty(); }
  /// [L, A]. Once per step, as memories move on.
  torch::Tensor drive(const Seen& seen, at::Generator rng);
  /// Every lane `count` times, as repeated() does it with carries.
  Driver copies(std::int64_t count) const;

 private:
  std::shared_ptr<Behaviour> by_;
  ActionSpace space_;
  std::int64_t lanes_;
  Carry memory_;
};

/// The behaviour that can drive this system's dreams and the real world alike; null where there is none, or where the
/// model brings actions of its own.
std::shared_ptr<Behaviour> driving_behaviour(const System& system, const Spaces& spaces);

}  // namespace dream
