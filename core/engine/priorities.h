#pragma once
#include "core/nn/torch.h"

#include <string>
#include <vector>

#include "core/data/replay.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// Prioritised replay (Schaul et al. 2016): a frame is drawn with probability p^α / Σ p^α, where p is how wrong something was
/// when it was drawn last, and counts by (1 / (N·P))^β, the largest weight of a batch being 1. What was never drawn, and what is
/// still under way, stands at the largest p.
class Priorities {
 public:
  Priorities(double alpha, double beta) : alpha_(alpha), beta_(beta) {}

  struct Draw {
    std::vector<std::int64_t> begins;  // of Replay's frames
    torch::Tensor weights;             // [lanes]
  };
  Draw draw(const Replay& replay, std::int64_t lanes, at::Generator rng);
  /// How wrong those of the last draw() were, [lanes], at least 0.
  void set(const torch::Tensor& errors);

  void save(Checkpoint& into, const std::string& prefix) const;
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  void follow(const Replay& replay);
  double alpha_, beta_, largest_ = 1;
  std::int64_t dropped_ = 0;     // frames of the replay that are gone; < 0: as many as are when it is next asked
  torch::Tensor known_ = torch::zeros({0});  // float32 [whole frames]: p of each
  std::vector<std::int64_t> drawn_;
};

}  // namespace dream
