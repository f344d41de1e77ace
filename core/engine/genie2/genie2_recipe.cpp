#include "core/engine/genie2/genie2_recipe.h"

#include "core/engine/genie/genie_stage.h"
#include "core/engine/seed_field.h"

namespace dream {

void Genie2RecipeOptions::fields(Config& config) {
  seed_field(config, seed);
  world.fields(config);
  collect.fields(config, "collect.");
  autoencoder.fields(config, "autoencoder.", "the autoencoder");
  actions.fields(config, "actions.", "the latent actions");
  dynamics.fields(config, "dynamics.", "the dynamics");
  train_fields(config);
  config.resumable({"autoencoder.updates", "actions.updates", "dynamics.updates", "collect.episodes", "collect.lanes",
                    "train.budget_gb"});
}

std::unique_ptr<System> make_genie2(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<Genie2Parts>();
  auto& options = parts->own;
  // What finds the square's controls on two cores, as Genie does; the dynamics is of the size of its.
  options.world.autoencoder.width = 32;
  options.world.actions.width = 48, options.world.actions.layers = 1, options.world.actions.codes.codes = 6,
  options.world.actions.codes.width = 3, options.world.actions.patch = 8;
  options.autoencoder.updates = 1000, options.autoencoder.batch = 4, options.autoencoder.optimiser.learning_rate = 2e-3;
  options.actions.updates = 1000, options.actions.optimiser.learning_rate = 2e-3;
  options.dynamics.updates = 4000, options.dynamics.batch = 4, options.dynamics.optimiser.learning_rate = 2e-3;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_genie(*system, spec, *parts);
  parts->latents = std::make_shared<Genie2Model>(options.world, system->make_env()->spaces());
  parts->model = parts->latents, parts->piece = options.world.piece();
  complete_genie(*system, parts, "Genie 2", genie2_curves(),
                 {genie2_autoencoder_phase(parts), genie_actions_phase(parts), genie2_dynamics_phase(parts)});
  return system;
}

}  // namespace dream
