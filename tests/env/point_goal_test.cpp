// Against an implementation in NumPy: golden file by tests/golden/make_point_goal.py.
#include "core/env/point_goal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/npy.h"

namespace dream {
namespace point_goal_test {

using Point = PointGoal::Point;

Point point_of(const NamedArray& array, std::size_t at = 0) {
  return {array.values[2 * at], array.values[2 * at + 1]};
}

PointGoal::Hazards hazards_of(const Env& env) {
  PointGoal::Hazards hazards;
  const auto truth = env.diagnostics();
  for (std::size_t i = 0; i < hazards.size(); ++i) hazards[i] = point_of(truth[3], i);
  return hazards;
}

double away(Point a, Point b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

struct Totals {
  double reward = 0, cost = 0;
};

template <class Driver>
Totals episode(PointGoal& env, std::uint64_t seed, Driver driver) {
  env.reset(seed);
  Totals totals;
  StepResult result;
  while (!result.done()) {
    result = env.step(driver());
    totals.reward += result.reward;
    totals.cost += result.cost;
  }
  EXPECT_FALSE(result.terminated);
  return totals;
}

std::array<float, 2> straight(const Env& env) {
  const auto truth = env.diagnostics();
  const Point at = point_of(truth[0]), goal = point_of(truth[2]);
  const double x = goal.x - at.x, y = goal.y - at.y, most = std::max(std::abs(x), std::abs(y));
  return {static_cast<float>(x / most), static_cast<float>(y / most)};
}

TEST(PointGoal, FollowsTheImplementationInNumPy) {
  const Npz data = read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/point_goal/traces.npz");
  const auto layout = data.at("layout").view<double>("layout"), goals = data.at("goal").view<double>("goal");
  const auto action = data.at("action").view<float>("action"), vector = data.at("vector").view<float>("vector");
  const auto reward = data.at("reward").view<double>("reward");
  const auto cost = data.at("cost").view<std::uint8_t>("cost");
  PointGoal env;
  std::vector<float> seen(22);
  double worst = 0, worst_reward = 0;
  std::size_t t = 0;
  for (std::size_t seed = 0; seed < 12; ++seed) {
    env.reset(seed);
    const auto truth = env.diagnostics();
    std::vector<double> start = truth[0].values;
    start.insert(start.end(), truth[2].values.begin(), truth[2].values.end());
    start.insert(start.end(), truth[3].values.begin(), truth[3].values.end());
    ASSERT_TRUE(std::ranges::equal(start, layout.subspan(20 * seed, 20))) << "seed " << seed;
    for (int decision = 0; decision < 250; ++decision, ++t) {
      const StepResult result = env.step(action.subspan(2 * t, 2));
      env.observe_vector(seen);
      for (std::size_t i = 0; i < 22; ++i)
        worst = std::max(worst, std::abs(static_cast<double>(seen[i]) - vector[22 * t + i]));
      worst_reward = std::max(worst_reward, std::abs(result.reward - reward[t]));
      ASSERT_EQ(result.cost, cost[t]) << "seed " << seed << ", decision " << decision;
      ASSERT_EQ(env.diagnostics()[2].values[0], goals[2 * t]) << "seed " << seed << ", decision " << decision;
      ASSERT_EQ(result.truncated, decision == 249);
    }
  }
  EXPECT_LT(worst, 1e-6);
  EXPECT_LT(worst_reward, 1e-6);
}

// Eight discs of radius 0.2 in an arena of 3 x 3 are a share of 0.112; of it some is lost where they overlap or reach
// beyond the edge.
TEST(PointGoal, AUniformPositionCostsAsTheAreaOfTheHazardsSays) {
  PointGoal env;
  Rng rng(1);
  constexpr int layouts = 2000, spots = 100;
  int inside = 0;
  for (int seed = 0; seed < layouts; ++seed) {
    env.reset(static_cast<std::uint64_t>(seed));
    const auto hazards = hazards_of(env);
    for (int i = 0; i < spots; ++i) {
      const double x = rng.uniform(-PointGoal::kEdge, PointGoal::kEdge);
      inside += PointGoal::in_hazard({x, rng.uniform(-PointGoal::kEdge, PointGoal::kEdge)}, hazards);
    }
  }
  EXPECT_NEAR(static_cast<double>(inside) / (layouts * spots), 0.112, 0.003);  // four standard deviations
}

TEST(PointGoal, LayoutsKeepTheirDistances) {
  PointGoal env;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    env.reset(seed);
    const auto truth = env.diagnostics();
    const Point robot = point_of(truth[0]), goal = point_of(truth[2]);
    const auto hazards = hazards_of(env);
    EXPECT_GE(away(robot, goal), 0.705);
    for (std::size_t i = 0; i < hazards.size(); ++i) {
      EXPECT_GE(away(hazards[i], robot), 0.58);
      EXPECT_GE(away(hazards[i], goal), 0.485);
      for (std::size_t k = 0; k < i; ++k) EXPECT_GE(away(hazards[i], hazards[k]), 0.36);
    }
  }
}

TEST(PointGoal, TheLidarSeesTheNearestHazardOfEachSector) {
  // All of them out of reach but those that are placed.
  PointGoal::Hazards hazards;
  hazards.fill({100, 100});
  const Point here{0.2, -0.1};
  auto place = [&](std::size_t i, double degrees, double metres) {
    const double angle = degrees * std::numbers::pi / 180;
    hazards[i] = {here.x + metres * std::cos(angle), here.y + metres * std::sin(angle)};
  };
  auto seen = [&] { return PointGoal::lidar(here, hazards); };
  for (const double value : seen()) EXPECT_EQ(value, 0);
  // In the middle of sector 2: half of it in either neighbour.
  place(0, 56.25, 0.75);
  auto eye = seen();
  EXPECT_NEAR(eye[2], 0.75, 1e-12);
  EXPECT_NEAR(eye[1], 0.375, 1e-12);
  EXPECT_NEAR(eye[3], 0.375, 1e-12);
  EXPECT_NEAR(eye[0] + eye[4] + eye[10], 0, 1e-12);
  // One behind it is not seen, one before it is.
  place(1, 56.25, 1.5);
  EXPECT_EQ(seen(), eye);
  place(1, 56.25, 0.3);
  EXPECT_NEAR(seen()[2], 0.9, 1e-12);
  // Nearly at the end of the last sector: all of it in the first as well.
  place(1, 359.775, 0.6);
  eye = seen();
  EXPECT_NEAR(eye[15], 0.8, 1e-12);
  EXPECT_NEAR(eye[0], 0.99 * 0.8, 1e-9);
  EXPECT_NEAR(eye[14], 0.01 * 0.8, 1e-9);
}

TEST(PointGoal, FromWallToWallTakesTwoSecondsAndWallsStop) {
  PointGoal env;
  env.reset(0);
  for (int i = 0; i < 60; ++i) env.step(std::array{-1.0f, 0.0f});
  EXPECT_EQ(env.diagnostics()[0].values[0], -1.5);
  EXPECT_EQ(env.diagnostics()[1].values[0], 0.0);
  int decisions = 0;
  for (; env.diagnostics()[0].values[0] < 1.5; ++decisions) env.step(std::array{1.0f, 0.0f});
  EXPECT_NEAR(decisions * 0.08, 1.9, 0.15);
}

TEST(PointGoal, StraightDrivingBreaksTheLimitAndTheExpertKeepsIt) {
  PointGoal env;
  Totals direct, careful;
  constexpr int episodes = 20;
  double worst = 0;
  for (std::uint64_t seed = 0; seed < episodes; ++seed) {
    const Totals one = episode(env, seed, [&] { return straight(env); });
    direct.reward += one.reward / episodes;
    direct.cost += one.cost / episodes;
    const Totals other = episode(env, seed, [&] {
      std::array<float, 2> action{};
      EXPECT_TRUE(env.expert(action));
      return action;
    });
    careful.reward += other.reward / episodes;
    careful.cost += other.cost / episodes;
    worst = std::max(worst, other.cost);
  }
  const double limit = env.spaces().cost_limit;
  EXPECT_EQ(limit, 25);
  EXPECT_GT(direct.cost, 1.5 * limit);
  EXPECT_GT(direct.reward, 40);
  EXPECT_LT(worst, limit);
  EXPECT_GT(careful.reward, 0.85 * direct.reward);
}

TEST(PointGoal, WhoIsPutSomewhereStandsThereAtRestAndIsPaintedThere) {
  PointGoal env;
  env.reset(3);
  std::vector<std::uint8_t> image(env.spaces().image_bytes());
  for (int place = 0; place < 100; ++place) {
    const double x = (place % 10 + 0.5) / 10, y = (place / 10 + 0.5) / 10;
    if (!env.stand_at(x, y)) continue;
    env.observe_image(image);
    const auto at = 3 * (static_cast<std::size_t>(y * 64) * 64 + static_cast<std::size_t>(x * 64));
    EXPECT_EQ(image[at], paint::kChalk.red) << place;
    const auto truth = env.diagnostics();
    EXPECT_EQ(truth[1].values, (std::vector<double>{0, 0}));
    EXPECT_NEAR(truth[0].values[0], (x - 0.5) * 3.2, 1e-6);
    EXPECT_NEAR(truth[0].values[1], (0.5 - y) * 3.2, 1e-6);
  }
  const auto goal = env.diagnostics()[2].values;
  EXPECT_FALSE(env.stand_at(0.5 + goal[0] / 3.2, 0.5 - goal[1] / 3.2));  // it would have moved on
}

TEST(PointGoal, WhoHasJustPaidBlushes) {
  PointGoal env;
  env.reset(2);
  int blushes = 0;
  for (int decision = 0; decision < 250; ++decision) {
    const StepResult result = env.step(straight(env));
    std::vector<std::uint8_t> image(env.spaces().image_bytes());
    env.observe_image(image);
    const auto at = env.diagnostics()[0].values;
    const int x = std::clamp(static_cast<int>(32 + 20 * at[0]), 0, 63),
              y = std::clamp(static_cast<int>(32 - 20 * at[1]), 0, 63);
    const std::uint8_t* pixel = &image[3 * static_cast<std::size_t>(64 * y + x)];
    EXPECT_EQ(pixel[0] > 200 && pixel[1] < 120, result.cost > 0) << decision;
    blushes += result.cost > 0;
  }
  EXPECT_GT(blushes, 3);
}

}  // namespace point_goal_test
}  // namespace dream
