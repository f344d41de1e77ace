#pragma once
#include "core/lab/watched.h"

namespace dream {

/// Moments of whole episodes side by side, to imagine from.
struct Starts {
  Carry carry;               // [N, ...]
  torch::Tensor lane, step;  // int64 [N]
  std::int64_t count() const { return step.defined() ? step.size(0) : 0; }
  /// Entry `further` after each start of anything that is [T, B, ...]: [N, ...]; past the end the last one.
  torch::Tensor of(const torch::Tensor& entries, std::int64_t further) const;
  /// [steps, N, A]: what was really done from there on.
  torch::Tensor actions(const SequenceBatch& batch, std::int64_t steps) const;
};
/// Of what was watched, the lanes whose episode goes on for `ahead` steps.
Starts starts_from(const std::vector<Watched>& seen, const Whole& episodes, std::int64_t ahead);

/// All values, row-major.
std::vector<double> doubles_of(const torch::Tensor& x);

}  // namespace dream
