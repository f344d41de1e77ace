#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/engine/offline.h"
#include "core/models/diamond.h"
#include "core/nn/optimiser.h"

namespace dream {

/// tiny: 32 x 32 pixels, for two cores; small: 64 x 64; published: eloialonso/diamond's for Atari.
enum class DiamondSize { published, small, tiny };
constexpr auto choice_names(DiamondSize) {
  return names_of_choice("published", "small", "tiny");
}

/// DIAMOND (Alonso et al. 2024) as a recipe. Once set_size() has filled it, every constant is the paper's for its size; `info` of a run
/// lists what departs.
struct DiamondRunOptions {
  DiamondSize size = DiamondSize::tiny;
  std::int64_t seed = 0;
  std::int64_t side = 64;  // of the pictures that are seen and shown; it dreams in such of side / world.upsampler.factor
  DiamondOptions world;
  FrameActorCriticOptions behaviour;
  OptimiserOptions denoiser, reward_end, actor, upsampler;
  OfflineOptions upsample;          // updates, batch and data of the upsampler, which learns when all else has been learned
  std::int64_t own_frames = 1;      // frames of a piece that the denoiser makes after its own and not after those that were seen
  std::int64_t length = 19;         // frames of a piece that the reward and end model learns from
  std::int64_t imagined = 32;       // lanes of imagination
  std::int64_t actor_after = 5000;  // updates of the world model before the actor-critic learns
  double recent = 0.7;              // share of pieces that are drawn from the newest quarter of the replay
  InterleavedOptions train;

  void fields(Config& config);
};

/// The constants of a size.
void set_size(DiamondRunOptions& options);

/// What the phases of one run share.
struct DiamondParts : InterleavedParts {
  DiamondRunOptions options;
  std::shared_ptr<Diamond> model;
  std::shared_ptr<FrameActorCritic> actor_critic;
  bool bfloat16 = false;
  std::shared_ptr<InterleavedParts> upsampling;  // of the phase "upsample"; null where nothing is made large
};

/// `parts` must have its model and its behaviour, and outlive it.
std::unique_ptr<Learner> diamond_learner(DiamondParts& parts);
/// Of the upsampler alone; likewise.
std::unique_ptr<Learner> diamond_upsampler_learner(DiamondParts& parts);

std::unique_ptr<System> make_diamond(const RunSpec& spec);

}  // namespace dream
