#pragma once
#include <memory>

#include "core/behaviours/decision_transformer.h"
#include "core/engine/offline.h"
#include "core/nn/optimiser.h"

namespace dream {

/// The Decision Transformer (Chen et al. 2021) as kzl/decision-transformer trains it in gym, for episodes of any dataset.
struct DecisionOptions {
  std::int64_t seed = 0;
  DecisionTransformerOptions behaviour;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam, .learning_rate = 1e-4, .eps = 1e-8, .weight_decay = 1e-4,
                             .clip_norm = 0.25, .adaptive_clip = 0, .warm_up = 10000};
  OfflineOptions train{.updates = 100000};

  void fields(Config& config);
};

/// What the phases of one run share.
struct DecisionParts : InterleavedParts {
  DecisionOptions options;
  std::shared_ptr<DecisionTransformer> behaviour;
};

std::unique_ptr<System> make_decision_transformer(const RunSpec& spec);

}  // namespace dream
