#pragma once
#include <memory>
#include <vector>

#include "core/env/env.h"

namespace dream {

/// The picture of another environment, cut to its top `rows` and resized. The filter is the triangle of Pillow's
/// BILINEAR, its support stretched when shrinking (what scipy's imresize did for "World Models"): every output pixel
/// is the weighted mean of all source pixels that it covers. Everything else passes through.
class ResizedEnv : public Env {
 public:
  /// rows = 0 keeps the whole picture. Throws dream::Error when the environment has no picture or too few rows.
  ResizedEnv(std::unique_ptr<Env> inner, int rows, int height, int width);

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override { inner_->reset(seed); }
  StepResult step(std::span<const float> action) override { return inner_->step(action); }
  void observe_image(std::span<std::uint8_t> out) override;
  void observe_vector(std::span<float> out) override { inner_->observe_vector(out); }
  void render(int width, int height, std::span<std::uint8_t> out) override { inner_->render(width, height, out); }
  std::vector<std::byte> save_state() const override { return inner_->save_state(); }
  void load_state(std::span<const std::byte> state) override { inner_->load_state(state); }

  Env& inner() { return *inner_; }

 private:
  struct Tap {  // one output coordinate: source pixels first … first + count, weights in taps' own array
    int first, count, offset;
  };
  struct Axis {
    std::vector<Tap> taps;
    std::vector<float> weights;
  };
  static Axis axis(int from, int to);

  std::unique_ptr<Env> inner_;
  Spaces spaces_;
  int rows_;
  Axis across_, down_;
  std::vector<std::uint8_t> source_;
  std::vector<float> narrowed_;
};

}  // namespace dream
