#include "core/engine/diffusion_forcing/diffusion_forcing_recipe.h"

#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"
#include "core/nn/precision.h"

namespace dream {

void set_published(ForcingRunOptions& options) {
  if (options.size == ForcingSize::tiny) return;
  auto& world = options.world;
  world.frames = 10, world.horizon = 8;  // of Minecraft, two of them seen
  world.network = {};
  world.schedule = {};
  world.contrast = 1, world.known = 0;
  world.steps = 100;
  options.optimiser.learning_rate = 8e-5, options.optimiser.warm_up = 10000;
  options.train.updates = 200000, options.train.batch = 8;
}

void ForcingRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny: fits two cores; published: the constants of the published video models"});
  seed_field(config, seed);
  world.fields(config);
  optimiser_fields(config, "optimiser.", optimiser, "the model");
  collect.fields(config, "collect.");
  train.data_fields(config, "train.", "; empty: it collects its own, by random actions");
  config.add("train.bfloat16", train.bfloat16, {.help = "bf16 matrix products where the processor has them; weights stay float32"});
  config.resumable({"collect.episodes", "collect.lanes", "train.updates", "train.batch", "train.budget_gb", "train.bfloat16"});
}

std::unique_ptr<System> make_diffusion_forcing(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<ForcingParts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& published) { set_published(published); });

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "Diffusion Forcing";
  parts->model = std::make_shared<DiffusionForcing>(options.world, system->make_env()->spaces());
  parts->model->set_bfloat16(options.train.bfloat16 && bfloat16_is_fast(system->device));
  parts->model->to(system->device);
  system->model = parts->model;
  parts->learner = forcing_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_offline(*system, parts, options.train, "Learn: frames of any noise", &options.collect);
  return system;
}

}  // namespace dream
