#pragma once
#include <memory>

#include "core/base/choice.h"
#include "core/behaviours/actor_critic.h"
#include "core/engine/interleaved.h"
#include "core/models/tssm.h"
#include "core/nn/optimiser.h"

namespace dream {

/// tiny: for two cores; published: the papers' for Atari.
enum class TssmSize { tiny, published };
constexpr auto choice_names(TssmSize) {
  return names_of_choice("tiny", "published");
}

/// STORM (Zhang et al. 2023) and TransDreamer (Chen et al. 2022) as recipes.
struct TssmRunOptions {
  TssmSize size = TssmSize::tiny;
  std::int64_t seed = 0;
  TssmOptions world;
  ActorCriticOptions behaviour;
  OptimiserOptions world_optimiser, actor_optimiser, critic_optimiser;
  std::int64_t imagined = 1024;  // states that a batch of imagination starts from
  std::int64_t context = 8;      // frames that are seen before each of them (STORM); 0: moments of the batch, after all that it shows before them
  InterleavedOptions train;

  void fields(Config& config);
};

/// The constants of a paper, of `options.size`.
void set_published(TssmRunOptions& options, TssmKind kind);

/// What the phases of one run share.
struct TssmParts : InterleavedParts {
  TssmRunOptions options;
  std::shared_ptr<Tssm> model;
  std::shared_ptr<ActorCritic> actor_critic;
};

/// `parts` must have their model and behaviour, and outlive it.
std::unique_ptr<Learner> tssm_learner(TssmParts& parts);

std::unique_ptr<System> make_transdreamer(const RunSpec& spec);
std::unique_ptr<System> make_storm(const RunSpec& spec);

}  // namespace dream
