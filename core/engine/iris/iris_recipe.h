#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/engine/interleaved.h"
#include "core/models/iris.h"
#include "core/nn/optimiser.h"

namespace dream {

/// published: eloialonso/iris's for Atari, of pictures of 64 x 64; tiny: of 32 x 32, for two cores.
enum class IrisSize { published, tiny };
constexpr auto choice_names(IrisSize) {
  return names_of_choice("published", "tiny");
}

/// IRIS (Micheli et al. 2023) as a recipe: tokenizer, world model and actor-critic, each from its own moment on and then a step of
/// each at every update, which theirs does by epochs of 200. What departs: LPIPS, whose weights are a download, has an error of
/// neighbouring pixels' differences in its place; the last frame of an episode is learned from too; all training is interleaved
/// with collecting, where theirs goes on for 100 epochs after it; actions may also be numbers.
struct IrisRunOptions {
  IrisSize size = IrisSize::tiny;
  std::int64_t seed = 0;
  std::int64_t side = 64;  // of the pictures
  IrisOptions world;
  FrameActorCriticOptions behaviour;
  OptimiserOptions tokens, transformer, actor;
  std::int64_t frames = 256;       // of a batch of the tokenizer
  std::int64_t imagined = 64;      // lanes of imagination
  std::int64_t world_after = 4000, actor_after = 9000;  // updates: epochs 25 and 50, of which the first 5 collect alone
  InterleavedOptions train;

  void fields(Config& config);
};

/// The constants of a size.
void set_size(IrisRunOptions& options);

/// What the phases of one run share.
struct IrisParts : InterleavedParts {
  IrisRunOptions options;
  std::shared_ptr<IrisModel> model;
  std::shared_ptr<FrameActorCritic> actor_critic;
};

/// `parts` must have its model and its behaviour, and outlive it.
std::unique_ptr<Learner> iris_learner(IrisParts& parts);

std::unique_ptr<System> make_iris(const RunSpec& spec);

}  // namespace dream
