#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "core/nn/checkpoint.h"

namespace dream {

/// A run's weights as they once were.
struct PastWeights {
  double progress = 0;  // share of the whole training that was done, 0 … 1
  std::filesystem::path file;
};

/// Where a run keeps them: the folder `history` in its own.
std::filesystem::path history_of(const std::filesystem::path& run);
/// What is kept in such a folder, the earliest first; nothing where there is none.
std::vector<PastWeights> past_weights(const std::filesystem::path& history);

/// Keeps `weights` there when a sixteenth of what has been trained is new since the last ones. At most 16 files, and no
/// more than `budget` bytes, stay: the one goes that leaves the smallest gap. Where `progress` has fallen far, as the training is to be longer
/// than it was, they are renamed to the smaller shares that they have now. Throws dream::Error when they cannot be
/// written.
void keep_past(const std::filesystem::path& history, double progress, double budget,
               const std::function<Checkpoint()>& weights);

}  // namespace dream
