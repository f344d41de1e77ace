#pragma once
#include <array>

#include "core/env/small_env.h"

namespace dream {

/// A point robot drives to a goal, and when it is there to the next; hazards lie in between, and being in one costs. In
/// the manner of Safety Gymnasium's SafetyPointGoal1 (Ji et al. 2023), with its sizes: an arena of 1.5 m to every side,
/// 8 hazards of radius 0.2, a goal of radius 0.3, sampled by rejection so that they keep apart. Reward: the distance
/// gained, and 1 at the goal. Cost: 1 for every 0.02 s that ends inside a hazard.
///
/// An episode has 1000 such ticks and may cost 25, as there. A decision is held for four of them, so there are 250;
/// the cost of one is the number of its ticks, from 0 to 4, and the limit stays 25 an episode.
///
/// What differs: the robot is a point mass that is pushed along the two axes of the world and slowed by drag, without a
/// heading; it takes 1.8 s from wall to wall, and walls stop it. There is no vase. Whoever drives straight to the
/// goals has a return of some 43 and a cost of 52; the expert, who knows the hazards, 39 and 0.
///
/// Vector, 22 numbers: 16 of a lidar that sees hazards (below); the direction of the goal as a unit vector and its
/// closeness; the velocity in m/s; whether the robot is in a hazard. Closeness is 1 - d / 3 m, at least 0. The lidar
/// is Safety Gymnasium's: sector i of 22.5 degrees, counter-clockwise from the right, holds the closeness of the
/// nearest centre in it, and its two neighbours hold shares of it, the more the nearer they are. The 64 x 64 picture is
/// seen from above, 20 pixels a metre; the robot blushes when the last decision has cost something. Diagnostics:
/// position, velocity and goal [2], hazards [8, 2].
class PointGoal final : public SmallEnv {
 public:
  struct Point {
    double x = 0, y = 0;
  };
  static constexpr int kHazards = 8, kSectors = 16, kRepeat = 4, kDecisions = 250;
  static constexpr double kEdge = 1.5, kHazardRadius = 0.2, kGoalRadius = 0.3;
  using Hazards = std::array<Point, kHazards>;

  PointGoal();
  bool stand_at(double x, double y) override;
  bool expert(std::span<float> action) const override;

  static std::array<double, kSectors> lidar(Point from, const Hazards& hazards);
  static bool in_hazard(Point at, const Hazards& hazards);

 private:
  struct Body {
    Point at, velocity;
    void push(Point thrust);  // for one tick
  };
  struct Layout {
    Point robot, goal;
    Hazards hazards;
  };
  static Layout laid_out(std::uint64_t seed);
  void place_next_goal();

  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  std::uint64_t layout_ = 0;  // the seed of hazards, start and goals, less than 2^31
  int reached_ = 0;           // goals
  Body body_;
  Point goal_;
  Hazards hazards_{};
  int cost_ = 0;  // of the last decision
};

}  // namespace dream
