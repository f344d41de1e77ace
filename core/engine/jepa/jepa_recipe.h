#pragma once
#include <memory>

#include "core/behaviours/planner.h"
#include "core/engine/interleaved.h"
#include "core/models/jepa.h"
#include "core/nn/optimiser.h"

namespace dream {

/// A joint-embedding predictive model of a world with goals, for two cores: eb_jepa's losses and weights on a smaller encoder,
/// data that it walks itself, and plans towards a goal's picture.
struct JepaRunOptions {
  std::int64_t seed = 0;
  JepaOptions world;
  PlannerOptions planner{.candidates = 96, .iterations = 3, .elites = 10, .horizon = 50, .exploration_noise = 0, .warm_start = true,
                         .method = PlanMethod::icem, .first_deviation = 0.6, .momentum = 0.1, .noise_exponent = 2};
  OptimiserOptions optimiser{.kind = OptimiserKind::adam, .learning_rate = 1e-3, .eps = 1e-8, .weight_decay = 1e-5, .clip_norm = 2,
                             .adaptive_clip = 0, .warm_up = 500};
  InterleavedOptions train;

  void fields(Config& config);
};

/// What the phases of one run share.
struct JepaParts : InterleavedParts {
  JepaRunOptions options;
  std::shared_ptr<Jepa> model;
  std::shared_ptr<Planner> planner;
};

/// `parts` must have their model, and outlive it.
std::unique_ptr<Learner> jepa_learner(JepaParts& parts);

std::unique_ptr<System> make_jepa(const RunSpec& spec);

}  // namespace dream
