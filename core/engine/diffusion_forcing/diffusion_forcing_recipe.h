#pragma once
#include <memory>

#include "core/base/choice.h"
#include "core/engine/offline.h"
#include "core/engine/walks.h"
#include "core/models/diffusion_forcing.h"
#include "core/nn/optimiser.h"

namespace dream {

/// tiny: for two cores. published: the constants of the video models of buoyancy99/diffusion-forcing, as for Minecraft.
enum class ForcingSize { tiny, published };
constexpr auto choice_names(ForcingSize) {
  return names_of_choice("tiny", "published");
}

/// Diffusion Forcing (Chen et al. 2024) as a world model: it learns from episodes, given ones or its own of random actions; people
/// drive.
struct ForcingRunOptions {
  ForcingSize size = ForcingSize::tiny;
  std::int64_t seed = 0;
  DiffusionForcingOptions world;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam, .learning_rate = 1e-3, .eps = 1e-8, .weight_decay = 2e-3, .beta2 = 0.99,
                             .clip_norm = 1, .adaptive_clip = 0, .warm_up = 200};
  WalkOptions collect{.episodes = 200, .max_steps = 100, .hold = 4, .lanes = 8};
  OfflineOptions train{.updates = 6000, .batch = 8};

  void fields(Config& config);
};

/// The constants of a size.
void set_published(ForcingRunOptions& options);

/// What the phases of one run share.
struct ForcingParts : InterleavedParts {
  ForcingRunOptions options;
  std::shared_ptr<DiffusionForcing> model;
};

/// `parts` must have their model, and outlive it.
std::unique_ptr<Learner> forcing_learner(ForcingParts& parts);

std::unique_ptr<System> make_diffusion_forcing(const RunSpec& spec);

}  // namespace dream
