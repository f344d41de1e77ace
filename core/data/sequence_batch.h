#pragma once
#include <torch/types.h>

#include <map>
#include <string>

#include "core/nn/carry.h"

namespace dream {

/// Pieces of experience, time-major. Entry t holds what was seen at t and how it came about: the action that led there
/// and the reward it brought. Where `first` is set, an episode begins and both mean nothing.
struct SequenceBatch {
  torch::Tensor image;       // uint8 [T, B, H, W, C]; undefined where there is none
  torch::Tensor vector;      // float [T, B, V]; undefined where there is none
  torch::Tensor action;      // float [T, B, A], the environment's own
  torch::Tensor reward;      // float [T, B]
  torch::Tensor terminated;  // float [T, B], 1 at the observation after which nothing follows
  torch::Tensor last;        // float [T, B], 1 at an episode's last observation, terminated or truncated
  torch::Tensor first;       // float [T, B]
  /// The state before the first step, [B, ...], as initial() names it; initial() itself where a lane's is all zeros,
  /// and where there is none.
  Carry before = {};
  /// Further columns of the episodes by their names, float [T, B, n]: one beside every frame as it was seen at t, one
  /// beside every action as it came with the action that led to t. Zeros where an episode has none.
  std::map<std::string, torch::Tensor> extra = {};

  std::int64_t steps() const { return reward.size(0); }
  std::int64_t lanes() const { return reward.size(1); }
  SequenceBatch to(const torch::Device& device) const;
};

}  // namespace dream
