// Against a port of the book's mazes to Python: golden files by tests/golden/make_maze.py.
#include "core/env/maze.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/npy.h"

namespace dream {
namespace maze_test {

int state_of(Env& env) {
  float state = -1;
  env.observe_vector(std::span(&state, 1));
  return static_cast<int>(state);
}

StepResult go(Env& env, int choice) {
  const auto action = static_cast<float>(choice);
  return env.step(std::span(&action, 1));
}

// Steps of the expert until it is paid.
int way_to_goal(Env& env) {
  float action = 0;
  for (int steps = 1; steps < 100; ++steps) {
    EXPECT_TRUE(env.expert(std::span(&action, 1)));
    const StepResult result = env.step(std::span(&action, 1));
    if (result.reward == 1) return steps;
    EXPECT_EQ(result.reward, 0.0f);
  }
  return -1;
}

// Against the edge, where nothing changes.
void wait_until(Env& env, int steps_made, int steps) {
  for (; steps_made < steps; ++steps_made) go(env, Maze::down);
}

struct Named {
  MazeKind kind;
  const char* file;
};

class MazeWalks : public testing::TestWithParam<Named> {};
INSTANTIATE_TEST_SUITE_P(Kinds, MazeWalks,
                         testing::Values(Named{MazeKind::dyna, "dyna"}, Named{MazeKind::blocking, "blocking"},
                                         Named{MazeKind::shortcut, "shortcut"}),
                         [](const auto& test) { return std::string(test.param.file); });

TEST_P(MazeWalks, FollowThePortStepByStep) {
  const Npz data = read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/maze/" + GetParam().file + ".npz");
  const auto length = data.at("length").view<std::int64_t>("length");
  const auto action = data.at("action").view<float>("action"), state = data.at("state").view<float>("state");
  const auto reward = data.at("reward").view<float>("reward");
  Maze env(GetParam().kind);
  std::size_t t = 0;
  for (const std::int64_t steps : length) {
    env.reset(t);
    for (std::int64_t step = 1; step <= steps; ++step, ++t) {
      const StepResult result = env.step(action.subspan(t, 1));
      ASSERT_EQ(state_of(env), state[t]) << "step " << step;
      ASSERT_EQ(result.reward, reward[t]) << "step " << step;
      const bool ends = GetParam().kind == MazeKind::dyna;
      ASSERT_EQ(result.terminated, ends && reward[t] == 1) << "step " << step;
      ASSERT_EQ(result.truncated, !ends && step == steps) << "step " << step;
    }
  }
  EXPECT_EQ(t, action.size());
}

TEST(Maze, TheShortestWaysAreTheBooks) {
  Maze dyna(MazeKind::dyna);
  dyna.reset(0);
  EXPECT_EQ(way_to_goal(dyna), 14);

  Maze blocking(MazeKind::blocking);
  blocking.reset(0);
  EXPECT_EQ(way_to_goal(blocking), 10);
  wait_until(blocking, 10, 1000);
  EXPECT_EQ(way_to_goal(blocking), 16);

  Maze shortcut(MazeKind::shortcut);
  shortcut.reset(0);
  EXPECT_EQ(way_to_goal(shortcut), 16);
  wait_until(shortcut, 16, 3000);
  EXPECT_EQ(way_to_goal(shortcut), 10);
}

TEST(Maze, TheGoalTakesALifeBackToItsStart) {
  Maze env(MazeKind::shortcut);
  env.reset(0);
  EXPECT_EQ(state_of(env), 5 * 9 + 3);
  way_to_goal(env);
  EXPECT_EQ(state_of(env), 5 * 9 + 3);
  // The expert's whole life: 3000 steps in ways of 16 are 187 and 8 steps over; the rest of that way, then ways of 10.
  env.reset(0);
  float action = 0, sum = 0;
  StepResult result;
  while (!result.done()) {
    env.expert(std::span(&action, 1));
    result = env.step(std::span(&action, 1));
    sum += result.reward;
  }
  EXPECT_TRUE(result.truncated);
  EXPECT_FALSE(result.terminated);
  EXPECT_NEAR(sum, 187 + 300, 1);
}

TEST(Maze, WhoStandsInTheGapThatClosesWalksOutOfTheWall) {
  Maze env(MazeKind::blocking);
  env.reset(0);
  const int gap = 3 * 9 + 8;
  for (const int choice : {3, 3, 3, 3, 3, 0, 0}) go(env, choice);
  ASSERT_EQ(state_of(env), gap);
  for (int steps = 7; steps < 1000; ++steps) go(env, Maze::right);  // over the edge
  ASSERT_EQ(state_of(env), gap);
  EXPECT_EQ(env.diagnostics()[2].values[gap], 1);
  const auto state = env.save_state();
  go(env, Maze::left);  // a wall
  EXPECT_EQ(state_of(env), gap);
  go(env, Maze::up);
  EXPECT_EQ(state_of(env), 2 * 9 + 8);
  go(env, Maze::down);  // and not back in
  EXPECT_EQ(state_of(env), 2 * 9 + 8);
  // Such a moment can be saved, and the expert knows the way.
  Maze other(MazeKind::blocking);
  other.load_state(state);
  EXPECT_EQ(way_to_goal(other), 3);
}

TEST(Maze, DiagnosticsAreTheWallsOfNow) {
  Maze env(MazeKind::shortcut);
  env.reset(0);
  auto walls = [&] {
    std::string row;
    for (int column = 0; column < 9; ++column) row += env.diagnostics()[2].values[3 * 9 + column] == 1 ? '#' : '.';
    return row;
  };
  wait_until(env, 0, 2999);
  EXPECT_EQ(walls(), ".########");
  go(env, Maze::down);
  EXPECT_EQ(walls(), ".#######.");
  EXPECT_EQ(env.diagnostics()[0].values, (std::vector<double>{5, 3}));
}

TEST(Maze, WhoIsPutAtACellStandsThere) {
  Maze env(MazeKind::dyna);
  env.reset(0);
  const auto walls = env.diagnostics()[2].values;
  for (int state = 0; state < 54; ++state) {
    const double x = (5 + 6 * (state % 9) + 3) / 64.0, y = (14 + 6 * (state / 9) + 3) / 64.0;
    EXPECT_EQ(env.stand_at(x, y), walls[state] == 0 && state != 8) << state;
    if (walls[state] == 0 && state != 8) {
      EXPECT_EQ(state_of(env), state);
    }
  }
}

TEST(Maze, ThePictureShowsWallsGoalAndAgentInTheirCells) {
  for (const auto kind : {MazeKind::dyna, MazeKind::blocking, MazeKind::shortcut}) {
    Maze env(kind);
    env.reset(0);
    Rng rng(1);
    for (int step = 0; step < 1500; ++step) {
      if (go(env, static_cast<int>(rng.integers(4))).done()) break;
      if (step % 50 != 0) continue;
      std::vector<std::uint8_t> image(env.spaces().image_bytes());
      env.observe_image(image);
      const auto truth = env.diagnostics();
      for (int state = 0; state < 54; ++state) {
        const int row = state / 9, column = state % 9;
        auto pixel = [&](int x, int y) {
          return &image[3 * static_cast<std::size_t>((14 + 6 * row + y) * 64 + 5 + 6 * column + x)];
        };
        EXPECT_EQ(pixel(3, 3)[2] > 200, state == state_of(env)) << state;
        EXPECT_EQ(pixel(0, 0)[0] == paint::kWall.red, truth[2].values[state] == 1) << state;
        EXPECT_EQ(pixel(1, 1)[0] == paint::kAmber.red, state == 8) << state;
      }
    }
  }
}

}  // namespace maze_test
}  // namespace dream
