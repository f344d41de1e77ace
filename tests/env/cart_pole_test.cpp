// Against the real Gymnasium: golden files by tests/golden/make_cart_pole.py.
#include "core/env/cart_pole.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/npy.h"

namespace dream {
namespace cart_pole_test {

Npz golden(const std::string& name) {
  return read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/cart_pole/" + name + ".npz");
}

std::vector<double> state_of(const Env& env) {
  return env.diagnostics()[0].values;
}

TEST(CartPole, FortySeedsFollowGymnasiumBitForBit) {
  const Npz data = golden("balance");
  const auto length = data.at("length").view<std::int64_t>("length");
  const auto start = data.at("start").view<float>("start"), action = data.at("action").view<float>("action");
  const auto observation = data.at("observation").view<float>("observation");
  const auto terminated = data.at("terminated").view<std::uint8_t>("terminated");
  const auto truncated = data.at("truncated").view<std::uint8_t>("truncated");
  CartPole env;
  std::vector<float> seen(4);
  std::size_t t = 0;
  for (std::size_t seed = 0; seed < length.size(); ++seed) {
    env.reset(seed);
    env.observe_vector(seen);
    ASSERT_TRUE(std::ranges::equal(seen, start.subspan(4 * seed, 4))) << "seed " << seed;
    for (std::int64_t step = 0; step < length[seed]; ++step, ++t) {
      const StepResult result = env.step(action.subspan(t, 1));
      env.observe_vector(seen);
      ASSERT_TRUE(std::ranges::equal(seen, observation.subspan(4 * t, 4))) << "seed " << seed << ", step " << step;
      ASSERT_EQ(result.terminated, terminated[t] != 0) << "seed " << seed << ", step " << step;
      ASSERT_EQ(result.truncated, truncated[t] != 0) << "seed " << seed << ", step " << step;
      ASSERT_EQ(result.reward, 1.0f);
    }
  }
  EXPECT_EQ(t, action.size());
}

TEST(CartPole, LeavingTheTrackEndsTheEpisode) {
  // Whoever balances while drifting away: leaning to one side within 12 degrees.
  CartPole env;
  env.reset(0);
  StepResult result;
  while (!result.done()) {
    const auto state = state_of(env);
    const float right = state[2] + 0.5 * state[3] > 0.06 ? 1.0f : 0.0f;
    result = env.step(std::span(&right, 1));
  }
  EXPECT_TRUE(result.terminated);
  EXPECT_GT(state_of(env)[0], CartPoleBody::kTrack);
  EXPECT_LT(std::abs(state_of(env)[2]), 0.2);
}

TEST(CartPoleSwingUp, MovesByGymnasiumsEquationsUnderForcesOfAnyStrength) {
  const Npz data = golden("swing");
  const auto start = data.at("start").view<double>("start"), states = data.at("state").view<double>("state");
  const auto force = data.at("force").view<float>("force");
  CartPoleSwingUp env;
  double highest = -1;
  for (std::size_t seed = 0; seed < 10; ++seed) {
    env.reset(seed);
    ASSERT_TRUE(std::ranges::equal(state_of(env), start.subspan(4 * seed, 4)));
    for (std::size_t t = 500 * seed; t < 500 * (seed + 1); ++t) {
      const StepResult result = env.step(force.subspan(t, 1));
      const auto state = state_of(env);
      ASSERT_TRUE(std::ranges::equal(state, states.subspan(4 * t, 4))) << "step " << t;
      const double up = std::cos(state[2]);
      ASSERT_EQ(result.reward, result.terminated ? 0.0f : static_cast<float>((1 + up) / 2));
      highest = std::max(highest, up);
      if (result.done()) break;
    }
  }
  EXPECT_GT(highest, 0.99);
}

TEST(CartPoleSwingUp, BeginsHangingAtRest) {
  CartPoleSwingUp env;
  std::vector<float> seen(5);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    env.reset(seed);
    env.observe_vector(seen);
    EXPECT_LT(seen[2], -0.99f);
    for (const int part : {0, 1, 3, 4}) EXPECT_LE(std::abs(seen[part]), 0.0501f);
  }
}

TEST(CartPoleSwingUp, LeftToItselfThePoleSwingsNoHigher) {
  CartPoleSwingUp env;
  env.reset(3);
  const auto start = state_of(env);
  double widest = 0;
  for (int step = 0; step < 500; ++step) {
    env.step(std::vector<float>{0});
    const auto state = state_of(env);
    widest = std::max(widest, std::abs(state[2] - std::numbers::pi));
  }
  EXPECT_LT(widest, 0.06);
}

TEST(CartPoleSwingUp, LeavingTheTrackEndsTheEpisodeAndPaysNothing) {
  CartPoleSwingUp env;
  env.reset(0);
  StepResult result;
  int steps = 0;
  while (!result.done()) {
    result = env.step(std::vector<float>{-1});
    ++steps;
  }
  EXPECT_TRUE(result.terminated);
  EXPECT_EQ(result.reward, 0.0f);
  EXPECT_LT(steps, 60);
  EXPECT_LT(state_of(env)[0], -CartPoleBody::kTrack);
}

// The centre of all pixels of one colour, in pixels: x to the right, y down.
std::pair<double, double> centre_of(Env& env, bool (*wanted)(const std::uint8_t*)) {
  std::vector<std::uint8_t> image(env.spaces().image_bytes());
  env.observe_image(image);
  double x = 0, y = 0;
  int count = 0;
  for (int at = 0; at < 64 * 64; ++at) {
    if (!wanted(&image[3 * static_cast<std::size_t>(at)])) continue;
    x += at % 64 + 0.5;
    y += at / 64 + 0.5;
    ++count;
  }
  EXPECT_GT(count, 0);
  return {x / count, y / count};
}

bool is_hinge(const std::uint8_t* p) {
  return std::min({p[0], p[1], p[2]}) > 185;
}

bool is_pole(const std::uint8_t* p) {
  return p[0] > 180 && p[2] < 110;
}

TEST(CartPole, ThePictureShowsCartAndPole) {
  CartPole balance;
  CartPoleSwingUp swing;
  double worst_cart = 0, worst_pole = 0;
  for (Env* env : {static_cast<Env*>(&balance), static_cast<Env*>(&swing)}) {
    const bool axes = env == &swing;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      env->reset(seed);
      Rng rng(seed);
      float push = 0;
      for (int step = 0; step < 60; ++step) {
        if (step % 8 == 0) push = axes ? static_cast<float>(rng.uniform(-1, 1)) : static_cast<float>(rng.integers(2));
        if (env->step(std::span(&push, 1)).done()) break;
      }
      const auto state = state_of(*env);
      const auto [cart_x, cart_y] = centre_of(*env, is_hinge);
      const auto [pole_x, pole_y] = centre_of(*env, is_pole);
      worst_cart = std::max(worst_cart, std::abs(cart_x - (32 + state[0] * 0.8 * 64 / 4.8)));
      const double seen = std::atan2(pole_x - cart_x, -(pole_y - (axes ? 32 : 48)));
      worst_pole = std::max(worst_pole, std::abs(std::remainder(seen - state[2], 2 * std::numbers::pi)));
    }
  }
  EXPECT_LT(worst_cart, 0.7);  // pixels
  EXPECT_LT(worst_pole, 0.1);
}

}  // namespace cart_pole_test
}  // namespace dream
