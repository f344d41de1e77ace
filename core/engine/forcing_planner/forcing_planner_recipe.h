#pragma once
#include <memory>

#include "core/base/choice.h"
#include "core/behaviours/forcing_planner.h"
#include "core/engine/offline.h"
#include "core/engine/walks.h"
#include "core/nn/optimiser.h"

namespace dream {

/// tiny: for two cores. published: the constants of buoyancy99/diffusion-forcing for maze2d-umaze.
enum class PlannerSize { tiny, published };
constexpr auto choice_names(PlannerSize) {
  return names_of_choice("tiny", "published");
}

/// The planner of Diffusion Forcing (Chen et al. 2024): it learns from episodes, given ones or those of the world's own expert.
struct PlannerRunOptions {
  PlannerSize size = PlannerSize::tiny;
  std::int64_t seed = 0;
  ForcingPlannerOptions planner;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam, .learning_rate = 5e-4, .eps = 1e-8, .weight_decay = 1e-4, .adaptive_clip = 0,
                             .warm_up = 10000};
  WalkOptions collect{.episodes = 1000, .max_steps = 300, .hold = 10, .lanes = 8, .expert = true, .noise = 0.3};
  OfflineOptions train{.updates = 200000, .batch = 1024};

  void fields(Config& config);
};

/// The constants of a size.
void set_size(PlannerRunOptions& options);

/// What the phases of one run share.
struct PlannerParts : InterleavedParts {
  PlannerRunOptions options;
  std::shared_ptr<ForcingPlanner> behaviour;
};

/// `parts` must have their behaviour, and outlive it.
std::unique_ptr<Learner> planner_learner(PlannerParts& parts);

/// Where the world's vector has its x and y in its picture, found by standing there; nothing where nobody can stand.
std::optional<ForcingPlanner::Places> places_in(Env& env);

std::unique_ptr<System> make_forcing_planner(const RunSpec& spec);

}  // namespace dream
