#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/dream/start.h"

namespace dream {

/// Several futures of one moment, imagined step by step beside each other.
class Fan {
 public:
  static constexpr std::int64_t most_futures = 9, most_steps = 300;

  /// One step of one future.
  struct Lived {
    torch::Tensor action;  // [1, A], on the CPU
    Carry drawn;           // what the model imagined
  };

  virtual ~Fan() = default;
  /// All of them go one step on: by `hands` [1, A] where somebody drives, else by the behaviour where there is one.
  virtual void step(const torch::Tensor& hands) = 0;
  /// How one of them came about. Throws dream::Error for a future that is not there, or that no branch can take up.
  virtual std::vector<Lived> path(int which) const = 0;
  virtual FanView view() const = 0;
  bool over() const { return steps() >= most_steps; }

 protected:
  virtual std::int64_t steps() const = 0;
};

/// What is held in the dream is held in every future.
using Hold = std::function<Carry(Carry)>;

/// Futures that differ by chance alone, by a knob, or by what is done: one batch, from `dream` and the behaviour's `memory`
/// there, at step `step`. Throws dream::Error for a knob that is not there.
std::unique_ptr<Fan> fan_of_one_model(FanOver over, const Knob* knob, const Stage& stage, const Carry& dream,
                                      const Carry& memory, const torch::Tensor& last_reward, std::int64_t step,
                                      Hold hold);

/// Futures as the run dreamt them with the weights that `stage.system.history` keeps, the present ones last. Each watches
/// `watched`, the moments up to this one, with its own model, and goes on from there with its own behaviour, all by the same
/// chance. Every step() opens one more of them, until all are open and go on together. Throws dream::Error where nothing
/// is kept.
std::unique_ptr<Fan> fan_over_weights(const Stage& stage, std::deque<Moment> watched, const Carry& dream,
                                      const Carry& memory, const torch::Tensor& last_reward, std::int64_t step,
                                      Hold hold);

}  // namespace dream
