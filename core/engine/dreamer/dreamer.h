#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/behaviours/own_or_planned.h"
#include "core/behaviours/safe_actor_critic.h"
#include "core/engine/interleaved.h"
#include "core/models/rssm_options.h"
#include "core/models/sequence_model.h"
#include "core/nn/optimiser.h"

namespace dream {

/// The published sizes of Dreamer V3: 1m to 400m of 2024, xs to xl of 2023; the smallest of the version that is asked for.
enum class Size { smallest, s_1m, s_12m, s_25m, s_50m, s_100m, s_200m, s_400m, xs, s, m, l, xl };
constexpr auto choice_names(Size) {
  return names_of_choice("smallest", "1m", "12m", "25m", "50m", "100m", "200m", "400m", "xs", "s", "m", "l", "xl");
}

/// Which Dreamer V3: as published in Nature, or the first version, which the PyTorch ports follow.
enum class Constants { nature_2024, first_2023 };
constexpr auto choice_names(Constants) {
  return names_of_choice("2024", "2023");
}

/// A published benchmark, with the settings that Dreamer V3 has in it (danijar/dreamerv3, configs.yaml): how much is collected
/// and learned, what is seen, and the size. The worlds are docs/worlds.md's; see published_world().
enum class Benchmark { none, atari100k, crafter, dmc_proprio, dmc_vision };
constexpr auto choice_names(Benchmark) {
  return names_of_choice("none", "atari100k", "crafter", "dmc_proprio", "dmc_vision");
}

/// SafeDreamer as published for pictures, or one for small worlds of a few numbers that two cores train.
enum class SafeSize { tiny, published };
constexpr auto choice_names(SafeSize) {
  return names_of_choice("tiny", "published");
}

/// Who acts when a SafeDreamer is judged and played: its policy (BSRP-Lag), or a plan below the cost limit among what the
/// policy proposes (OSRP-Lag).
enum class SafeDriver { policy, osrp };
constexpr auto choice_names(SafeDriver) {
  return names_of_choice("policy", "osrp");
}

struct DreamerOptions {
  Size size = Size::smallest;                    // of V3
  Constants constants = Constants::nature_2024;  // of V3
  Benchmark benchmark = Benchmark::none;         // of V3
  SafeSize safe_size = SafeSize::tiny;           // of SafeDreamer
  std::int64_t seed = 0, repeat = 1;
  RssmOptions world;
  ActorCriticOptions behaviour;
  LagrangianOptions lagrangian;  // SafeDreamer's
  PlannerOptions planner;        // PlaNet's, SafeDreamer's
  SafeDriver drives = SafeDriver::policy;
  OptimiserOptions world_optimiser, actor_optimiser, critic_optimiser, cost_critic_optimiser;
  InterleavedOptions train;

  void fields(Config& config, const std::string& recipe);
};

/// The constants of a paper: "planet", "dreamer-v1", "dreamer-v2" (Atari's where actions are discrete, the control
/// suite's otherwise), "dreamer-v3" (with `size`, `constants` and `benchmark`) or "safe-dreamer" (with `safe_size`).
void set_published(DreamerOptions& options, const std::string& recipe, bool discrete);
/// A world of a benchmark, under the conditions that it is published with: "gym:ALE/Pong-v5" has its frames skipped and no action
/// repeated by chance, "dmc:walker-walk" shows its picture. A name that has options of its own stays as it is.
std::string published_world(Benchmark benchmark, const std::string& name);

/// What the phases of one run share.
struct DreamerParts : InterleavedParts {
  DreamerOptions options;
  std::shared_ptr<SequenceModel> model;
  std::shared_ptr<ActorCritic> actor_critic;  // null for PlaNet
  std::shared_ptr<SafeActorCritic> safe;      // the same of SafeDreamer; null for all others
  std::shared_ptr<Planner> planner;           // PlaNet's
  std::shared_ptr<OwnOrPlanned> driver;       // SafeDreamer's
};

/// `parts` must have their model and behaviour, and outlive it.
std::unique_ptr<Learner> dreamer_learner(DreamerParts& parts);

std::unique_ptr<System> make_planet(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v1(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v2(const RunSpec& spec);
std::unique_ptr<System> make_dreamer_v3(const RunSpec& spec);
std::unique_ptr<System> make_safe_dreamer(const RunSpec& spec);

}  // namespace dream
