// Rules about what the model has become: what its latent tells, what its dreams are worth.
#include <algorithm>
#include <cmath>

#include "core/lab/diagnosis_rules.h"
#include "core/lab/question.h"

namespace dream::diagnosing {

Found prior_unlearned(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.foreseen.value > 1) || (std::isfinite(look.foreseen.low) && look.foreseen.low <= 1)) return {};
  const auto* scale = run.setting("dynamics_scale");
  const auto* free = run.setting("free_nats");
  const auto* kl = run.curve("/kl");
  const bool hidden = kl && kl->has_floor && mean_between(*kl, 0.75, 1) < kl->floor;
  std::string why =
      hidden ? "; " + kl->name + " lies below its free nats of " + in_figures(kl->floor) + ", so nothing presses on it"
             : "";
  if (scale) why += "; " + scale->key + " = " + in_figures(number_of(scale->value));
  return LabFinding{Weight::fault,
                    "",
                    "The dynamics predict less than a constant would: the dream goes its own way from the first step.",
                    "KL(q ‖ p) is " + in_figures(look.kl) +
                        " nats a frame, and against the mean posterior it would be " + in_figures(look.told) +
                        ": a ratio of " + in_figures(look.foreseen) + ", below 1 is better than a constant" +
                        n_of(look) + why,
                    hidden ? "Lower the free nats until the KL stands above them."
                           : "Raise the scale of the dynamics' KL, or train longer.",
                    "curves",
                    hidden ? key_of(free) : key_of(scale)};
}

Found kl_vanished(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.kl.value < 0.05) || look.skill.value > 0.7) return {};
  return LabFinding{
      Weight::fault,
      "",
      "The posterior has become the prior: a frame tells the model nothing that it had not predicted, and yet it "
      "predicts badly.",
      "KL(q ‖ p) is " + in_figures(look.kl) + " nats a frame, skill " + in_figures(look.skill) + n_of(look),
      "Lower the scale of the KL; a KL that rises and then falls is normal, one of 0 is not.",
      "mind",
      key_of(run.setting("representation_scale"), key_of(run.setting("dynamics_scale")).c_str())};
}

Found collapsed(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.silent >= 0.9) || look.latents == 0) return {};
  return LabFinding{
      look.silent >= 1 ? Weight::fault : Weight::warning,
      "",
      "The latent has collapsed: it is the same whatever is seen.",
      in_figures(100 * look.silent) + " % of " + std::to_string(look.latents) +
          " numbers or groups tell less than 0.01 nats of a frame; together " + in_figures(look.told) + " nats" +
          n_of(look),
      "Lower the scale of the KL or the free nats, and see whether the reconstruction is paid for enough.",
      "mind",
      key_of(run.setting("free_nats"), key_of(run.setting("representation_scale")).c_str())};
}

Found encoder_blind(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.rebuilt.value < 0.1)) return {};
  return LabFinding{
      Weight::fault,
      "",
      "The encoder hardly tells frames apart: what is decoded from a frame that was seen is no better than the mean "
      "picture.",
      "the decoded posterior explains " + in_figures(look.rebuilt) + " of the variance of pictures" + n_of(look),
      "See whether the encoder gets gradients and the pictures are what you think; then raise the weight of the "
      "reconstruction.",
      "worlds",
      key_of(fastest(run))};
}

Found no_skill(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.skill.value <= 0) || (std::isfinite(look.skill.high) && look.skill.high > 0)) return {};
  return LabFinding{
      Weight::fault,
      "",
      "The dream is no nearer to the truth than a " + look.what + " that stands still.",
      "skill " + in_figures(look.skill) + " over " + std::to_string(look.horizon) +
          " imagined steps; 0 is a copy, 0.12 and more is modest" + n_of(look),
      "Train longer; if the reconstruction is good, the dynamics are at fault: sequences, KL scale, actions.",
      "worlds",
      ""};
}

