#pragma once
#include <array>

#include "core/env/small_env.h"

namespace dream {

/// A puck on a plane that is to be brought to the middle and left there: the linear-quadratic problem, whose best
/// driver is known exactly, so that a planner can be measured against it. State x = (px, py, vx, vy), action u = two
/// pushes in [-1, 1], 0.2 s a step: x' = A x + B u, reward -(x'Qx + u'Ru) of the state before the step, 50 steps, no
/// noise, no end before.
///
/// The best driver is u = -K x, and x'Px is what the rest of the episode costs it, but for 1e-12. From every start, the
/// positions within 1 m and velocities within 0.6 m/s, its pushes stay below 0.81, so that the bounds play no part; it
/// arrives in some nine steps, and whoever plans the best twelve steps again and again pays no more than 2e-6 more.
///
/// Vector: the state. The 64 x 64 picture shows 1.6 m to every side, the puck and its velocity; one that is further
/// away waits at the edge. Diagnostics: state [4]; gain [2, 4], K; cost_to_go [4, 4], P.
class LinearQuadratic final : public SmallEnv {
 public:
  static constexpr double kReach = 1, kSpeed = 0.6;  // of the start
  static constexpr int kSteps = 50;
  template <int rows, int columns>
  using Matrix = std::array<std::array<double, columns>, rows>;
  static constexpr Matrix<4, 4> kA{{{1, 0, 0.2, 0}, {0, 1, 0, 0.2}, {0, 0, 0.8, 0}, {0, 0, 0, 0.8}}};
  static constexpr Matrix<4, 2> kB{{{0, 0}, {0, 0}, {1, 0}, {0, 1}}};
  static constexpr Matrix<4, 4> kQ{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0.05, 0}, {0, 0, 0, 0.05}}};
  static constexpr Matrix<2, 2> kR{{{2, 0}, {0, 2}}};
  // By tests/golden/make_linear_quadratic.py.
  static constexpr double kPosition = 5.066535608173672, kMixed = 1.7353247460718095, kVelocity = 1.01135197432919;
  static constexpr Matrix<4, 4> kCostToGo{
      {{kPosition, 0, kMixed, 0}, {0, kPosition, 0, kMixed}, {kMixed, 0, kVelocity, 0}, {0, kMixed, 0, kVelocity}}};
  static constexpr double kSpring = 0.5762610152731718, kBrake = 0.3839293906967676;
  static constexpr Matrix<2, 4> kGain{{{kSpring, 0, kBrake, 0}, {0, kSpring, 0, kBrake}}};

  LinearQuadratic();
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  std::array<double, 4> state_{};
};

}  // namespace dream
