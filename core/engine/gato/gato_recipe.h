#pragma once
#include <memory>

#include "core/behaviours/gato.h"
#include "core/engine/offline.h"
#include "core/nn/optimiser.h"

namespace dream {

/// Gato (Reed et al. 2022, appendix D and E: AdamW with β2 = 0.95, weight decay 0.1, a linear warm-up, a cosine down to a
/// tenth) from given episodes of several worlds, small: 0.5 million weights in the place of 1.2 billion, and no block is left out
/// by chance (stochastic depth).
struct GatoRecipeOptions {
  std::int64_t seed = 0;
  GatoOptions behaviour;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam, .learning_rate = 1e-3, .eps = 1e-8, .weight_decay = 0.1, .beta2 = 0.95,
                             .clip_norm = 1, .adaptive_clip = 0, .warm_up = 500};
  OfflineOptions train{.updates = 20000, .batch = 64};

  void fields(Config& config);
};

/// What the phases of one run share.
struct GatoParts : InterleavedParts {
  GatoRecipeOptions options;
  std::shared_ptr<Gato> behaviour;
};

std::unique_ptr<System> make_gato(const RunSpec& spec);

}  // namespace dream
