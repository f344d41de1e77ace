#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/engine/offline.h"
#include "core/engine/walks.h"
#include "core/models/masked_jepa.h"
#include "core/models/two_views.h"
#include "core/nn/optimiser.h"

namespace dream {

/// How the slow copy's momentum rises to its end.
enum class MomentumRise { line, cosine };
constexpr auto choice_names(MomentumRise) {
  return names_of_choice("line", "cosine");
}

/// Image pre-training: an encoder learns from the pictures of episodes alone. Schedules are I-JEPA's; the optimiser is AdamW
/// also where the paper has LARS, which is for batches of thousands.
struct PretrainOptions {
  std::int64_t seed = 0;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam,
                             .learning_rate = 1e-3,
                             .eps = 1e-8,
                             .weight_decay = 0.04,
                             .clip_norm = 0,
                             .adaptive_clip = 0,
                             .warm_up = 400};
  double first_rate = 0.2,
         last_rate = 1e-3;  // shares of the learning rate, before it has risen and after it has fallen
  double last_decay = 0.4;  // to which the weight decay goes
  double momentum = 0.996, last_momentum = 1;  // by which the slow copy stays what it was
  MomentumRise rise = MomentumRise::line;
  bool rival = true;             // a VAE of as many numbers learns from the same pictures
  std::int64_t rival_every = 2;  // updates between two of its own
  double rival_rate = 1e-3;
  WalkOptions collect{.episodes = 200, .max_steps = 100, .hold = 10, .lanes = 8};
  OfflineOptions train{.updates = 3000, .batch = 32};

  void fields(Config& config);
};

/// What the phases of one run share.
struct PretrainParts : InterleavedParts {
  PretrainOptions options;
  MaskedJepaOptions masked;   // i-jepa, v-jepa
  TwoViewsOptions two_views;  // byol, vicreg
  std::shared_ptr<SelfSupervised> model;
  std::function<void()> follow_model;  // what was set live reaches it
  std::string remedy;                  // against a collapse, in words
};

/// `parts` must have their model, and outlive it.
std::unique_ptr<Learner> pretrain_learner(PretrainParts& parts);

std::unique_ptr<System> make_i_jepa(const RunSpec& spec);
std::unique_ptr<System> make_v_jepa(const RunSpec& spec);
std::unique_ptr<System> make_byol(const RunSpec& spec);
std::unique_ptr<System> make_vicreg(const RunSpec& spec);

}  // namespace dream
