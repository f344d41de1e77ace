#pragma once
#include <functional>
#include <memory>

#include "core/engine/phase.h"

namespace dream {

struct System;

/// What an evaluation asks its run for.
struct Evaluated {
  std::function<std::int64_t()> episodes;  // how many
  std::function<std::int64_t()> updates;   // that have been made: each number of them is evaluated once
};

/// "evaluate": a system's behaviour on unseen episodes, once everything is learned. An interrupted one begins anew; one
/// of a run without an update is refused, as it would be no score.
std::shared_ptr<Phase> evaluate_phase(System& system, Evaluated of);

}  // namespace dream
