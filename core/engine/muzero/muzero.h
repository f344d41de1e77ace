#pragma once
#include <memory>
#include <string>

#include "core/behaviours/tree_policy.h"
#include "core/engine/interleaved.h"
#include "core/models/muzero_model.h"
#include "core/nn/optimiser.h"

namespace dream {

/// MuZero (Schrittwieser et al. 2020) with its Reanalyse, EfficientZero's consistency (Ye et al. 2021) and Gumbel root
/// (Danihelka et al. 2022) as options. Sizes are for small worlds on two cores; info lists what departs from the paper.
struct MuzeroRunOptions {
  std::int64_t seed = 0;
  MuzeroOptions world;
  TreePolicyOptions search;
  std::int64_t unroll = 5, td_steps = 50;  // K and n
  double value_weight = 0.25;
  bool fresh_values = true;               // ν as the slow network has it now, not as the search had it when it was lived
  double reanalyse = 0.25;                // share of a batch whose targets a new search makes
  std::int64_t target_every = 100;        // updates between two copies of the network that reanalyses
  bool cool = true;                       // the temperature of the choice falls with the steps that were made
  double consistency = 0;                 // weight of EfficientZero's loss; 2 there
  double priority = 0.6, correction = 0.4;  // α and β of prioritised replay; α = 0: all frames are as likely
  OptimiserOptions optimiser;
  InterleavedOptions train;

  void fields(Config& config);
};

/// What the phases of one run share.
struct MuzeroParts : InterleavedParts {
  MuzeroRunOptions options;
  std::shared_ptr<MuzeroModel> model;
  std::shared_ptr<TreePolicy> policy;
  std::shared_ptr<MuzeroModel> slow_model;  // that reanalyses
  std::shared_ptr<TreePolicy> slow_policy;
};

/// Value targets z_k = Σ_{i=1..n} γ^{i−1} r_{k+i} + γ^n ν_{k+n} for k = 0 … K, [K + 1, B]. All arguments [K + n + 1, B]:
/// `reward` of the step that led there, `value` ν of a state, `terminated` 1 where nothing follows, `alive` 1 within the
/// episode. Where an episode ends sooner, by its time limit, ν of its last state stands at its end.
torch::Tensor n_step_values(const torch::Tensor& reward, const torch::Tensor& value, const torch::Tensor& terminated,
                            const torch::Tensor& alive, std::int64_t unroll, std::int64_t td_steps, double discount);

/// `parts` must have their models and policies, and outlive it.
std::unique_ptr<Learner> muzero_learner(MuzeroParts& parts);

std::unique_ptr<System> make_muzero(const RunSpec& spec);

}  // namespace dream
