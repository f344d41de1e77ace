#include "core/engine/dreamer/dreamer.h"

namespace dream {
namespace {

void optimiser_fields(Config& config, const std::string& prefix, OptimiserOptions& o, const std::string& whose) {
  config.add(prefix + "kind", o.kind, {.help = "Optimiser of " + whose});
  config.add(prefix + "learning_rate", o.learning_rate,
             {.help = "Step size of " + whose, .low = 1e-8, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "eps", o.eps, {.help = "ε of the optimiser", .low = 0, .high = 1});
  config.add(prefix + "weight_decay", o.weight_decay,
             {.help = "Decoupled weight decay", .low = 0, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "clip_norm", o.clip_norm,
             {.help = "Gradients are cut to this norm together; 0 = never", .low = 0, .high = 1e6, .live = true});
  config.add(prefix + "adaptive_clip", o.adaptive_clip,
             {.help = "Each tensor's gradient is cut to this share of its weight's norm (AGC); 0 = never",
              .low = 0,
              .high = 100,
              .logarithmic = true,
              .live = true});
  config.add(prefix + "warm_up", o.warm_up, {.help = "Updates over which the step size rises", .low = 0, .high = 1e6});
}

}  // namespace

void DreamerOptions::fields(Config& config, const std::string& recipe) {
  if (recipe == "dreamer-v3") {
    config.add("size", size,
               {.help = "Published size: 1m to 400m (2024), xs to xl (2023)",
                .choices = {"smallest", "1m", "12m", "25m", "50m", "100m", "200m", "400m", "xs", "s", "m", "l", "xl"}});
    config.add("constants", constants,
               {.help = "2024: as published in Nature; 2023: the first version, which the PyTorch ports follow",
                .choices = {"2024", "2023"}});
  }
  config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = 2147483647});
  config.add("env.repeat", repeat,
             {.help = "Every action is repeated so many times and the rewards are added",
              .unit = "steps",
              .low = 1,
              .high = 64});
  world.fields(config, "world.");
  if (recipe == "planet") {
    planner.fields(config, "planner.");
  } else {
    behaviour.fields(config, "behaviour.");
  }
  optimiser_fields(config, "world_optimiser.", world_optimiser, "the world model");
  if (recipe != "planet") {
    optimiser_fields(config, "actor_optimiser.", actor_optimiser, "the actor");
    optimiser_fields(config, "critic_optimiser.", critic_optimiser, "the critic");
  }
  config.add("train.steps", train.steps,
             {.help = "Steps of the environment in all", .unit = "steps", .low = 1, .high = 1e9, .live = true});
  config.add("train.batch", train.batch, {.help = "Sequences of a batch", .low = 1, .high = 4096});
  config.add("train.length", train.length, {.help = "Steps of a sequence", .unit = "steps", .low = 2, .high = 4096});
  config.add(
      "train.train_ratio", train.train_ratio,
      {.help = "Replayed steps per step of the environment", .low = 0, .high = 1e5, .logarithmic = true, .live = true});
  config.add("train.lanes", train.lanes,
             {.help = "Environments that are stepped side by side", .low = 1, .high = 4096});
  config.add("train.prefill", train.prefill,
             {.help = "Steps with random actions before the first update", .unit = "steps", .low = 0, .high = 1e8});
  config.add("train.budget_gb", train.budget_gb,
             {.help = "Memory that the replay may take; the oldest episodes go first",
              .unit = "GB",
              .low = 0.01,
              .high = 1e4});
  config.add("train.datasets", train.datasets,
             {.help = "Dataset folders, separated by ':', that are in the replay from the start; their steps count as "
                      "steps of the environment, so with train.steps no larger nothing is collected"});
  config.add("train.online_queue", train.online_queue,
             {.help = "Batches hold what is new first, each frame once, and old pieces for the rest"});
  config.add(
      "train.replay_context", train.replay_context,
      {.help = "A replayed piece begins with the state that was kept beside the frame before it, of the actor or of "
               "the last replay, and not as an episode does. Kept with the run: 1.3 kB per step at size 1m"});
  config.add("train.bfloat16", train.bfloat16,
             {.help = "bf16 matrix products in large batches, where the processor has them; weights stay float32"});
  config.add("train.actor", train.actor,
             {.help = "sync: collect when the train ratio asks for it, reproducible; async: actor and learner are "
                      "threads of their own and never wait for each other (DayDreamer)",
              .choices = {"sync", "async"}});
  config.add(
      "train.weights_every", train.weights_every,
      {.help = "Updates between two handovers of weights to an async actor", .low = 1, .high = 1e6, .live = true});
  config.add("train.evaluate_episodes", train.evaluate_episodes,
             {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
  config.resumable({"world_optimiser.warm_up", "train.batch", "train.length", "train.budget_gb", "train.datasets",
                    "train.online_queue", "train.prefill", "train.bfloat16", "train.actor", "train.evaluate_episodes"});
  if (recipe != "planet") config.resumable({"actor_optimiser.warm_up", "critic_optimiser.warm_up"});
}

}  // namespace dream
