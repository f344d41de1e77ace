#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/engine/learner.h"
#include "core/engine/system.h"
#include "core/nn/precision.h"

namespace dream {

/// Who collects. sync: the learner, when the train ratio asks for it. async: a thread of its own (DayDreamer).
enum class Actor { sync, async };
constexpr auto choice_names(Actor) {
  return names_of_choice("sync", "async");
}

/// The interleaved phase: collect, update, again.
struct InterleavedOptions {
  std::int64_t steps = 100000;  // of the environment, action repeats not counted
  std::int64_t batch = 16, length = 64;
  double train_ratio = 32;      // replayed steps per step of the environment
  std::int64_t lanes = 8;       // environments side by side
  std::int64_t prefill = 1100;  // steps with random actions before the first update
  double budget_gb = 4;         // of the replay
  GivenDatasets datasets;       // folders whose episodes are in the replay from the start; their steps count
  bool online_queue = true;     // what is new is replayed first, then uniformly
  bool replay_context = true;   // a piece begins with the state that the model kept beside the frame before it
  bool bfloat16 = true;
  bool gauges = true;
  Actor actor = Actor::sync;
  double elastic = 0, elastic_memory = 1000;  // see Elastic
  std::int64_t weights_every = 10;  // async: updates between two handovers of weights
  std::int64_t evaluate_episodes = 100;

  void fields(Config& config, const std::string& prefix);
};

/// What the phases of such a run share. A family derives from it and adds its own.
struct InterleavedParts {
  System* system = nullptr;
  std::int64_t seed = 0;
  const InterleavedOptions* train = nullptr;  // as they are now: some are live
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Feed> feed;
  std::int64_t updates = 0;
  std::function<std::shared_ptr<System>()>
      make_actor_system;  // another system of the same settings: for an actor of its own

  Rng rng(std::string_view name) const { return Rng(static_cast<std::uint64_t>(seed)).fork(name); }
};

/// "learn": collect as many steps as the train ratio asks for, then one update of the learner.
std::shared_ptr<Phase> interleaved_phase(std::shared_ptr<InterleavedParts> parts, std::string title);

/// The world `name` as a recipe sees it: each action held for `repeat` steps, pictures of `side` × `side` pixels.
std::unique_ptr<Env> world_as_seen(const std::string& name, std::int64_t repeat, int side);

/// For recipes, in this order. First what the spec says: names, the world as world_as_seen() gives it, the device; and what chance
/// begins with, that of the layers' first weights among it.
void begin_system(System& system, const RunSpec& spec, std::int64_t seed, std::int64_t repeat = 1, int side = 64);
/// The same, and what parts share.
void begin_interleaved(System& system, InterleavedParts& parts, const RunSpec& spec, std::int64_t seed, std::int64_t repeat = 1, int side = 64);
/// Then both go onto the device and into the system; in bf16 where that is `wished` and fast, as it says.
template <typename Model, typename Acting>
bool put_in(System& system, const std::shared_ptr<Model>& model, const std::shared_ptr<Acting>& behaviour, bool wished) {
  model->to(system.device), behaviour->to(system.device);
  const bool bfloat16 = wished && bfloat16_is_fast(system.device);
  model->set_bfloat16(bfloat16), behaviour->set_bfloat16(bfloat16);
  system.model = model, system.behaviour = behaviour;
  return bfloat16;
}
/// Last, once model, behaviour and learner are there: curves, phases, memory. `make` makes the same system again.
void complete_interleaved(System& system, const std::shared_ptr<InterleavedParts>& parts, const RunSpec& spec,
                          std::string title, std::function<std::unique_ptr<System>(const RunSpec&)> make);

}  // namespace dream
