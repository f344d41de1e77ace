#include "core/engine/dreamer/dreamer.h"

namespace dream {
namespace {

void optimiser_fields(Config& config, const std::string& prefix, OptimiserOptions& o, const std::string& whose) {
  config.add(prefix + "kind", o.kind, {.help = "Optimiser of " + whose});
  config.add(prefix + "learning_rate", o.learning_rate,
             {.help = "Step size of " + whose, .low = 1e-8, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "eps", o.eps, {.help = "ε of the optimiser",
              .low = 1e-30,
              .high = 1,
              .logarithmic = true,
              .title = "ε of the optimiser"});
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
               {.help = "Published size: 1m to 400m (2024), xs to xl (2023)"});
    config.add("constants", constants,
               {.help = "2024: as published in Nature; 2023: the first version, which the PyTorch ports follow"});
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
  train.fields(config, "train.");
  config.resumable({"world_optimiser.warm_up", "train.batch", "train.length", "train.budget_gb", "train.datasets",
                    "train.online_queue", "train.prefill", "train.bfloat16", "train.gauges", "train.actor",
                    "train.evaluate_episodes"});
  if (recipe != "planet") config.resumable({"actor_optimiser.warm_up", "critic_optimiser.warm_up"});
}

}  // namespace dream
