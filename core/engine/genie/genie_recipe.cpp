#include "core/engine/genie/genie_recipe.h"

#include "core/engine/genie/genie_stages.h"
#include "core/engine/seed_field.h"

namespace dream {

void GenieRecipeOptions::fields(Config& config) {
  seed_field(config, seed);
  world.fields(config);
  collect.fields(config, "collect.");
  tokenizer.fields(config, "tokenizer.", "the tokenizer");
  actions.fields(config, "actions.", "the latent actions");
  dynamics.fields(config, "dynamics.", "the dynamics");
  train_fields(config);
  config.resumable({"tokenizer.updates", "actions.updates", "dynamics.updates", "collect.episodes", "collect.lanes",
                    "train.budget_gb"});
}

std::unique_ptr<System> make_genie(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<GenieTokenParts>();
  auto& options = parts->own;
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

  begin_genie(*system, spec, *parts);
  parts->tokens = std::make_shared<GenieModel>(options.world, system->make_env()->spaces());
  parts->model = parts->tokens, parts->piece = options.world.frames;
  complete_genie(*system, parts, "Genie", genie_curves(),
                 {genie_tokenizer_phase(parts), genie_actions_phase(parts), genie_dynamics_phase(parts)});
  return system;
}

}  // namespace dream
