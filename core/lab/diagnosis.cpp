// What an experienced colleague would say of a run: each rule looks at a few facts and is silent on a healthy run.
// Sources: the gauges' bands and normal curves (WorldModelScope, PlaNet's and Dreamer's authors, Ha & Schmidhuber).
#include "core/lab/diagnosis.h"

#include <algorithm>

#include "core/lab/diagnosis_rules.h"

namespace dream {

const CurveView* RunFacts::curve(const std::string& ending, std::size_t points) const {
  for (const auto& each : curves)
    if (each.name.ends_with(ending) && each.y.size() >= points) return &each;
  return nullptr;
}

const Field* RunFacts::setting(const std::string& ending) const {
  for (const auto& each : settings)
    if (each.key.ends_with(ending)) return &each;
  return nullptr;
}

double mean_between(const CurveView& curve, double from, double to) {
  const auto n = static_cast<double>(curve.y.size());
  if (n == 0) return untold;
  const auto begin = std::min(curve.y.size() - 1, static_cast<std::size_t>(from * n));
  const auto end = std::clamp(static_cast<std::size_t>(to * n), begin + 1, curve.y.size());
  double sum = 0;
  for (auto i = begin; i < end; ++i) sum += curve.y[i];
  return sum / static_cast<double>(end - begin);
}

double number_of(const FieldValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return untold;
}

namespace diagnosing {

std::string n_of(const QuickLook& look) {
  return " (n = " + std::to_string(look.pieces) + " pieces of " + std::to_string(look.episodes) + " unseen episodes)";
}

std::string key_of(const Field* field, const char* otherwise) {
  return field ? field->key : otherwise;
}

const Field* fastest(const RunFacts& run) {
  const Field* found = nullptr;
  double most = 0;
  for (const auto& each : run.settings) {
    if (!each.key.ends_with("learning_rate")) continue;
    const double ratio = number_of(each.value) / number_of(each.initial);
    if (!found || ratio > most) found = &each, most = ratio;
  }
  return found;
}

}  // namespace diagnosing

const std::vector<DiagnosisRule>& diagnosis_rules() {
  using namespace diagnosing;
  static const std::vector<DiagnosisRule> all = {
      {"loss_rises", loss_rises},
      {"loss_stands", loss_stands},
      {"loss_rough", loss_rough},
      {"learning_rate", learning_rate},
      {"gradient_spikes", gradient_spikes},
      {"part_frozen", part_frozen},
      {"encoder_blind", encoder_blind},
      {"collapsed", collapsed},
      {"kl_vanished", kl_vanished},
      {"prior_unlearned", prior_unlearned},
      {"weightless", weightless},
      {"m_knows_nothing", m_knows_nothing},
      {"v_says_little", v_says_little},
      {"no_skill", no_skill},
      {"deaf", deaf},
      {"drift_steep", drift_steep},
      {"reward_blind", reward_blind},
      {"dream_pays", dream_pays},
      {"few_episodes", few_episodes},
      {"overfitted", overfitted},
      {"actor_unmoved", actor_unmoved},
      {"policy_collapsed", policy_collapsed},
      {"return_flat", return_flat},
      {"critic_lags", critic_lags},
      {"young", young},
  };
  return all;
}

}  // namespace dream
