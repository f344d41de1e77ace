#pragma once
#include "core/nn/torch.h"

#include <functional>
#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "core/behaviours/behaviour.h"
#include "core/models/world_model.h"

namespace dream {

/// The driver that collected the data of "World Models" (hardmaru/WorldModelsExperiments, carracing/extract.py and
/// model.py): a whole V-M-C that nobody has trained. Every weight is drawn anew for every episode, C's as s·Cauchy with
/// s ~ U(0, 0.01), V's and M's as s·Cauchy / 10,000, because the original loads those as it keeps them in files, where
/// they are integers. So z is all but N(0, 1) whatever V sees, and C makes of that noise a trembling of its own and a
/// lean to one side. The original also drives on when an episode is over; here it ends.
///
/// Every lane has its own networks and runs by itself: an episode is the same whatever is driven beside it.
class RandomWeights {
 public:
  struct Parts {
    std::shared_ptr<WorldModel> model;
    std::shared_ptr<Behaviour> behaviour;
  };
  /// `make` is called once per lane; its networks are on the CPU.
  RandomWeights(const std::function<Parts()>& make, std::int64_t lanes, std::int64_t action_size);

  /// A new episode begins: all that is random in it comes from `rng`.
  void start(std::int64_t lane, Rng rng);
  /// uint8 [L, H, W, C] -> float [L, A] on the CPU. Weights that overflow let go of the controls: 0.
  torch::Tensor act(const torch::Tensor& images);

 private:
  struct Lane {
    Parts parts;
    at::Generator rng;
    Carry carry, memory;
  };
  std::vector<Lane> lanes_;
  torch::Tensor actions_;  // [L, A]
};

}  // namespace dream
