#pragma once
#include "core/env/small_env.h"

namespace dream {

/// Catch, as in Mnih et al. 2014 ("Recurrent models of visual attention") and bsuite (Osband et al. 2020): a ball falls
/// from a random column, one row a step, and a paddle at the bottom moves left, stays or moves right. The ninth step
/// ends the episode: reward 1 where the ball was caught, -1 where not, 0 before. The grid has 10 rows and 10 columns
/// (bsuite: 10 and 5), painted as cells of 6 x 6 pixels within a border of 2; the paddle starts at column 5.
/// Whoever does not look at the ball catches it in 10 % of the episodes, a mean return of -0.8.
/// Vector: ball_x, ball_y, paddle_x, from 0 to 1. Diagnostics: the same, in cells.
class Catch final : public SmallEnv {
 public:
  static constexpr int kRows = 10, kColumns = 10;
  Catch();

  /// Towards the ball's column.
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  int ball_x_ = 0, ball_y_ = 0, paddle_x_ = 0;
};

}  // namespace dream
