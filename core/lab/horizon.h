#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "core/engine/system.h"

namespace dream {

/// How long a model tells the truth: open-loop imagination under the actions that were really taken.
struct HorizonReport {
  std::int64_t episodes = 0, frames = 0;
  double reconstruction_mse = 0;  // decoded posterior against the real frame, per channel value in [0, 1]²
  double reconstruction_sum = 0;  // the same as Σ over a frame's values, as V's loss has it
  /// Entry k-1: decoded dream against the real frame k steps after the last one that was seen, per channel value.
  std::vector<double> frame_mse;  // the mean over `dreams` dreams of the same stretch
  /// The error of the mean picture of those dreams. Where the model's uncertainty is right, one dream errs by twice the
  /// variance of the truth, and the mean picture of N dreams by (1 + 1/N) times.
  std::vector<double> mean_picture_mse;
  /// The same error of a dream that stands still (the last seen frame, reconstructed): what any model must beat.
  std::vector<double> still_picture_mse;
};

/// Drives `episodes` fresh episodes with the system's own controller on tracks from `first_seed` on, looks for
/// `context` steps, then imagines `horizon` steps at temperature `tau` under the true actions; every episode gives one
/// such stretch, dreamt `dreams` times, for each `horizon` steps that it lasts, at most `max_steps` of them (0 = until
/// the environment ends it). The curves end where no episode lasted longer. `between_steps` may throw to end it early.
/// Throws dream::Error when no episode outlasts the context.
HorizonReport horizon_error(System& system, std::int64_t episodes, std::uint64_t first_seed, std::int64_t context,
                            std::int64_t horizon, double tau, std::int64_t max_steps = 0, std::int64_t dreams = 1,
                            const std::function<void()>& between_steps = {});

}  // namespace dream
