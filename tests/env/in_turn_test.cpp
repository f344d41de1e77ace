// Several worlds as one: whose turn it is, and that each is the world that it is alone.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/env/in_turn.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"

namespace dream {
namespace in_turn_test {

TEST(InTurn, IsEachWorldInItsTurn) {
  const auto trio = make_env("ControlTrio");
  const Spaces& spaces = trio->spaces();
  ASSERT_EQ(spaces.tasks, (std::vector<std::string>{"CartPoleSwingUp", "Pendulum", "PointGoal"}));
  ASSERT_EQ(spaces.vector_names.size(), 23u);
  ASSERT_EQ(spaces.action.size(), 2u);
  ASSERT_EQ(spaces.max_episode_steps, 250);  // PointGoal's
  for (std::uint64_t seed = 30; seed < 36; ++seed) {
    const auto task = seed % 3;
    auto alone = make_env(spaces.tasks[task]);
    if (task == 0) alone = std::make_unique<RepeatedEnv>(std::move(alone), 4);
    trio->reset(seed);
    alone->reset(seed);
    const auto& own = alone->spaces();
    StepResult there, here;
    int steps = 0;
    while (!there.done()) {
      const std::vector<float> action{steps % 7 < 4 ? 0.5f : -0.25f, -0.75f};
      std::vector<float> scaled;
      for (std::size_t i = 0; i < own.action.size(); ++i)
        scaled.push_back(own.action.low[i] + (action[i] + 1) / 2 * (own.action.high[i] - own.action.low[i]));
      here = trio->step(action);
      there = alone->step(scaled);
      ASSERT_EQ(here.reward, there.reward);
      ASSERT_EQ(here.terminated, there.terminated);
      ASSERT_EQ(here.truncated, there.truncated);
      ASSERT_EQ(here.cost, 0);
      std::vector<float> seen(23, -9), shown(own.vector_names.size());
      trio->observe_vector(seen);
      alone->observe_vector(shown);
      ASSERT_EQ(seen[0], static_cast<float>(task));
      for (std::size_t i = 1; i < seen.size(); ++i) ASSERT_EQ(seen[i], i <= shown.size() ? shown[i - 1] : 0.0f);
      ++steps;
    }
    EXPECT_THROW(trio->step(std::vector<float>{0, 0}), Error);
  }
}

TEST(InTurn, ItsExpertIsTheWorldsOwnOrNone) {
  const auto trio = make_env("ControlTrio"), pendulum = make_env("Pendulum");
  std::vector<float> action(2), own(1);
  trio->reset(1);
  pendulum->reset(1);
  ASSERT_TRUE(pendulum->expert(own));
  ASSERT_TRUE(trio->expert(action));
  EXPECT_FLOAT_EQ(action[0] * 2, own[0]);  // its torque is from -2 to 2
  EXPECT_EQ(action[1], 0);
}

TEST(InTurn, WhatDoesNotFitIsRefusedByName) {
  std::vector<InTurn::World> worlds;
  worlds.push_back({"Pendulum", make_env("Pendulum")});
  worlds.push_back({"CartPole", make_env("CartPole")});
  try {
    InTurn both("Both", std::move(worlds));
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "Both: CartPole does not fit beside Pendulum.");
  }
}

}  // namespace in_turn_test
}  // namespace dream
