#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/env/env.h"
#include "core/env/resizer.h"

namespace dream {

/// The picture of another environment, cut to its top `rows` and resized. Everything else passes through.
class ResizedEnv : public Env {
 public:
  /// rows = 0 keeps the whole picture. Throws dream::Error when the environment has no picture or too few rows.
  ResizedEnv(std::unique_ptr<Env> inner, int rows, int height, int width);

  const Spaces& spaces() const override { return spaces_; }
  const Away* away() const override { return inner_->away(); }
  void reset(std::uint64_t seed) override { inner_->reset(seed); }
  StepResult step(std::span<const float> action) override { return inner_->step(action); }
  void begin_reset(std::uint64_t seed) override { inner_->begin_reset(seed); }
  void begin_step(std::span<const float> action) override { inner_->begin_step(action); }
  void observe_image(std::span<std::uint8_t> out) override;
  void observe_vector(std::span<float> out) override { inner_->observe_vector(out); }
  void render(int width, int height, std::span<std::uint8_t> out) override { inner_->render(width, height, out); }
  std::vector<std::byte> save_state() const override { return inner_->save_state(); }
  void load_state(std::span<const std::byte> state) override { inner_->load_state(state); }
  std::vector<NamedArray> diagnostics() const override { return inner_->diagnostics(); }
  bool stand_at(double x, double y) override { return inner_->stand_at(x, y); }
  void observe_goal(std::span<std::uint8_t> out) override;
  bool goal_at(double x, double y) override { return inner_->goal_at(x, y); }
  bool expert(std::span<float> action) const override { return inner_->expert(action); }

  Env& inner() { return *inner_; }

 private:
  std::unique_ptr<Env> inner_;
  Spaces spaces_;
  int rows_;
  std::optional<Resizer> resize_;
  std::vector<std::uint8_t> source_;
};

}  // namespace dream
