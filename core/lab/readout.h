#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/lab/question.h"
#include "core/lab/statistics.h"
#include "core/lab/watched.h"

namespace dream {

/// What a linear read-out found: squared error and spread of every target, by episode. Fitted on every other episode
/// and judged on the rest, both ways round.
struct ReadResult {
  std::vector<std::vector<double>> over, under;  // [episode][target]
  bool known() const { return !over.empty(); }
  Interval r2(std::size_t target) const;
  /// Mean over the targets that vary; one that is told worse than by its mean counts as 0.
  Interval mean_r2() const;
};

/// Fitted on rows x [N, D], y [N, K] of `episode` [N]: what is read from the rows of `judge` [M, D], [M, K]. Undefined
/// where there are too few rows.
torch::Tensor read_guess(const torch::Tensor& x, const torch::Tensor& y, const std::vector<std::size_t>& episode,
                         const torch::Tensor& judge, const std::vector<std::size_t>& judge_episode);
ReadResult judged(const torch::Tensor& guess, const torch::Tensor& truth, const std::vector<std::size_t>& episode);

/// What is to be read from states, and the states: rows of held-out frames.
struct Readout {
  static constexpr std::int64_t most_stride = 2,
                                most_start_stride = 8;  // frames between two rows; between two beginnings
  std::vector<std::string> targets;
  std::string kind;                 // what these are, in words
  std::vector<std::int64_t> shown;  // which of the numbers that a world shows are targets
  struct Rows {
    std::vector<torch::Tensor> x, y;  // parts of [N, D] and [N, K]
    std::vector<std::size_t> episode;
  };
  std::vector<torch::Tensor> latent, memory, features, pixels, time, untrained, y;
  std::vector<std::size_t> episode;
  std::map<std::int64_t, Rows> imagined, real,
      stale;  // by imagined steps: the prior's features, the posterior's then, those of the start
};

/// The targets of every frame of a batch, [T, B, K], whose names and kind it writes down.
torch::Tensor targets_of(const Whole& all, const System& system, Readout& sums);

/// A system like this one with weights as they begin; null where its recipe makes none.
std::shared_ptr<System> untrained_twin(const System& system);

/// Watches the episodes of `all` and imagines `ahead` (rising) steps now and then. `twin`: null for none.
void gather_states(Inquiry& inquiry, const Whole& all, const std::vector<std::int64_t>& ahead, System* twin,
                   Readout& sums, double from, double to);

}  // namespace dream
