#pragma once
#include "core/env/small_env.h"

namespace dream {

/// A square that five actions move, as in edwhu/dreamer4-jax, with "stay" besides: 4 pixels of 64 a step (there 2 of
/// 32), and what would leave the picture is reflected by its edge: a push against the wall bounces off it. Side (8, 12
/// or 16 pixels), colour (one of four) and the place where it begins are the seed's. Here they lie on cells of 4
/// pixels, there anywhere, and colours of square and ground are any. Reward: minus the distance of its middle from the
/// picture's, of the picture's side (there of a pixel). Whoever is to find the controls by watching sees bounces as
/// moves the other way: of actions that are drawn anew every step, motion tells 0.91 to 0.92 in normalised mutual
/// information, of actions that are held for 1 to 10 steps 0.75 to 0.77. Vector: x, y of the middle and the side, of
/// the picture's side. Diagnostics: the middle, in pixels.
class BouncingSquare final : public SmallEnv {
 public:
  static constexpr int kCells = 16, kCell = 4;  // of the picture's side; pixels of one
  static constexpr int kTimeLimit = 100;
  BouncingSquare();

  /// Towards the middle.
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;
  int room() const { return kCells - side_; }  // the last cell that its corner can stand on

  int x_ = 0, y_ = 0, side_ = 2, colour_ = 0;  // the upper left corner and the side in cells
};

}  // namespace dream
