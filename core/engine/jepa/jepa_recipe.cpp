#include "core/engine/jepa/jepa_recipe.h"

#include "core/behaviours/wanderer.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"
#include "core/nn/precision.h"

namespace dream {

void JepaRunOptions::fields(Config& config) {
  seed_field(config, seed);
  world.fields(config, "world.");
  planner.fields(config, "planner.");
  optimiser_fields(config, "optimiser.", optimiser, "the model");
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.bfloat16", "train.gauges",
                    "train.actor", "train.evaluate_episodes"});
}

std::unique_ptr<System> make_jepa(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<JepaParts>();
  auto& options = parts->options;
  auto& train = options.train;
  train.steps = 90000, train.batch = 32, train.length = 9, train.train_ratio = 48, train.lanes = 8, train.prefill = 4000;
  train.evaluate_episodes = 20;  // every step of them is planned
  train.online_queue = train.replay_context = train.gauges = false;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "JEPA";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<Jepa>(options.world, spaces);
  parts->model->set_bfloat16(train.bfloat16 && bfloat16_is_fast(system->device));
  parts->planner = std::make_shared<Planner>(spaces.action, options.planner);
  const auto behaviour = std::make_shared<Wanderer>(spaces.action, parts->planner);
  parts->model->to(system->device), behaviour->to(system->device);
  system->model = parts->model;
  system->behaviour = behaviour;
  parts->learner = jepa_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_interleaved(*system, parts, spec, "Learn: wander, predict", make_jepa);
  return system;
}

}  // namespace dream
