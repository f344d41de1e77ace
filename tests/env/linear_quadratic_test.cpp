// Against NumPy: golden file by tests/golden/make_linear_quadratic.py.
#include "core/env/linear_quadratic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/npy.h"

namespace dream {
namespace linear_quadratic_test {

using Puck = LinearQuadratic;

Npz golden() {
  return read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/linear_quadratic/traces.npz");
}

std::vector<double> state_of(const Env& env) {
  return env.diagnostics()[0].values;
}

TEST(LinearQuadratic, FollowsNumPy) {
  const Npz data = golden();
  const auto start = data.at("start").view<double>("start"), states = data.at("state").view<double>("state");
  const auto action = data.at("action").view<float>("action");
  const auto reward = data.at("reward").view<double>("reward");
  Puck env;
  std::vector<float> seen(4);
  double worst = 0, worst_reward = 0;
  for (std::size_t seed = 0; seed < 20; ++seed) {
    env.reset(seed);
    ASSERT_TRUE(std::ranges::equal(state_of(env), start.subspan(4 * seed, 4)));
    for (std::size_t t = 50 * seed; t < 50 * (seed + 1); ++t) {
      const StepResult result = env.step(action.subspan(2 * t, 2));
      const auto state = state_of(env);
      env.observe_vector(seen);
      for (std::size_t i = 0; i < 4; ++i) {
        worst = std::max(worst, std::abs(state[i] - states[4 * t + i]));
        ASSERT_EQ(seen[i], static_cast<float>(state[i]));
      }
      worst_reward = std::max(worst_reward, std::abs(result.reward / reward[t] - 1));
      ASSERT_FALSE(result.terminated);
      ASSERT_EQ(result.truncated, t % 50 == 49);
    }
  }
  EXPECT_LT(worst, 1e-12);
  EXPECT_LT(worst_reward, 1e-6);
}

// What the constants claim: the cost-to-go of u = -Kx is P, and no other pushes cost less (Riccati's equation).
TEST(LinearQuadratic, GainAndCostToGoSolveTheRiccatiEquation) {
  for (int column = 0; column < 4; ++column) {
    std::array<double, 4> x{}, next{};
    x[column] = 1;
    std::array<double, 2> u{};
    for (int axis = 0; axis < 2; ++axis) u[axis] = -Puck::kGain[axis][column];
    for (int row = 0; row < 4; ++row) {
      next[row] = Puck::kA[row][column];
      for (int axis = 0; axis < 2; ++axis) next[row] += Puck::kB[row][axis] * u[axis];
    }
    std::array<double, 4> to_go{};  // P x'
    for (int row = 0; row < 4; ++row) {
      for (int k = 0; k < 4; ++k) to_go[row] += Puck::kCostToGo[row][k] * next[k];
    }
    // The gradient of the cost by u: R u + B' P x' = 0.
    for (int axis = 0; axis < 2; ++axis) {
      double gradient = 0;
      for (int other = 0; other < 2; ++other) gradient += Puck::kR[axis][other] * u[other];
      for (int row = 0; row < 4; ++row) gradient += Puck::kB[row][axis] * to_go[row];
      EXPECT_NEAR(gradient, 0, 1e-12);
    }
    // And then P x = Q x + A' P x'.
    for (int row = 0; row < 4; ++row) {
      double sum = Puck::kQ[row][column];
      for (int k = 0; k < 4; ++k) sum += Puck::kA[k][row] * to_go[k];
      EXPECT_NEAR(sum, Puck::kCostToGo[row][column], 1e-12);
    }
  }
}

TEST(LinearQuadratic, TheExpertPaysWhatTheCostToGoSaysAndNeverMeetsABound) {
  const Npz data = golden();
  const auto optimal = data.at("optimal").view<double>("optimal");
  Puck env;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    env.reset(seed);
    const auto x = state_of(env);
    double expected = 0;
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < 4; ++k) expected += x[i] * Puck::kCostToGo[i][k] * x[k];
    }
    std::array<float, 2> action{};
    double cost = 0;
    int settled = 0;
    for (int step = 1; step <= Puck::kSteps; ++step) {
      ASSERT_TRUE(env.expert(action));
      for (const float push : action) ASSERT_LT(std::abs(push), 0.81f) << "seed " << seed;
      cost -= env.step(action).reward;
      const auto now = state_of(env);
      if (std::hypot(now[0], now[1]) > 0.1) settled = step;
    }
    EXPECT_NEAR(cost / expected, 1, 1e-5) << "seed " << seed;
    if (seed < optimal.size()) {
      EXPECT_NEAR(cost / optimal[seed], 1, 1e-5) << "seed " << seed;
    }
    EXPECT_LE(settled, 12) << "seed " << seed;
  }
}

TEST(LinearQuadratic, ThePictureShowsThePuck) {
  Puck env;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    env.reset(seed);
    std::vector<std::uint8_t> image(env.spaces().image_bytes());
    env.observe_image(image);
    double x = 0, y = 0;
    int count = 0;
    for (int at = 0; at < 64 * 64; ++at) {
      const std::uint8_t* p = &image[3 * static_cast<std::size_t>(at)];
      if (std::min({p[0], p[1], p[2]}) < 185) continue;
      x += at % 64 + 0.5 - 32;
      y -= at / 64 + 0.5 - 32;
      ++count;
    }
    ASSERT_GT(count, 15);
    EXPECT_NEAR(x / count, 20 * state_of(env)[0], 0.5);
    EXPECT_NEAR(y / count, 20 * state_of(env)[1], 0.5);
  }
}

}  // namespace linear_quadratic_test
}  // namespace dream
