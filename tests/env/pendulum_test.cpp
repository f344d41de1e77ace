// Against the real Gymnasium: golden file by tests/golden/make_pendulum.py.
#include "core/env/pendulum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/npy.h"

namespace dream {
namespace pendulum_test {

TEST(Pendulum, TwentySeedsFollowGymnasiumForWholeEpisodes) {
  const Npz data = read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/pendulum/traces.npz");
  const auto start = data.at("start").view<float>("start"), action = data.at("action").view<float>("action");
  const auto observation = data.at("observation").view<float>("observation");
  const auto reward = data.at("reward").view<double>("reward");
  const auto truncated = data.at("truncated").view<std::uint8_t>("truncated");
  ASSERT_EQ(reward.size(), 20u * 200u);
  Pendulum env;
  std::vector<float> seen(3);
  double worst_observation = 0, worst_reward = 0;
  auto compare = [&](std::span<const float> expected) {
    env.observe_vector(seen);
    for (std::size_t i = 0; i < 3; ++i) {
      worst_observation = std::max(worst_observation, std::abs(static_cast<double>(seen[i]) - expected[i]));
    }
  };
  for (std::size_t seed = 0; seed < 20; ++seed) {
    env.reset(seed);
    compare(start.subspan(3 * seed, 3));
    for (std::size_t t = 200 * seed; t < 200 * (seed + 1); ++t) {
      const StepResult result = env.step(action.subspan(t, 1));
      compare(observation.subspan(3 * t, 3));
      worst_reward = std::max(worst_reward, std::abs(static_cast<double>(result.reward) - reward[t]));
      EXPECT_EQ(result.truncated, truncated[t] != 0) << "seed " << seed << ", step " << t;
      EXPECT_FALSE(result.terminated);
    }
  }
  EXPECT_LE(worst_observation, 1e-6);
  EXPECT_LE(worst_reward, 1e-6);
}

TEST(Pendulum, DiagnosticsAreTheAngleAndItsVelocity) {
  Pendulum env;
  env.reset(4);
  for (int i = 0; i < 30; ++i) env.step(std::vector<float>{2});
  std::vector<float> seen(3);
  env.observe_vector(seen);
  const auto truth = env.diagnostics();
  ASSERT_EQ(truth.size(), 2u);
  EXPECT_EQ(truth[0].name, "theta");
  EXPECT_EQ(static_cast<float>(std::cos(truth[0].values[0])), seen[0]);
  EXPECT_EQ(static_cast<float>(std::sin(truth[0].values[0])), seen[1]);
  EXPECT_EQ(static_cast<float>(truth[1].values[0]), seen[2]);
}

// The centre of all amber pixels, from the pivot, in pixels: x to the right, y up.
std::pair<double, double> rod_in_picture(Pendulum& env) {
  std::vector<std::uint8_t> image(env.spaces().image_bytes());
  env.observe_image(image);
  double x = 0, y = 0;
  int count = 0;
  for (int at = 0; at < 64 * 64; ++at) {
    const std::uint8_t* p = &image[3 * static_cast<std::size_t>(at)];
    if (p[0] < 180 || p[2] > 110) continue;
    x += at % 64 + 0.5 - 32;
    y -= at / 64 + 0.5 - 32;
    ++count;
  }
  EXPECT_GT(count, 40);
  return {x / count, y / count};
}

TEST(Pendulum, ThePictureShowsTheAngle) {
  Pendulum env;
  double worst = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    env.reset(seed);
    const auto [x, y] = rod_in_picture(env);
    const double theta = env.diagnostics()[0].values[0];
    worst = std::max(worst, std::abs(std::remainder(std::atan2(-x, y) - theta, 2 * std::numbers::pi)));
  }
  EXPECT_LT(worst, 0.06);
}

TEST(Pendulum, ThePictureShowsWhereTheTorquePullsAndHowStrongly) {
  // Sky pixels, left and right of the pivot: counter-clockwise begins at the top and goes to the left.
  auto arrow = [](float torque) {
    Pendulum env;
    env.reset(0);
    env.step(std::vector<float>{torque});
    std::vector<std::uint8_t> image(env.spaces().image_bytes());
    env.observe_image(image);
    std::pair<int, int> count{};
    for (int at = 0; at < 64 * 64; ++at) {
      const std::uint8_t* p = &image[3 * static_cast<std::size_t>(at)];
      if (p[2] > 180 && p[0] < 130) ++(at % 64 < 32 ? count.first : count.second);
    }
    return count;
  };
  EXPECT_EQ(arrow(0), (std::pair{0, 0}));
  const auto left = arrow(2), right = arrow(-2), weak = arrow(0.5f);
  EXPECT_GT(left.first, 5 * left.second);
  EXPECT_GT(right.second, 5 * right.first);
  EXPECT_GT(weak.first, 0);
  EXPECT_LT(2 * weak.first, left.first);
}

TEST(Pendulum, ThePictureHidesTheVelocity) {
  // Seeds that begin in the same place at another speed.
  Pendulum env;
  env.reset(0);
  const auto first = env.diagnostics();
  std::vector<std::uint8_t> one(env.spaces().image_bytes()), other = one;
  env.observe_image(one);
  int found = 0;
  for (std::uint64_t seed = 1; seed < 20000; ++seed) {
    env.reset(seed);
    const auto truth = env.diagnostics();
    if (std::abs(truth[0].values[0] - first[0].values[0]) > 5e-4) continue;
    if (std::abs(truth[1].values[0] - first[1].values[0]) < 0.3) continue;
    ++found;
    env.observe_image(other);
    int furthest = 0;
    for (std::size_t i = 0; i < one.size(); ++i) furthest = std::max(furthest, std::abs(one[i] - other[i]));
    EXPECT_LE(furthest, 6);  // the rod's end lies within a hundredth of a pixel
  }
  EXPECT_GE(found, 1);
}

/// By the energy that is missing: as good as learned policies are (about −150, random ones −1,200).
TEST(PendulumExpert, SwingsUpAndHolds) {
  Pendulum env;
  double sum = 0;
  constexpr int episodes = 50;
  for (int seed = 0; seed < episodes; ++seed) {
    env.reset(static_cast<std::uint64_t>(seed));
    for (bool done = false; !done;) {
      std::vector<float> action(1);
      ASSERT_TRUE(env.expert(action));
      const auto result = env.step(action);
      sum += static_cast<double>(result.reward);
      done = result.done();
    }
  }
  EXPECT_GT(sum / episodes, -190);
}

}  // namespace pendulum_test
}  // namespace dream
