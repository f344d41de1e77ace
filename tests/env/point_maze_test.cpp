// What is PointMaze's own: closed forms of its motion, its walls, its expert. What every world must do is in conformance_test.cpp.
#include "core/env/point_maze.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "api/error.h"
#include "core/env/registry.h"

namespace dream {
namespace point_maze_test {

std::array<float, 6> seen(Env& env) {
  std::array<float, 6> vector{};
  env.observe_vector(vector);
  return vector;
}

/// Puts the point to rest at (x, y), in cells of the U-maze.
bool stand(Env& env, double x, double y) {
  return env.stand_at((x + 0.5) / 5, (y + 0.5) / 5);
}

StepResult push(Env& env, float x, float y) {
  return env.step(std::array{x, y});
}

TEST(PointMaze, FliesAsTheClosedFormSays) {
  PointMaze env;
  env.reset(1);
  ASSERT_TRUE(stand(env, 1, 1));
  const double keeps = 1 - PointMaze::kTick * PointMaze::kDrag, push_x = 0.25;
  for (int step = 1; step <= 8; ++step) {
    push(env, static_cast<float>(push_x), 0);
    // v_n = v_end (1 - q^n), and x is the sum of v_1 … v_n times a tick.
    const int n = step * PointMaze::kTicks;
    const double end = push_x * PointMaze::kPush / PointMaze::kDrag, still = std::pow(keeps, n);
    const auto vector = seen(env);
    EXPECT_NEAR(static_cast<double>(vector[2]), end * (1 - still), 1e-5);
    EXPECT_NEAR(static_cast<double>(vector[0]), 1 + PointMaze::kTick * end * (n - keeps * (1 - still) / (1 - keeps)), 1e-5);
    EXPECT_EQ(vector[1], 1);
    EXPECT_EQ(vector[3], 0);
  }
}

TEST(PointMaze, StopsAtAWallInThatAxisAlone) {
  PointMaze env;
  env.reset(1);
  ASSERT_TRUE(stand(env, 2, 1));
  float before = 0;
  for (int i = 0; i < 30; ++i) {
    push(env, 0, 1);  // below (2, 1) is a wall
    EXPECT_LE(seen(env)[1], 1.4f + 1e-6f);
  }
  EXPECT_FLOAT_EQ(seen(env)[1], 1.4f) << "half a cell, less half of the point";
  EXPECT_EQ(seen(env)[3], 0);
  before = seen(env)[0];
  push(env, 0.5f, 1);
  EXPECT_GT(seen(env)[0], before + 1e-3f) << "it slides along";
  for (int i = 0; i < 30; ++i) push(env, 1, -1);
  EXPECT_FLOAT_EQ(seen(env)[0], 3.4f);
  EXPECT_FLOAT_EQ(seen(env)[1], 0.6f);
}

TEST(PointMaze, NobodyGetsIntoAWall) {
  for (const auto* name : {"PointMaze", "PointMaze[maze=medium]", "PointMaze[maze=large,goal=moves]"}) {
    const auto env = make_env(name);
    Rng rng(3);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      env->reset(seed);
      const auto walls = env->diagnostics()[3];
      for (StepResult result; !result.done();) {
        result = push(*env, static_cast<float>(rng.uniform(-1, 1) > 0 ? 1 : -1), static_cast<float>(rng.uniform(-1, 1)));
        const auto at = env->diagnostics()[0].values;
        for (const double dx : {-0.0999, 0.0999})
          for (const double dy : {-0.0999, 0.0999}) {
            const auto column = static_cast<std::size_t>(std::floor(at[0] + dx + 0.5)), row = static_cast<std::size_t>(std::floor(at[1] + dy + 0.5));
            ASSERT_EQ(walls.values[row * walls.shape[1] + column], 0) << name << ": " << at[0] << ", " << at[1];
          }
      }
    }
  }
}

TEST(PointMaze, GoalsAreTwoCellsOfPathAwayAndPayNearby) {
  PointMaze env;
  const auto& walls = PointMaze::walls_of(MazePlan::umaze);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    env.reset(seed);
    const auto cell = [](double value) { return static_cast<int>(std::lround(value)); };
    const auto truth = env.diagnostics();
    const auto way = PointMaze::ways_to({cell(truth[2].values[0]), cell(truth[2].values[1])}, walls);
    EXPECT_GE(way[static_cast<std::size_t>(cell(truth[0].values[1]) * 5 + cell(truth[0].values[0]))], 2);
    const double x = truth[2].values[0], y = truth[2].values[1];
    ASSERT_TRUE(stand(env, x, y));
    EXPECT_EQ(push(env, 0, 0).reward, 1);
    const double beside = x > 2 ? x - 0.49 : x + 0.51;  // cells are free to the side of which there is one
    if (!stand(env, beside, y)) continue;
    EXPECT_EQ(push(env, 0, 0).reward, std::abs(beside - x) < 0.5 ? 1 : 0) << seed;
  }
  // From end to end of the U there are six.
  EXPECT_EQ(PointMaze::ways_to({1, 1}, walls)[3 * 5 + 1], 6);
}

double played(Env& env, std::uint64_t seed, bool expert, Rng rng = Rng(1)) {
  env.reset(seed);
  double sum = 0;
  for (StepResult result; !result.done();) {
    std::array<float, 2> action = {static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 1))};
    if (expert) env.expert(action);
    result = env.step(action);
    sum += static_cast<double>(result.reward);
  }
  return sum;
}

TEST(PointMaze, ItsExpertComesToTheGoalAndStaysAndChanceHardlyDoes) {
  for (const auto* name : {"PointMaze", "PointMaze[maze=medium]", "PointMaze[maze=large]"}) {
    const auto env = make_env(name);
    int reached = 0;
    double expert = 0, random = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const double paid = played(*env, seed, true);
      reached += paid > 60;
      expert += paid / 200, random += played(*env, seed, false, Rng(seed)) / 200;
    }
    EXPECT_GT(reached, 195) << name;
    EXPECT_LT(random, expert / 15) << name;
  }
}

TEST(PointMaze, AGoalThatMovesMovesOnceItIsReached) {
  const auto env = make_env("PointMaze[goal=moves]");
  env->reset(4);
  int moved = 0;
  auto goal = env->diagnostics()[2].values;
  std::array<float, 2> action{};
  for (StepResult result; !result.done();) {
    env->expert(action);
    result = env->step(action);
    const auto now = env->diagnostics()[2].values, at = env->diagnostics()[0].values;
    EXPECT_EQ(now != goal, std::hypot(at[0] - goal[0], at[1] - goal[1]) < PointMaze::kReached);
    moved += now != goal, goal = now;
  }
  EXPECT_GE(moved, 5);
}

TEST(PointMaze, RefusesWhatCannotBe) {
  PointMaze small;
  const auto medium = make_env("PointMaze[maze=medium]");
  small.reset(1), medium->reset(1);
  EXPECT_THROW(small.load_state(medium->save_state()), Error) << "of another maze";
  EXPECT_THROW(make_env("PointMaze[maze=round]"), Error);
  EXPECT_THROW(make_env("PointMaze[walls=2]"), Error);
  EXPECT_FALSE(stand(small, 1, 2)) << "a wall";
  EXPECT_FALSE(stand(small, 1.45, 1.45)) << "the point's corner would be in it";
}

}  // namespace point_maze_test
}  // namespace dream
