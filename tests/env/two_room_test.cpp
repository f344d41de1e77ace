// Against eb_jepa: golden file by tests/golden/make_jepa.py.
#include "core/env/two_room.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/env/registry.h"

namespace dream {
namespace two_room_test {

Npz golden() {
  return read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/jepa/two_room.npz");
}

std::vector<double> place_of(const Env& env, std::size_t which = 0) {
  return env.diagnostics()[which].values;
}

TEST(TwoRoom, WalksAsEbJepa) {
  const Npz data = golden();
  const auto wall = data.at("wall").view<std::int64_t>("wall"), door = data.at("door").view<std::int64_t>("door");
  const auto action = data.at("action").view<float>("action");
  const auto position = data.at("position").view<double>("position");
  int blocked = 0, through = 0;
  for (std::size_t i = 0; i < wall.size(); ++i) {
    const TwoRoom::Layout layout{static_cast<double>(wall[i]), static_cast<double>(door[i])};
    TwoRoom::Point at{position[i * 122], position[i * 122 + 1]};
    for (std::size_t t = 0; t < 60; ++t) {
      const auto before = at;
      at = TwoRoom::moved(at, {action[(i * 60 + t) * 2], action[(i * 60 + t) * 2 + 1]}, layout);
      const auto* expected = &position[(i * 61 + t + 1) * 2];
      ASSERT_NEAR(at.x, expected[0], 1e-9) << "layout " << i << ", step " << t;
      ASSERT_NEAR(at.y, expected[1], 1e-9) << "layout " << i << ", step " << t;
      blocked += at.x == before.x && at.y == before.y;
      through += (before.x < layout.wall) != (at.x < layout.wall);
    }
  }
  // Both are met, or nothing was shown.
  EXPECT_GT(blocked, 100);
  EXPECT_GE(through, 10);
}

TEST(TwoRoom, ShowsWhatEbJepaShows) {
  const Npz data = golden();
  const auto wall = data.at("wall").view<std::int64_t>("wall"), door = data.at("door").view<std::int64_t>("door");
  const auto position = data.at("position").view<double>("position");
  const auto dot = data.at("dot").view<std::uint8_t>("dot"), walls = data.at("walls").view<std::uint8_t>("walls");
  std::vector<std::uint8_t> seen(64 * 64 * 3);
  int worst = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    TwoRoom env({.wall = static_cast<double>(wall[i]), .door = static_cast<double>(door[i])});
    env.reset(i);
    ASSERT_TRUE(env.stand_at((position[i * 122] + 0.5) / 64, (position[i * 122 + 1] + 0.5) / 64));
    env.observe_image(seen);
    for (std::size_t y = 0; y < 64; ++y) {
      for (std::size_t x = 0; x < 64; ++x) {
        const double d = dot[((i * 3) * 65 + y) * 65 + x] / 255.0, w = walls[((i * 3) * 65 + y) * 65 + x] / 255.0;
        const std::uint8_t ground[] = {19, 23, 32}, line[] = {86, 156, 246}, chalk[] = {226, 230, 237};
        for (std::size_t c = 0; c < 3; ++c) {
          const double under = w > 0.5 ? line[c] : ground[c];
          worst = std::max(worst, static_cast<int>(std::abs(seen[(y * 64 + x) * 3 + c] - (under + d * (chalk[c] - under)))));
        }
      }
    }
  }
  EXPECT_LE(worst, 1);
}

TEST(TwoRoom, TheExpertComesThroughEveryDoor) {
  const auto env = make_env("TwoRoom[layout=moving]");
  std::vector<float> action(2);
  int there = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    env->reset(seed);
    StepResult result;
    while (!result.done()) {
      env->expert(action);
      result = env->step(action);
    }
    there += result.reward == 1;
  }
  EXPECT_EQ(there, 50);
}

TEST(TwoRoom, WhoStandsStillEarnsNothing) {
  TwoRoom env;
  env.reset(3);
  const std::vector<float> still{0, 0};
  double sum = 0;
  StepResult result;
  while (!result.done()) sum += (result = env.step(still)).reward;
  EXPECT_EQ(sum, 0);
  EXPECT_TRUE(result.truncated);
  EXPECT_FALSE(result.terminated);
}

TEST(TwoRoom, TheGoalIsThePictureOfStandingThere) {
  TwoRoom env;
  env.reset(5);
  ASSERT_TRUE(env.goal_at(0.2, 0.3));
  std::vector<std::uint8_t> goal(64 * 64 * 3), seen(goal.size());
  env.observe_goal(goal);
  env.observe_image(seen);
  EXPECT_NE(goal, seen);
  ASSERT_TRUE(env.stand_at(0.2, 0.3));
  env.observe_image(seen);
  EXPECT_EQ(goal, seen);
  // Within the wall nobody stands.
  const auto before = place_of(env, 1);
  EXPECT_FALSE(env.goal_at(32.5 / 64, 0.8));
  EXPECT_FALSE(env.stand_at(32.5 / 64, 0.8));
  EXPECT_EQ(place_of(env, 1), before);
  EXPECT_TRUE(env.goal_at(32.5 / 64, 18.5 / 64));  // in the door
}

TEST(TwoRoom, FactorsOfVariationChangeThePictureAlone) {
  std::vector<std::uint8_t> usual(64 * 64 * 3), other(usual.size());
  const auto env = make_env("TwoRoom");
  env->reset(2);
  env->observe_image(usual);
  for (const char* factor : {"dot=3", "colour=rose", "floor=light", "floor=stripes"}) {
    const auto varied = make_env("TwoRoom[" + std::string(factor) + "]");
    varied->reset(2);
    varied->observe_image(other);
    EXPECT_NE(usual, other) << factor;
    EXPECT_EQ(place_of(*env), place_of(*varied)) << factor;
  }
}

TEST(TwoRoom, WhatIsNoFactorIsSaid) {
  const auto said = [](const std::string& name) {
    try {
      make_env(name);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(said("TwoRoom[size=2]"), "TwoRoom has no factor 'size'; it has layout, wall, door, dot, colour, floor");
  EXPECT_EQ(said("TwoRoom[dot=9]"), "TwoRoom: dot = '9': a number from 1 to 4 was expected");
  EXPECT_EQ(said("TwoRoom[dot]"), "'TwoRoom[dot]': a factor reads name=value, as in TwoRoom[dot=2]");
  EXPECT_EQ(said("Catch[dot=2]"), "Catch has no factors of variation: leave '[…]' out.");
  EXPECT_NE(said("TwoRoom[colour=roze]").find("did you mean 'rose'"), std::string::npos);
}

}  // namespace two_room_test
}  // namespace dream
