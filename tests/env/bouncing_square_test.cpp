#include "core/env/bouncing_square.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace dream {
namespace bouncing_square_test {

constexpr std::array<std::array<int, 2>, 5> ways = {{{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}}};

std::vector<double> middle_of(const Env& env) {
  return env.diagnostics()[0].values;
}

StepResult act(Env& env, int action) {
  const auto value = static_cast<float>(action);
  return env.step(std::span(&value, 1));
}

TEST(BouncingSquare, EveryActionMovesItByFourPixelsAndTheEdgeReflectsIt) {
  BouncingSquare env;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    env.reset(seed);
    std::array<float, 3> seen{};
    env.observe_vector(seen);
    const double half = seen[2] * 64 / 2;
    for (int t = 0; t < 80; ++t) {
      const auto before = middle_of(env);
      const int action = static_cast<int>((seed + static_cast<std::uint64_t>(t) / 17) % 5);
      act(env, action);
      for (std::size_t axis = 0; axis < 2; ++axis) {
        double wanted = before[axis] + 4 * ways[static_cast<std::size_t>(action)][axis];
        if (wanted < half) wanted += 8;
        if (wanted > 64 - half) wanted -= 8;
        ASSERT_DOUBLE_EQ(middle_of(env)[axis], wanted) << "seed " << seed << ", step " << t;
      }
    }
  }
}

TEST(BouncingSquare, ThePictureShowsASquareWhereItIs) {
  BouncingSquare env;
  std::array<int, 3> sides{};
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    env.reset(seed);
    std::array<float, 3> seen{};
    env.observe_vector(seen);
    std::vector<std::uint8_t> image(env.spaces().image_bytes());
    env.observe_image(image);
    int lit = 0;
    double x = 0, y = 0;
    for (int row = 0; row < 64; ++row)
      for (int column = 0; column < 64; ++column)
        if (const auto* pixel = &image[3 * static_cast<std::size_t>(64 * row + column)]; pixel[0] > 80)
          ++lit, x += column + 0.5, y += row + 0.5;
    const double side = 64 * static_cast<double>(seen[2]);
    EXPECT_EQ(lit, static_cast<int>(side * side));
    EXPECT_DOUBLE_EQ(x / lit, middle_of(env)[0]);
    EXPECT_DOUBLE_EQ(y / lit, middle_of(env)[1]);
    ++sides[static_cast<std::size_t>(side / 4) - 2];
  }
  for (const int n : sides) EXPECT_GT(n, 5);
}

TEST(BouncingSquare, WhoHeadsForTheMiddleStaysThere) {
  BouncingSquare env;
  env.reset(3);
  StepResult result;
  for (int t = 0; t < BouncingSquare::kTimeLimit; ++t) {
    ASSERT_FALSE(result.done());
    float action = -1;
    ASSERT_TRUE(env.expert(std::span(&action, 1)));
    result = act(env, static_cast<int>(action));
  }
  EXPECT_TRUE(result.truncated);
  EXPECT_GE(result.reward, -std::hypot(1.0f, 1.0f) / 32) << "half a cell at most beside it";
}

}  // namespace bouncing_square_test
}  // namespace dream
