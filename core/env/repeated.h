#pragma once
#include <memory>

#include "core/env/env.h"

namespace dream {

/// Every action is held for `times` steps of another environment; rewards and costs add up, and an end cuts it short.
class RepeatedEnv : public Env {
 public:
  RepeatedEnv(std::unique_ptr<Env> inner, int times)
      : inner_(std::move(inner)), spaces_(inner_->spaces()), times_(times) {
    spaces_.max_episode_steps = (spaces_.max_episode_steps + times - 1) / times;
    spaces_.natural_rate /= static_cast<float>(times);
  }

  const Spaces& spaces() const override { return spaces_; }
  const Away* away() const override { return inner_->away(); }
  void reset(std::uint64_t seed) override { inner_->reset(seed); }
  void begin_reset(std::uint64_t seed) override { inner_->begin_reset(seed); }
  void begin_step(std::span<const float> action) override { inner_->begin_step(action); }  // the first of them
  StepResult step(std::span<const float> action) override {
    StepResult sum;
    for (int i = 0; i < times_ && !sum.done(); ++i) {
      const auto one = inner_->step(action);
      sum = {sum.reward + one.reward, one.terminated, one.truncated, sum.cost + one.cost};
    }
    return sum;
  }
  void observe_image(std::span<std::uint8_t> out) override { inner_->observe_image(out); }
  void observe_vector(std::span<float> out) override { inner_->observe_vector(out); }
  void render(int width, int height, std::span<std::uint8_t> out) override { inner_->render(width, height, out); }
  std::vector<std::byte> save_state() const override { return inner_->save_state(); }
  void load_state(std::span<const std::byte> state) override { inner_->load_state(state); }
  std::vector<NamedArray> diagnostics() const override { return inner_->diagnostics(); }
  bool stand_at(double x, double y) override { return inner_->stand_at(x, y); }
  void observe_goal(std::span<std::uint8_t> out) override { inner_->observe_goal(out); }
  bool goal_at(double x, double y) override { return inner_->goal_at(x, y); }
  bool expert(std::span<float> action) const override { return inner_->expert(action); }

 private:
  std::unique_ptr<Env> inner_;
  Spaces spaces_;
  int times_;
};

}  // namespace dream
