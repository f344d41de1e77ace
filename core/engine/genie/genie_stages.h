#pragma once
#include "core/engine/genie/genie_recipe.h"
#include "core/engine/genie/genie_stage.h"

namespace dream {

/// What the phases of one run of Genie share.
struct GenieTokenParts : GenieParts {
  GenieTokenParts() : GenieParts(own, own.world.actions) {}
  GenieRecipeOptions own;
  std::shared_ptr<GenieModel> tokens;
};

std::shared_ptr<Phase> genie_tokenizer_phase(std::shared_ptr<GenieTokenParts> parts);
std::shared_ptr<Phase> genie_dynamics_phase(std::shared_ptr<GenieTokenParts> parts);
std::vector<Metrics::Spec> genie_curves();

}  // namespace dream
