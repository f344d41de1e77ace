#include "core/engine/muzero/muzero.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {

void MuzeroRunOptions::fields(Config& config) {
  seed_field(config, seed);
  world.fields(config, "world.");
  search.fields(config, "search.");
  config.add("learn.unroll", unroll, {.help = "Steps that the model is unrolled for, K", .unit = "steps", .low = 1, .high = 100});
  config.add("learn.td_steps", td_steps, {.help = "Rewards of a value's target before another value, n", .unit = "steps", .low = 1, .high = 1000});
  config.add("learn.value_weight", value_weight, {.help = "Weight of the value's loss", .low = 0, .high = 10, .live = true});
  config.add("learn.fresh_values", fresh_values,
             {.help = "What a value's target ends in is what a slow copy of the network says now, not what a search found when "
                      "the step was lived", .live = true});
  config.add("learn.reanalyse", reanalyse,
             {.help = "Share of a batch whose policy targets come from a search made anew, by a slow copy; value targets too, where they "
                      "are not fresh", .low = 0, .high = 1, .live = true});
  config.add("learn.target_every", target_every, {.help = "Updates between two copies of it", .low = 1, .high = 1e6, .live = true});
  config.add("learn.cool", cool,
             {.help = "The temperature of choices while collecting halves after half and after three quarters of the steps", .live = true});
  config.add("learn.consistency", consistency,
             {.help = "Weight of EfficientZero's consistency of imagined and seen states (2 there); 0 = none", .low = 0, .high = 100});
  config.add("learn.priority", priority,
             {.help = "Frames whose value was off by p are drawn as p^α; 0: all are as likely", .low = 0, .high = 2, .title = "priority α"});
  config.add("learn.correction", correction,
             {.help = "and count by (1/N·P)^β", .low = 0, .high = 1, .title = "correction β"});
  optimiser_fields(config, "optimiser.", optimiser, "everything");
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.actor", "train.evaluate_episodes"});
}

std::unique_ptr<System> make_muzero(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<MuzeroParts>();
  auto& options = parts->options;
  // What CartPole was learned with: see docs/learning.md.
  options.search.search.simulations = 25;
  options.optimiser = {.kind = OptimiserKind::adam,
                       .learning_rate = 3e-3,
                       .eps = 1e-8,
                       .weight_decay = 1e-4,
                       .clip_norm = 10,
                       .adaptive_clip = 0,
                       .warm_up = 0};
  auto& train = options.train;
  train.steps = 10000, train.batch = 128, train.train_ratio = 128, train.lanes = 8, train.prefill = 500;
  train.online_queue = train.replay_context = train.gauges = train.bfloat16 = false;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "MuZero";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  const auto make = [&](std::shared_ptr<MuzeroModel>& model, std::shared_ptr<TreePolicy>& policy) {
    model = std::make_shared<MuzeroModel>(options.world, spaces);
    policy = std::make_shared<TreePolicy>(model->feature_count(), spaces.action, options.search);
    model->to(system->device);
    policy->to(system->device);
  };
  make(parts->model, parts->policy);
  make(parts->slow_model, parts->slow_policy);
  system->model = parts->model;
  system->behaviour = parts->policy;
  parts->learner = muzero_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_interleaved(*system, parts, spec, "Learn: search, unroll, reanalyse", make_muzero);
  return system;
}

}  // namespace dream