Found deaf(const RunFacts& run) {
  const auto& look = run.unseen;
  // A latent may hold an action without having learned anything from it.
  if (look.what == "latent" || !(run.answers > 0.05)) return {};
  const bool known = std::isfinite(look.reliance.high);
  if (!((known ? look.reliance.low : look.reliance.value) <= 0.03) || (known && look.reliance.high >= 0.16)) return {};
  return LabFinding{Weight::fault,
                    "",
                    "The dream does not listen to the actions, and this world does.",
                    "under another episode's actions the error is as large: reliance " + in_figures(look.reliance) +
                        ", 0.03 and less is deaf, 0.16 and more is used" + n_of(look) +
                        "; in the simulator other actions change " + in_figures(100 * run.answers) +
                        " % of what changes at all",
                    "See whether the actions in the data are those that were taken (an offset of a step is enough), "
                    "and whether they vary.",
                    "worlds",
                    key_of(run.setting("datasets"))};
}

Found reward_blind(const RunFacts& run) {
  const auto& look = run.unseen;
  if (look.rewards < 64 || !(look.reward_deviation > 0)) return {};
  // Rewards that come in bursts are hardly foretold step by step: silence is told from chance by how much is said at
  // all.
  const bool silent = look.reward.value < 0.02 && look.predicted_deviation < 0.1 * look.reward_deviation;
  if (!silent && !(look.reward.value < -0.3 && !(look.reward.high > -0.3))) return {};
  const auto* curve = run.curve("world/reward");
  return LabFinding{Weight::fault,
                    "",
                    "The model does not know what pays.",
                    "its prediction explains " + in_figures(look.reward) + " of the rewards' variance over " +
                        std::to_string(look.rewards) + " steps; they vary by " + in_figures(look.reward_deviation) +
                        ", the prediction by " + in_figures(look.predicted_deviation) + n_of(look) +
                        (curve ? "; " + curve->name + " is " + in_figures(mean_between(*curve, 0.9, 1)) +
                                     ", which says nothing where rewards are missing"
                               : ""),
                    "See whether the data have rewards at all, and whether the first steps of episodes hide them; then "
                    "raise the reward's weight.",
                    "curves",
                    key_of(run.setting("reward_scale"), key_of(run.setting("m.heads")).c_str())};
}

/// Beyond its spread, and half as much again as reality (our own band): a model of rewards that is only too bold is for
/// the question of calibration.
Found dream_pays(const RunFacts& run) {
  const auto& look = run.unseen;
  const double healthy = std::max(look.pay_deviation, 0.5 * std::abs(look.real_pay));
  if (!(look.overpaid.value > healthy) || !(look.overpaid.low > 0)) return {};
  return LabFinding{
      Weight::fault,
      "",
      "The dream pays what reality does not: the behaviour exploits the model.",
      "a step of its own dream pays " + in_figures(look.overpaid) + " more than the same steps in reality, which pay " +
          in_figures(look.real_pay) + " ± " + in_figures(look.pay_deviation) + n_of(look),
      "Raise the temperature of the dream, shorten the imagined horizon, or collect what the behaviour does now.",
      "worlds",
      key_of(run.setting("c.tau"), key_of(run.setting("horizon")).c_str())};
}

Found drift_steep(const RunFacts& run) {
  const auto& look = run.unseen;
  if (!(look.drift > 7) || !(look.latent_skill > 0) || !(look.skill.value < 0.25)) return {};
  return LabFinding{Weight::warning,
                    "",
                    "One step is predicted well, several are not: the model has never seen its own mistakes.",
                    "the error of latents grows " + in_figures(look.drift) +
                        " times over 4 steps; about 2 is fine, 7 is bad; skill over all of them " +
                        in_figures(look.skill) + n_of(look),
                    "Train on longer sequences, or on what the model itself has imagined.",
                    "worlds",
                    key_of(run.setting("overshooting"), key_of(run.setting("length")).c_str())};
}

}  // namespace dream::diagnosing
