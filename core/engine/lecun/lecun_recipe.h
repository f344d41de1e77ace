#pragma once
#include "core/behaviours/lecun_actor.h"
#include "core/engine/jepa/jepa_recipe.h"
#include "core/models/lecun.h"

namespace dream {

/// How Mode 2 teaches Mode 1 and the critic, in imagination.
struct TeachOptions {
  std::int64_t every = 4;    // updates between two times that it thinks
  std::int64_t states = 16;  // that it then thinks from
  std::int64_t candidates = 64, iterations = 3;
  std::int64_t imitated = 8;  // steps of a plan that the policy learns from: the later ones are less thought through
  std::int64_t room = 1024;   // plans in the short-term memory
  std::int64_t batch = 64;    // of them, that policy and critic learn from in every update
  double learning_rate = 5e-4;

  void fields(Config& config, const std::string& prefix);
};

/// LeCun's architecture for two cores: jepa's world model and walks, a short horizon with a critic at its end, a policy.
struct LecunParts : JepaParts {
  CostOptions costs;
  LecunActorOptions actor_options;
  TeachOptions teach;
  std::shared_ptr<LecunModel> agent_model;  // the model, by its own type
  std::shared_ptr<LecunActor> actor;
};

/// `parts` must have their model and actor, and outlive it.
std::unique_ptr<Learner> lecun_learner(LecunParts& parts);

std::unique_ptr<System> make_lecun(const RunSpec& spec);

}  // namespace dream
