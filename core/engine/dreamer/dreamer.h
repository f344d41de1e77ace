#pragma once
#include <memory>
#include <string>

#include "core/behaviours/actor_critic.h"
#include "core/behaviours/planner.h"
#include "core/engine/interleaved.h"
#include "core/models/rssm_options.h"
#include "core/models/sequence_model.h"
#include "core/nn/optimiser.h"

namespace dream {

struct DreamerOptions {
  std::string size = "smallest";   // of V3
  std::string constants = "2024";  // of V3: 2024 | 2023
  std::int64_t seed = 0, repeat = 1;
  RssmOptions world;
  ActorCriticOptions behaviour;
  PlannerOptions planner;
  OptimiserOptions world_optimiser, actor_optimiser, critic_optimiser;
  InterleavedOptions train;

  void fields(Config& config, const std::string& recipe);
};

/// The constants of a paper: "planet", "dreamer-v1", "dreamer-v2" (Atari's where actions are discrete, the control
/// suite's otherwise) or "dreamer-v3" (with `size` and `constants`).
void set_published(DreamerOptions& options, const std::string& recipe, bool discrete);

/// What the phases of one run share.
struct DreamerParts : InterleavedParts {
  DreamerOptions options;
  std::shared_ptr<SequenceModel> model;
  std::shared_ptr<ActorCritic> actor_critic;  // null for PlaNet
  std::shared_ptr<Planner> planner;           // PlaNet's
};

/// `parts` must have their model and behaviour, and outlive it.
std::unique_ptr<Learner> dreamer_learner(DreamerParts& parts);

std::unique_ptr<System> make_planet(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v1(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v2(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v3(const RunSpec& spec);

}  // namespace dream
