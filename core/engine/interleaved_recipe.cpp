#include "api/error.h"
#include "core/engine/evaluate.h"
#include "core/engine/gauge_watch.h"
#include "core/engine/interleaved.h"
#include "core/engine/population.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"
#include "core/env/resized.h"
#include "core/nn/device.h"

namespace dream {

void InterleavedOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "steps", steps,
             {.help = "Steps of the environment in all", .unit = "steps", .low = 1, .high = 1e9, .live = true});
  config.add(prefix + "batch", batch, {.help = "Sequences of a batch", .low = 1, .high = 4096});
  config.add(prefix + "length", length, {.help = "Steps of a sequence", .unit = "steps", .low = 2, .high = 4096});
  config.add(
      prefix + "train_ratio", train_ratio,
      {.help = "Replayed steps per step of the environment", .low = 0, .high = 1e5, .logarithmic = true, .live = true});
  config.add(prefix + "lanes", lanes, {.help = "Environments that are stepped side by side", .low = 1, .high = 4096});
  config.add(prefix + "prefill", prefill,
             {.help = "Steps with random actions before the first update", .unit = "steps", .low = 0, .high = 1e8});
  config.add(prefix + "budget_gb", budget_gb,
             {.help = "Memory that the replay may take; the oldest episodes go first",
              .unit = "GB",
              .low = 0.01,
              .high = 1e4,
              .title = "memory budget"});
  datasets.fields(config, prefix,
                  "Dataset folders, separated by ':', that are in the replay from the start; their steps count as steps of the "
                  "environment, so with train.steps no larger nothing is collected");
  config.add(prefix + "online_queue", online_queue,
             {.help = "Batches hold what is new first, each frame once, and old pieces for the rest"});
  config.add(
      prefix + "replay_context", replay_context,
      {.help = "A replayed piece begins with the state that was kept beside the frame before it, of the actor or of "
               "the last replay, and not as an episode does. Kept with the run: 1.3 kB per step at size 1m"});
  config.add(prefix + "bfloat16", bfloat16,
             {.help = "bf16 matrix products in large batches, where the processor has them; weights stay float32"});
  config.add(prefix + "gauges", gauges,
             {.help = "Measure skill, reliance on actions, silent latents and usable horizon on unseen pieces as it trains, "
                      "in at most 3 % of the time"});
  config.add(prefix + "elastic", elastic,
             {.help = "Elastic updates: after each, the weights go this share of the way back to weights that remember; 0 = they "
                      "learn on freely",
              .low = 0,
              .high = 1,
              .live = true,
              .title = "elastic pull"});
  config.add(prefix + "elastic_memory", elastic_memory,
             {.help = "Updates over which the weights that remember follow", .low = 1, .high = 1e9, .logarithmic = true, .live = true});
  config.add(prefix + "actor", actor,
             {.help = "sync: collect when the train ratio asks for it, reproducible; async: actor and learner are "
                      "threads of their own and never wait for each other (DayDreamer)"});
  config.add(
      prefix + "weights_every", weights_every,
      {.help = "Updates between two handovers of weights to an async actor", .low = 1, .high = 1e6, .live = true});
  config.add(prefix + "evaluate_episodes", evaluate_episodes,
             {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
}

std::unique_ptr<Env> world_as_seen(const std::string& name, std::int64_t repeat, int side) {
  auto env = make_env(name);
  if (repeat > 1) env = std::make_unique<RepeatedEnv>(std::move(env), static_cast<int>(repeat));
  const auto& seen = env->spaces();
  if (seen.image_bytes() == 0 || (seen.image_height == side && seen.image_width == side)) return env;
  // CarRacing's lower 12 rows are the instrument bar, which world models leave away.
  return std::make_unique<ResizedEnv>(std::move(env), name.starts_with("CarRacing") ? 84 : 0, side, side);
}

void begin_system(System& system, const RunSpec& spec, std::int64_t seed, std::int64_t repeat, int side) {
  system.recipe = spec.recipe;
  system.environment = spec.environment;
  system.directory = spec.directory;
  system.device = device_from(spec.device);
  system.make_env = [name = spec.environment, repeat, side] { return world_as_seen(name, repeat, side); };
  torch::manual_seed(static_cast<std::uint64_t>(seed));
}

void begin_interleaved(System& system, InterleavedParts& parts, const RunSpec& spec, std::int64_t seed, std::int64_t repeat, int side) {
  begin_system(system, spec, seed, repeat, side);
  parts.system = &system;
  parts.seed = seed;
}

void complete_interleaved(System& system, const std::shared_ptr<InterleavedParts>& parts, const RunSpec& spec,
                          std::string title, std::function<std::unique_ptr<System>(const RunSpec&)> make) {
  if (parts->train->replay_context && !parts->learner->recalls())
    throw Error("train.replay_context = true keeps what the model remembered beside every frame, and " + system.title + " does not begin its pieces with it; set it to false");
  parts->feed = std::make_unique<Feed>(system, parts->rng("replay"));
  parts->make_actor_system = [spec, make = std::move(make), &system] {
    RunSpec same = spec;
    same.toml = system.config.to_toml();
    same.settings.clear();
    return std::shared_ptr<System>(make(same));
  };
  std::vector<Metrics::Spec> curves = {{"learn/return", "Return of collected episodes", "reward", "step"},
                                       {"learn/episode_length", "Length of collected episodes", "steps", "step"}};
  const auto spaces = system.make_env()->spaces();
  if (spaces.costs) curves.push_back(cost_curve("learn/cost", "Cost of collected episodes", "step", spaces));
  for (auto& curve : parts->learner->curves()) curves.push_back(std::move(curve));
  for (auto& curve : GaugeWatch::curves("update")) curves.push_back(std::move(curve));
  curves.push_back({"evaluate/reward", "Return of unseen episodes", "reward", "episode"});
  if (spaces.costs) curves.push_back(cost_curve("evaluate/cost", "Cost of unseen episodes", "episode", spaces));
  system.metrics = Metrics(std::move(curves));
  system.parts = parts;
  system.memory_bytes = [p = parts.get()] { return static_cast<double>(p->feed->replay().bytes()); };
  system.budget_bytes = [p = parts.get()] { return p->train->budget_gb * 1e9; };
  system.phases = {interleaved_phase(parts, std::move(title)),
                   evaluate_phase(system, {[p = parts.get()] { return p->train->evaluate_episodes; },
                                           [p = parts.get()] { return p->updates; }})};
}

}  // namespace dream
