#pragma once
#include <optional>
#include <string>

#include "core/lab/diagnosis.h"

/// The rules of `diagnosis_rules`, and what several of them say alike.
namespace dream::diagnosing {

using Weight = LabFinding::Weight;
using Found = std::optional<LabFinding>;

/// " (n = 16 pieces of 4 unseen episodes)"
std::string n_of(const QuickLook& look);
std::string key_of(const Field* field, const char* otherwise = "");
/// The learning rate that is farthest above its default; null: there is none.
const Field* fastest(const RunFacts& run);

// Of how it learns.
Found loss_rises(const RunFacts& run);
Found loss_stands(const RunFacts& run);
Found loss_rough(const RunFacts& run);
Found learning_rate(const RunFacts& run);
Found gradient_spikes(const RunFacts& run);
Found part_frozen(const RunFacts& run);
Found weightless(const RunFacts& run);
Found m_knows_nothing(const RunFacts& run);
Found v_says_little(const RunFacts& run);
Found few_episodes(const RunFacts& run);
Found overfitted(const RunFacts& run);
Found actor_unmoved(const RunFacts& run);
Found policy_collapsed(const RunFacts& run);
Found return_flat(const RunFacts& run);
Found critic_lags(const RunFacts& run);
Found young(const RunFacts& run);
// Of what the model has become.
Found encoder_blind(const RunFacts& run);
Found collapsed(const RunFacts& run);
Found kl_vanished(const RunFacts& run);
Found prior_unlearned(const RunFacts& run);
Found no_skill(const RunFacts& run);
Found deaf(const RunFacts& run);
Found drift_steep(const RunFacts& run);
Found reward_blind(const RunFacts& run);
Found dream_pays(const RunFacts& run);

}  // namespace dream::diagnosing
