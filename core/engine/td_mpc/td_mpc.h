#pragma once
#include <memory>
#include <string>

#include "core/base/choice.h"
#include "core/behaviours/planner.h"
#include "core/behaviours/td_policy.h"
#include "core/engine/interleaved.h"
#include "core/engine/td_mpc/objective.h"
#include "core/models/td_mpc.h"

namespace dream {

/// The published sizes of TD-MPC2, in millions of parameters, and one for small worlds.
enum class TdSize { tiny, s_1m, s_5m, s_19m, s_48m, s_317m };
constexpr auto choice_names(TdSize) {
  return names_of_choice("tiny", "1m", "5m", "19m", "48m", "317m");
}

struct TdMpcRunOptions {
  TdSize size = TdSize::tiny;  // of TD-MPC2
  std::int64_t seed = 0, repeat = 1;
  TdMpcOptions world;
  TdPolicyOptions behaviour;
  PlannerOptions planner;
  TdLossOptions loss;
  double learning_rate = 3e-4;
  double encoder_share = 0.3;  // of the learning rate
  double policy_eps = 1e-5;    // of the policy's Adam
  double clip_norm = 20;       // of all gradients of model and Q-functions together, and of the policy's
  std::int64_t anneal = 0;     // TD-MPC: steps in which a plan's horizon grows and its least deviation falls
  InterleavedOptions train;

  void fields(Config& config);
};

/// The constants of "td-mpc" or "td-mpc2" (with `size`), in a world of so many axes and steps in an episode (0: no
/// limit).
void set_published(TdMpcRunOptions& options, const std::string& recipe, std::int64_t axes, std::int64_t episode_length);

/// What the phases of one run share.
struct TdMpcParts : InterleavedParts {
  TdMpcRunOptions options;
  std::shared_ptr<TdMpc> model;
  std::shared_ptr<TdPolicy> policy;
  std::shared_ptr<Planner> planner;
  bool bfloat16 = false;
};

/// `parts` must have their model and behaviour, and outlive it.
std::unique_ptr<Learner> td_mpc_learner(TdMpcParts& parts);

std::unique_ptr<System> make_td_mpc2(const RunSpec& spec);
std::unique_ptr<System> make_td_mpc(const RunSpec& spec);

}  // namespace dream
