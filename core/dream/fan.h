#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/dream/start.h"

namespace dream {

/// Several futures of one moment, imagined as one batch. They differ by chance alone, by a knob, or by what is done.
class Fan {
 public:
  static constexpr std::int64_t most_futures = 9, most_steps = 300;

  /// One step of one future.
  struct Lived {
    torch::Tensor action;  // [1, A], on the CPU
    Carry drawn;           // what the model imagined
  };
  /// What is held in the dream is held in every future.
  using Hold = std::function<Carry(Carry)>;

  /// From `dream` and the behaviour's `memory` there, at step `step`. Throws dream::Error for a knob that is not there.
  Fan(FanOver over, const Knob* knob, const Stage& stage, const Carry& dream, const Carry& memory,
      const torch::Tensor& last_reward, std::int64_t step, Hold hold);

  /// All of them go one step on: by `hands` [1, A] where somebody drives, else by the behaviour where there is one.
  void step(const torch::Tensor& hands);
  bool over() const { return static_cast<std::int64_t>(steps_.size()) >= most_steps; }
  /// Throws dream::Error for a future that is not there.
  std::vector<Lived> path(int which) const;
  FanView view() const;

 private:
  struct Future {
    std::string label;
    KnobValues knobs;
    std::optional<float> axis;  // FanOver::action: the choice, or the value of the first axis
  };
  Carry imagine(const torch::Tensor& action);

  FanView about_;
  System& system_;
  ActionSpace actions_;
  torch::Tensor idle_;  // [1, A]
  KnobValues knobs_;
  Hold hold_;
  std::vector<Future> futures_;
  at::Generator rng_;
  Carry dream_, memory_;
  torch::Tensor last_reward_, reward_, done_;  // [N]; the last two undefined without heads
  struct Step {
    torch::Tensor actions;  // [N, A]
    Carry drawn;
  };
  std::vector<Step> steps_;
};

}  // namespace dream
