#pragma once
#include "core/engine/genie/genie_parts.h"
#include "core/models/genie.h"

namespace dream {

/// Genie in small: hundreds of thousands of parameters for 10.7 billion. As the paper's, the tokenizer comes first;
/// latent actions and dynamics follow one after the other, where the paper has them at once: neither learns from the
/// other there either.
struct GenieRecipeOptions : GenieFamilyOptions {
  GenieOptions world;
  GenieStageOptions tokenizer;

  void fields(Config& config);
};

std::unique_ptr<System> make_genie(const RunSpec& spec);

}  // namespace dream
