#pragma once
#include <array>

#include "core/lab/pairs.h"
#include "core/lab/question.h"

namespace dream {

constexpr std::array<std::int64_t, 5> forecast_distances = {1, 2, 5, 15, 40};  // imagined steps
constexpr std::int64_t summed_rewards = 15;                                    // of so many steps together
constexpr std::size_t pit_levels = 19;

/// What a model forecast, and what came. Episodes are numbered as they are held out.
struct Forecasts {
  using At = std::vector<Stretches::From>;
  using ByDistance = std::array<Pairs, forecast_distances.size() + 1>;  // the first: of what has just been seen
  ByDistance end, reward, last_reward;  // P(end); in the units of the model's target; the reward before, for the same
  Pairs reward_sum;                     // of `summed_rewards` steps
  ByDistance end_at_end;                // P(end) where it did end
  Pairs value_next, value_now;          // returns from the next reward on, or from the one just received
  std::vector<double> rewards;          // targets
  Pairs doubt, surprise, last_change, change;  // against the error of a picture imagined one step ahead
  Pairs spread;  // of the prior, against what it missed: a squared error of numbers, nats of groups
  // Rows of what the prior said of a latent, one value a number or group.
  std::vector<torch::Tensor> latent, before;     // the latent itself, and the one before
  std::vector<torch::Tensor> nll, crps, pit;     // pit: the probability of less, of numbers alone
  std::vector<torch::Tensor> confidence, drawn;  // P(likeliest class), and whether it came, of groups alone
  std::vector<std::size_t> row_episode;
  torch::Tensor posterior, square,
      entropy;  // sums over rows: of the posterior's means or probabilities, and its entropies
  bool numbers = false, paints = false, values = false;
  At reward_at, spread_at, value_at;  // where the pairs of reward[1], spread and value_next come from
};

/// Writes down the whole answer.
void report_calibration(Inquiry& inquiry, const Forecasts& seen, LabAnswer& answer);

}  // namespace dream
