#include "core/engine/genie/genie_recipe.h"

#include "core/engine/interleaved.h"
#include "core/engine/optimiser_fields.h"

namespace dream {

void GenieRecipeOptions::fields(Config& config) {
  config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = 2147483647});
  world.fields(config);
  collect.fields(config, "collect.");
  const auto stage = [&](const std::string& prefix, GenieStageOptions& options, const std::string& of) {
    config.add(prefix + "updates", options.updates, {.help = "Updates of " + of, .low = 1, .high = 1e9});
    config.add(prefix + "batch", options.batch, {.help = "Pieces of a batch", .low = 1, .high = 4096});
    optimiser_fields(config, prefix, options.optimiser, of);
  };
  stage("tokenizer.", tokenizer, "the tokenizer");
  stage("actions.", actions, "the latent actions");
  stage("dynamics.", dynamics, "the dynamics");
  config.add("train.datasets", train.datasets,
             {.help = "Dataset folders, separated by ':', whose pictures it learns from; empty: it collects its own. "
                      "The actions in them are never "
                      "shown to it"});
  config.add("train.budget_gb", train.budget_gb,
             {.help = "Memory that they may take", .unit = "GB", .low = 0.01, .high = 1e4, .title = "memory budget"});
  config.add("train.measure_every", train.measure_every,
             {.help = "Updates between two looks at unseen pieces", .low = 1, .high = 1e9});
  config.add("train.measured", train.measured, {.help = "Unseen pieces that are looked at", .low = 2, .high = 4096});
  config.add("train.bfloat16", train.bfloat16,
             {.help = "bf16 matrix products where the processor has them; weights stay float32"});
  config.resumable({"tokenizer.updates", "actions.updates", "dynamics.updates", "collect.episodes", "collect.lanes",
                    "train.budget_gb"});
}

std::unique_ptr<System> make_genie(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<GenieParts>();
  auto& options = parts->options;
  // What finds the square's controls on two cores. Patches of twice a step of its, not of four times: see docs/learning.md.
  options.world.tokenizer.width = 32, options.world.tokenizer.layers = 1;
  options.world.actions.width = 48, options.world.actions.layers = 1, options.world.actions.codes.codes = 6,
  options.world.actions.codes.width = 3, options.world.actions.patch = 8;
  options.world.dynamics.width = 64, options.world.dynamics.layers = 2, options.world.dynamics.heads = 2;
  options.tokenizer.updates = 1500, options.tokenizer.batch = 8, options.tokenizer.optimiser.learning_rate = 2e-3;
  options.actions.updates = 3000, options.actions.optimiser.learning_rate = 2e-3;
  options.dynamics.updates = 5000, options.dynamics.batch = 8;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, spec, 1);
  system->title = "Genie";
  parts->system = system.get();
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));  // the layers' first weights
  parts->model = std::make_shared<GenieModel>(options.world, system->make_env()->spaces());
  parts->model->to(system->device);
  parts->model->eval();
  system->model = parts->model;
  system->metrics = Metrics(genie_curves());
  system->parts = parts;
  system->memory_bytes = [p = parts.get()] { return p->bytes(); };
  system->budget_bytes = [p = parts.get()] { return p->options.train.budget_gb * 1e9; };
  if (options.train.datasets.empty()) system->phases.push_back(genie_collect_phase(parts));
  for (const auto& phase : {genie_tokenizer_phase(parts), genie_actions_phase(parts), genie_dynamics_phase(parts)})
    system->phases.push_back(phase);
  return system;
}

}  // namespace dream
