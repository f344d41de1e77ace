#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/field.h"
#include "api/lab.h"
#include "api/snapshot.h"
#include "core/lab/statistics.h"

namespace dream {

constexpr double untold = LabNumber::unknown;

/// Quick measurements of a model on whole episodes; NaN where it cannot be told.
struct QuickLook {
  std::size_t episodes = 0, pieces = 0;
  std::int64_t context = 0, horizon = 0;  // of a piece: watched, then imagined
  std::string what = "latent";            // skill, reliance and usable horizon are about: "picture", "reward", "latent"
  Interval skill{untold, untold, untold};                  // against what stands still
  Interval reliance{untold, untold, untold};               // on actions
  double usable_horizon = untold, still_horizon = untold;  // imagined steps; a still picture's
  double latent_skill = untold, drift = untold;            // of latents: skill; error at step 4 / error at step 1
  Interval kl{untold, untold, untold};                     // KL(q ‖ p), nats a frame
  Interval foreseen{untold, untold, untold};  // KL(q ‖ p) / KL(q ‖ q̄): above 1 a constant prior would be better
  double told = untold, silent = untold;      // KL(q ‖ q̄), nats a frame; the share of the latent that tells nothing
  std::int64_t latents = 0;                   // numbers or groups
  Interval rebuilt{untold, untold, untold};   // 1 − error of the decoded posterior / error of the mean picture
  Interval reward{untold, untold, untold};    // 1 − squared error of the predicted reward / its variance, frames seen
  std::int64_t rewards = 0;                   // steps that it rests on
  double reward_deviation = untold, predicted_deviation = untold;  // of the real rewards; of the predicted ones
  std::int64_t paid_steps = 0;                                     // over which the two below are taken
  Interval overpaid{untold, untold,
                    untold};  // reward a step in its own dream − in reality, same starts, same behaviour
  double real_pay = untold,
         pay_deviation = untold;  // reward a step in reality; the deviation over pieces there or in the dream
};

/// What is known of a run when it is judged.
struct RunFacts {
  std::vector<CurveView> curves;
  std::vector<Field> settings;
  std::size_t choices = 0, axes = 0;  // of an action
  QuickLook unseen;
  std::optional<QuickLook> own;  // the same on episodes that it was trained on, where they are on the disk
  double answers = untold;       // what other actions change in the real world, over what changes at all
  std::int64_t data_episodes = -1, data_steps = -1;  // on the disk; −1: nothing is there
  struct Part {
    std::string name;  // "model/encoder"
    std::int64_t numbers = 0, changed = 0;
  };
  std::vector<Part> parts;  // of the weights, against the earliest kept ones; empty: none are kept
  double since = 0;         // the share of the training after which these were kept
  double begun = 0;         // the least progress of a phase that trains; 0 … 1

  /// The first curve whose name ends so and that has at least `points`; null: none.
  const CurveView* curve(const std::string& ending, std::size_t points = 1) const;
  /// The first setting whose key ends so; null: none.
  const Field* setting(const std::string& ending) const;
};

/// The mean of a curve between two shares of its points, 0 … 1.
double mean_between(const CurveView& curve, double from, double to);
/// A setting's number; NaN for what is none.
double number_of(const FieldValue& value);

/// One thing that can be wrong: silent, or the finding. Rule and finding have the same name.
struct DiagnosisRule {
  const char* name;
  std::optional<LabFinding> (*look)(const RunFacts&);
};
const std::vector<DiagnosisRule>& diagnosis_rules();

}  // namespace dream
