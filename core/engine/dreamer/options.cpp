#include "core/engine/dreamer/dreamer.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {
void DreamerOptions::fields(Config& config, const std::string& recipe) {
  if (recipe == "dreamer-v3") {
    config.add("size", size,
               {.help = "Published size: 1m to 400m (2024), xs to xl (2023)"});
    config.add("constants", constants,
               {.help = "2024: as published in Nature; 2023: the first version, which the PyTorch ports follow"});
    config.add("benchmark", benchmark,
               {.help = "Steps, lanes, train ratio, what is seen and the size as published for it, whatever else is set stands; "
                        "size=1m or 12m where two cores are to train it"});
  }
  const bool safe = recipe == "safe-dreamer";
  if (safe)
    config.add("size", safe_size, {.help = "published: the paper's, for pictures; tiny for small worlds of a few numbers"});
  seed_field(config, seed);
  config.add("env.repeat", repeat,
             {.help = "Every action is repeated so many times and the rewards are added",
              .unit = "steps",
              .low = 1,
              .high = 64});
  world.fields(config, "world.");
  if (recipe == "planet" || safe) planner.fields(config, "planner.");
  if (recipe != "planet") behaviour.fields(config, "behaviour.");
  if (safe) {
    lagrangian.fields(config, "behaviour.");
    config.add("behaviour.drives", drives,
               {.help = "Who acts when it is judged and played: the policy, or a plan below the cost limit among what the policy "
                        "proposes (planner.*); the policy alone collects",
                .live = true});
  }
  optimiser_fields(config, "world_optimiser.", world_optimiser, "the world model");
  if (recipe != "planet") {
    optimiser_fields(config, "actor_optimiser.", actor_optimiser, "the actor");
    optimiser_fields(config, "critic_optimiser.", critic_optimiser, "the critic");
  }
  if (safe) optimiser_fields(config, "cost_critic_optimiser.", cost_critic_optimiser, "the critic of costs");
  train.fields(config, "train.");
  config.resumable({"world_optimiser.warm_up", "train.batch", "train.length", "train.budget_gb", "train.datasets",
                    "train.online_queue", "train.prefill", "train.bfloat16", "train.gauges", "train.actor",
                    "train.evaluate_episodes"});
  if (recipe != "planet") config.resumable({"actor_optimiser.warm_up", "critic_optimiser.warm_up"});
  if (safe) config.resumable({"cost_critic_optimiser.warm_up"});
}

}  // namespace dream
