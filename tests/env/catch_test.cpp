#include "core/env/catch.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace dream {
namespace catch_test {

std::vector<float> vector_of(Env& env) {
  std::vector<float> seen(env.spaces().vector_names.size());
  env.observe_vector(seen);
  return seen;
}

int ball_column(Env& env) {
  return static_cast<int>(env.diagnostics()[0].values[0]);
}

// One saved state per column in which the ball begins.
std::array<std::vector<std::byte>, Catch::kColumns> beginnings() {
  std::array<std::vector<std::byte>, Catch::kColumns> states;
  Catch env;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    env.reset(seed);
    states[ball_column(env)] = env.save_state();
  }
  return states;
}

TEST(Catch, TheBallBeginsInEveryColumnAlikeOften) {
  Catch env;
  std::array<int, Catch::kColumns> count{};
  for (std::uint64_t seed = 0; seed < 10000; ++seed) {
    env.reset(seed);
    ++count[ball_column(env)];
  }
  for (const int n : count) EXPECT_NEAR(n, 1000, 150);  // five standard deviations
}

TEST(Catch, WhoFollowsTheBallCatchesItAlways) {
  Catch env;
  for (const auto& state : beginnings()) {
    env.load_state(state);
    StepResult result;
    int steps = 0;
    while (!result.done()) {
      const auto seen = vector_of(env);
      result = env.step(std::vector<float>{seen[0] < seen[2] ? 0.0f : seen[0] > seen[2] ? 2.0f : 1.0f});
      EXPECT_EQ(result.reward, result.done() ? 1.0f : 0.0f);
      ++steps;
    }
    EXPECT_TRUE(result.terminated);
    EXPECT_EQ(steps, Catch::kRows - 1);
  }
}

TEST(Catch, WhoDoesNotLookCatchesOneInTen) {
  // Every sequence of actions against every column: a policy that does not see the ball mixes these, so that its
  // success, the random policy's among them, is the same tenth.
  Catch env;
  const auto states = beginnings();
  constexpr int sequences = 19683;  // 3^9
  for (int sequence = 0; sequence < sequences; ++sequence) {
    int caught = 0;
    for (const auto& state : states) {
      env.load_state(state);
      StepResult result;
      for (int left = sequence; !result.done(); left /= 3) {
        const float action = static_cast<float>(left % 3);
        result = env.step(std::span(&action, 1));
      }
      caught += result.reward == 1.0f;
      EXPECT_EQ(std::abs(result.reward), 1.0f);
    }
    ASSERT_EQ(caught, 1) << "sequence " << sequence;
  }
}

TEST(Catch, ThePictureShowsBallAndPaddleInTheirCells) {
  Catch env;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    env.reset(seed);
    for (int row = 0; row < Catch::kRows; ++row) {
      std::vector<std::uint8_t> image(env.spaces().image_bytes());
      env.observe_image(image);
      auto pixel = [&](int x, int y) { return &image[3 * static_cast<std::size_t>(y * 64 + x)]; };
      const int ball = ball_column(env), paddle = static_cast<int>(env.diagnostics()[1].values[0]);
      for (int column = 0; column < Catch::kColumns; ++column) {
        const std::uint8_t* floor = pixel(2 + 6 * column + 1, 62 - 1);
        EXPECT_EQ(floor[2] > 200, column == paddle) << column;
        const std::uint8_t* cell = pixel(2 + 6 * column + 3, 2 + 6 * row + 2);
        EXPECT_EQ(cell[0] > 200, column == ball) << column << ", row " << row;
      }
      if (row < Catch::kRows - 1) env.step(std::vector<float>{static_cast<float>((seed + row) % 3)});
    }
  }
}

}  // namespace catch_test
}  // namespace dream
