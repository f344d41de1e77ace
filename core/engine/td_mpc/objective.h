#pragma once
#include "core/behaviours/td_policy.h"
#include "core/config/config.h"
#include "core/data/sequence_batch.h"
#include "core/models/sequence_model.h"
#include "core/models/td_mpc.h"
#include "core/nn/optimiser.h"

namespace dream {

/// Adam, its gradients cut to `clip_norm`; 0: never.
OptimiserOptions td_adam(double learning_rate, double eps, double clip_norm);
/// Scales the gradients of all these to a norm of at most `limit` together; returns what it was. Throws dream::Error,
/// and clears them, when it is not finite.
double clip_together(const std::vector<torch::Tensor>& parameters, double limit);

/// Weights of the model's loss; the defaults are TD-MPC2's (Hansen et al. 2024, table 8).
struct TdLossOptions {
  double consistency = 20, reward = 0.1, value = 0.1, termination = 1;
  double rho = 0.5;  // what each imagined step weighs of the one before

  void fields(Config& config, const std::string& prefix, bool first);
};

/// Taken instead of draws, where defined; for tests.
struct TdGiven {
  torch::Tensor target_noise, policy_noise;  // [H, B, A], [H + 1, B, A]
  torch::Tensor target_pair, policy_pair;    // int64 [2]
  bool dropout = true;
};

struct TdModelLoss {
  torch::Tensor total;   // scalar, with gradients for model and Q-functions
  Terms terms;           // "consistency", "reward", "value" and, where episodes end, "termination"
  torch::Tensor z;       // [H + 1, B, L], detached: the first from what was seen, the others imagined
  torch::Tensor valid;   // [H + 1, B]: 1 where that state is of the episode that the piece begins with
  torch::Tensor seen;    // [H + 1, B, L], without gradient: h(x) of every frame
  torch::Tensor target;  // [H, B]: what the Q-functions learn
};

/// `batch` without its first `past` steps, every picture with those before it in its episode: [T - past, B, H, W,
/// C·(past + 1)], the newest last. An episode's first stands for those that were not.
SequenceBatch with_past_pictures(const SequenceBatch& batch, std::int64_t past);

/// The loss over pieces of H + 1 frames (Hansen et al. 2024, eq. 3): from the first frame's latent the model imagines
/// the actions that were taken, and each imagined state learns its successor, its reward and its return. What comes
/// after an episode's end does not count.
TdModelLoss td_model_loss(TdMpc& model, TdPolicy& policy, const SequenceBatch& batch, const TdLossOptions& options,
                          const TdGiven& given, at::Generator rng);

/// The policy's loss over the states of that imagination.
TdPolicy::Loss td_policy_loss(TdPolicy& policy, const TdModelLoss& model, const TdLossOptions& options,
                              const TdGiven& given, at::Generator rng);

}  // namespace dream
