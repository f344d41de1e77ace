#pragma once
#include "core/env/small_env.h"

namespace dream {

/// Gymnasium's Pendulum-v1 (version 1.2.3): the same start for the same seed, the same trajectory and rewards for the
/// same actions, truncated after 200 steps. Vector: cos and sin of the angle (0 is upright, counter-clockwise), angular
/// velocity. The 64 x 64 picture is our own: rod, pivot, and an arrow for the torque of the last step; as in
/// Gymnasium's, no velocity can be seen. Diagnostics: theta [1] (not wrapped), theta_dot [1].
class Pendulum final : public SmallEnv {
 public:
  Pendulum();

  /// Swings up by the energy that is missing (Åström & Furuta 2000) and holds it there by a linear rule.
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  double theta_ = 0, theta_dot_ = 0;
  float torque_ = 0;  // of the last step
};

}  // namespace dream
