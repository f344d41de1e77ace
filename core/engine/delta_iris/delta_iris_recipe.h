#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/engine/interleaved.h"
#include "core/models/delta_iris.h"
#include "core/nn/optimiser.h"

namespace dream {

/// published: vmicheli/delta-iris's for Atari, of pictures of 64 x 64; tiny: of 32 x 32, for two cores.
enum class DeltaIrisSize { published, tiny };
constexpr auto choice_names(DeltaIrisSize) {
  return names_of_choice("published", "tiny");
}

/// Δ-IRIS (Micheli et al. 2024) as a recipe: tokenizer, world model and actor-critic, each from its own moment on and then a step of each at
/// every update, the world model at three of five, which theirs does by epochs of 200, 120 and 200. What departs: pieces are drawn
/// evenly, and not the more often the more seldom their episode was (priority_alpha); the tokenizer learns from pairs of frames from
/// anywhere, and not from pieces of 21; what comes after an episode's last frame is not learned from, and that frame is (theirs has
/// none, and learns to tell a black one); missing frames of a short past are passed over, and not seen as black ones; all training is
/// interleaved with collecting, where theirs goes on for 109 epochs after it; actions may also be numbers.
struct DeltaIrisRunOptions {
  DeltaIrisSize size = DeltaIrisSize::tiny;
  std::int64_t seed = 0;
  std::int64_t side = 64;  // of the pictures
  DeltaIrisOptions world;
  FrameActorCriticOptions behaviour;
  OptimiserOptions tokens, transformer, actor;
  std::int64_t pairs = 320;        // frames with the next, of a batch of the tokenizer: 16 pieces of 20 of them
  std::int64_t imagined = 64;      // lanes of imagination
  double world_share = 0.6;        // of updates in which the world model learns
  std::int64_t world_after = 9000, actor_after = 14000;  // updates: epochs 50 and 75, of which the first 5 collect alone
  InterleavedOptions train;

  void fields(Config& config);
};

/// The constants of a size.
void set_size(DeltaIrisRunOptions& options);

/// What the phases of one run share.
struct DeltaIrisParts : InterleavedParts {
  DeltaIrisRunOptions options;
  std::shared_ptr<DeltaIris> model;
  std::shared_ptr<FrameActorCritic> actor_critic;
};

/// `parts` must have its model and its behaviour, and outlive it.
std::unique_ptr<Learner> delta_iris_learner(DeltaIrisParts& parts);

std::unique_ptr<System> make_delta_iris(const RunSpec& spec);

}  // namespace dream
