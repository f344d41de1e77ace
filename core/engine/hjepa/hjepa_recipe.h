#pragma once
#include "core/behaviours/two_level_planner.h"
#include "core/engine/jepa/jepa_recipe.h"
#include "core/models/hjepa.h"

namespace dream {

/// Two levels of JEPA: jepa's below, whose options these are, and what strides over several steps above.
struct HjepaParts : JepaParts {
  SlowLevelOptions slow;
  PlannerOptions far;
  std::shared_ptr<Hjepa> levels;  // the model, by its own type
  std::shared_ptr<TwoLevelPlanner> two;
};

/// `parts` must have their model, and outlive it.
std::unique_ptr<Learner> hjepa_learner(HjepaParts& parts);

std::unique_ptr<System> make_hjepa(const RunSpec& spec);

}  // namespace dream
