#pragma once
#include <memory>
#include <string>

#include "core/base/rng.h"
#include "core/behaviours/actor_critic.h"
#include "core/behaviours/planner.h"
#include "core/data/dataset_sources.h"
#include "core/engine/system.h"
#include "core/models/rssm_options.h"
#include "core/models/sequence_model.h"
#include "core/nn/optimiser.h"

namespace dream {

/// The interleaved phase of the Dreamer family: collect, train the model, train the behaviour, again.
struct DreamerTrainOptions {
  std::int64_t steps = 100000;  // of the environment, action repeats not counted
  std::int64_t batch = 16, length = 64;
  double train_ratio = 32;      // replayed steps per step of the environment
  std::int64_t lanes = 8;       // environments side by side
  std::int64_t prefill = 1100;  // steps with random actions before the first update
  double budget_gb = 4;         // of the replay
  std::string datasets;         // folders whose episodes are in the replay from the start; their steps count
  bool online_queue = true;     // what is new is replayed first, then uniformly
  bool replay_context = true;   // a piece begins with the state that the model kept beside the frame before it
  bool bfloat16 = true;
  std::string actor =
      "sync";  // sync: an update when the train ratio asks for it | async: a thread of its own (DayDreamer)
  std::int64_t weights_every = 10;  // async: updates between two handovers of weights
  std::int64_t evaluate_episodes = 100;
};

struct DreamerOptions {
  std::string size = "smallest";   // of V3
  std::string constants = "2024";  // of V3: 2024 | 2023
  std::int64_t seed = 0, repeat = 1;
  RssmOptions world;
  ActorCriticOptions behaviour;
  PlannerOptions planner;
  OptimiserOptions world_optimiser, actor_optimiser, critic_optimiser;
  DreamerTrainOptions train;

  void fields(Config& config, const std::string& recipe);
};

/// The constants of a paper: "planet", "dreamer-v1", "dreamer-v2" (Atari's where actions are discrete, the control
/// suite's otherwise) or "dreamer-v3" (with `size` and `constants`).
void set_published(DreamerOptions& options, const std::string& recipe, bool discrete);

/// What the phases of one run share.
struct DreamerParts {
  System* system = nullptr;
  std::string recipe;
  DreamerOptions options;
  std::shared_ptr<SequenceModel> model;
  std::shared_ptr<ActorCritic> actor_critic;  // null for PlaNet
  std::shared_ptr<Planner> planner;           // PlaNet's
  Replay replay{0};
  std::int64_t updates = 0;
  std::function<std::shared_ptr<System>()> twin;  // another system of the same settings: for an actor of its own

  Rng rng(std::string_view name) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(name); }
};

std::shared_ptr<Phase> learn_phase(std::shared_ptr<DreamerParts> parts);
std::shared_ptr<Phase> dreamer_evaluate_phase(std::shared_ptr<DreamerParts> parts);

std::unique_ptr<System> make_planet(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v1(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v2(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v3(const RunSpec& spec);

}  // namespace dream
