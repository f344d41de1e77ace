#pragma once
#include "core/engine/genie/genie_parts.h"
#include "core/models/genie2.h"

namespace dream {

/// Genie 2's arrangement in small, as far as its post tells it: an autoencoder makes latents of frames, a causal
/// transformer tells the next one by diffusion, and guidance makes actions count. What the post leaves open is
/// published elsewhere: the controls are found as Genie finds them, noise is as in Diffusion Forcing.
struct Genie2RecipeOptions : GenieFamilyOptions {
  Genie2Options world;
  GenieStageOptions autoencoder;

  void fields(Config& config);
};

/// What the phases of one run share.
struct Genie2Parts : GenieParts {
  Genie2Parts() : GenieParts(own, own.world.actions) {}
  Genie2RecipeOptions own;
  std::shared_ptr<Genie2Model> latents;
};

std::shared_ptr<Phase> genie2_autoencoder_phase(std::shared_ptr<Genie2Parts> parts);
std::shared_ptr<Phase> genie2_dynamics_phase(std::shared_ptr<Genie2Parts> parts);
std::vector<Metrics::Spec> genie2_curves();

std::unique_ptr<System> make_genie2(const RunSpec& spec);

}  // namespace dream
