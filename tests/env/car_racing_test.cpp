// Against the real Gymnasium: golden files by tests/golden/make_car_racing.py.
#include "core/env/car_racing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/npy.h"

namespace dream {
namespace car_racing_test {

Npz golden(const std::string& name) {
  return read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/car_racing/" + name);
}

struct Deviation {
  double position = 0, angle = 0, reward = 0, pixels = 0;
};

double mean_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Plays `actions` after reset(seed) and compares each step; `frames`, one before the first step and then one every 20.
Deviation follow(CarRacing& env, std::uint64_t seed, const std::vector<float>& actions, std::span<const double> poses,
                 std::span<const double> rewards, std::span<const std::uint8_t> terminated,
                 std::span<const std::uint8_t> frames = {}) {
  Deviation worst;
  const std::size_t size = env.spaces().action.size(), bytes = env.spaces().image_bytes();
  std::vector<std::uint8_t> image(bytes);
  auto compare_frame = [&](std::size_t index) {
    if ((index + 1) * bytes > frames.size()) return;
    env.observe_image(image);
    worst.pixels = std::max(worst.pixels, mean_difference(image, frames.subspan(index * bytes, bytes)));
  };
  env.reset(seed);
  compare_frame(0);
  for (std::size_t t = 0; t < rewards.size(); ++t) {
    const StepResult result = env.step(std::span(actions).subspan(t * size, size));
    const std::vector<double> pose = env.diagnostics()[0].values;
    worst.position = std::max(worst.position, std::hypot(pose[0] - poses[3 * t], pose[1] - poses[3 * t + 1]));
    worst.angle = std::max(worst.angle, std::abs(pose[2] - poses[3 * t + 2]));
    worst.reward = std::max(worst.reward, std::abs(static_cast<double>(result.reward) - rewards[t]));
    EXPECT_EQ(result.terminated, terminated[t] != 0) << "seed " << seed << ", step " << t;
    if ((t + 1) % 20 == 0) compare_frame((t + 1) / 20);
  }
  return worst;
}

Deviation follow(CarRacing& env, std::uint64_t seed, const std::string& file) {
  const Npz data = golden(file);
  return follow(env, seed, data.at("action").to_floats(), data.at("pose").view<double>("pose"),
                data.at("reward").view<double>("reward"), data.at("terminated").view<std::uint8_t>("terminated"));
}

TEST(CarRacing, TracksEqualGymnasiums) {
  const Npz data = golden("traces.npz");
  const auto points = data.at("track").view<double>("track");
  const auto lengths = data.at("track_length").view<std::int64_t>("track_length");
  CarRacing env;
  std::size_t at = 0;
  for (std::size_t seed = 0; seed < lengths.size(); ++seed) {
    env.reset(seed);
    const NamedArray track = env.diagnostics()[1];
    ASSERT_EQ(track.shape, (std::vector<std::size_t>{static_cast<std::size_t>(lengths[seed]), 4})) << "seed " << seed;
    for (const double value : track.values) ASSERT_NEAR(value, points[at++], 1e-9) << "seed " << seed;
  }
  EXPECT_EQ(at, points.size());
}

TEST(CarRacing, TwentySeedsFollowGymnasiumFor200Steps) {
  const Npz data = golden("traces.npz");
  const std::vector<float> actions = data.at("action").to_floats();
  const auto poses = data.at("pose").view<double>("pose"), rewards = data.at("reward").view<double>("reward");
  const auto terminated = data.at("terminated").view<std::uint8_t>("terminated");
  const auto frames = data.at("frame").view<std::uint8_t>("frame");
  const std::size_t framed = data.at("frame").shape[0], per_seed = frames.size() / framed;
  CarRacing env;
  Deviation worst;
  for (std::size_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> own(actions.begin() + seed * 600, actions.begin() + (seed + 1) * 600);
    const Deviation d = follow(env, seed, own, poses.subspan(seed * 600, 600), rewards.subspan(seed * 200, 200),
                               terminated.subspan(seed * 200, 200),
                               seed < framed ? frames.subspan(seed * per_seed, per_seed) : frames.first(0));
    worst.position = std::max(worst.position, d.position);
    worst.angle = std::max(worst.angle, d.angle);
    worst.reward = std::max(worst.reward, d.reward);
    worst.pixels = std::max(worst.pixels, d.pixels);
  }
  // The contract is 0.01 units, 1e-3 and 4 levels; on the x86-64 that made the files the trajectories are equal.
  EXPECT_LE(worst.position, 0.01);
  EXPECT_LE(worst.angle, 0.01);
  EXPECT_LE(worst.reward, 1e-3);
  EXPECT_LE(worst.pixels, 1.0);
  RecordProperty("position", std::to_string(worst.position));
  RecordProperty("reward", std::to_string(worst.reward));
  RecordProperty("pixels", std::to_string(worst.pixels));
}

TEST(CarRacing, ALapEndsTheEpisode) {
  CarRacing env;
  const Deviation d = follow(env, 7, "lap.npz");
  EXPECT_LE(d.position, 0.05);
  EXPECT_LE(d.reward, 1e-3);
}

TEST(CarRacing, LeavingTheFieldCosts100AndEndsTheEpisode) {
  CarRacing env;
  const Deviation d = follow(env, 3, "field.npz");
  EXPECT_LE(d.position, 0.01);
  EXPECT_LE(d.reward, 1e-3);
  EXPECT_EQ(golden("field.npz").at("reward").view<double>("reward").back(), -100);
}

TEST(CarRacing, FallsAsleepAndWakesAsInBox2D) {
  CarRacing env;
  const Deviation d = follow(env, 11, "idle.npz");
  EXPECT_LE(d.position, 0.01);
  EXPECT_LE(d.angle, 1e-4);
  EXPECT_LE(d.reward, 1e-3);
}

TEST(CarRacing, TheExpertDrivesTheWholeLap) {
  CarRacing env;
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    env.reset(seed);
    for (bool over = false; !over;) {
      float action[3];
      ASSERT_TRUE(env.expert(action));
      const auto result = env.step(action);
      sum += result.reward;
      over = result.done();
    }
  }
  EXPECT_GT(sum / 10, 850);
  CarRacing choices({.continuous = false});
  choices.reset(0);
  float choice[1];
  EXPECT_FALSE(choices.expert(choice));
}

TEST(CarRacing, DiscreteActions) {
  CarRacing env({.continuous = false});
  const Deviation d = follow(env, 21, "discrete.npz");
  EXPECT_LE(d.position, 0.01);
  EXPECT_LE(d.reward, 1e-3);
}

TEST(CarRacing, DomainRandomisationDrawsGymnasiumsColours) {
  const Npz data = golden("randomized.npz");
  const auto frames = data.at("frame").view<std::uint8_t>("frame");
  const std::size_t seeds = data.at("frame").shape[0], count = data.at("frame").shape[1];
  CarRacing env({.domain_randomize = true});
  std::vector<std::uint8_t> image(env.spaces().image_bytes());
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    env.reset(seed);
    for (std::size_t step = 0; step <= 40; ++step) {
      if (step > 0) env.step(std::vector<float>{0.1f, 0.5f, 0});
      if (step % 20 != 0) continue;
      env.observe_image(image);
      const std::size_t index = seed * count + step / 20;
      EXPECT_LE(mean_difference(image, frames.subspan(index * image.size(), image.size())), 1.0)
          << "seed " << seed << ", step " << step;
    }
  }
}

TEST(CarRacing, RenderKeepsThePictureAtEverySize) {
  CarRacing env;
  env.reset(4);
  for (int i = 0; i < 60; ++i) env.step(std::vector<float>{0, 0.4f, 0});
  std::vector<std::uint8_t> large(384 * 288 * 3), observation(env.spaces().image_bytes());
  env.render(384, 288, large);
  env.observe_image(observation);
  // Averaged over blocks of 4 x 3, the large picture is the small one.
  double sum = 0;
  for (int y = 0; y < 96; ++y) {
    for (int x = 0; x < 96; ++x) {
      for (int c = 0; c < 3; ++c) {
        double mean = 0;
        for (int j = 0; j < 3; ++j) {
          for (int i = 0; i < 4; ++i) mean += large[((3 * y + j) * 384 + 4 * x + i) * 3 + c] / 12.0;
        }
        sum += std::abs(mean - observation[(y * 96 + x) * 3 + c]);
      }
    }
  }
  EXPECT_LE(sum / (96 * 96 * 3), 3.0);
}

// Pixels as dark as rubber or mud, above the panel and away from the car.
int marked_pixels(std::span<const std::uint8_t> picture, int width, int height) {
  int marked = 0;
  for (int y = 0; y < height * 7 / 8 - 1; ++y) {
    for (int x = 0; x < width; ++x) {
      if (std::abs(x - width / 2) < width / 14 && y > height * 6 / 10 && y < height * 83 / 100) continue;
      const std::uint8_t* p = &picture[(static_cast<std::size_t>(y) * width + x) * 3];
      marked += p[0] < 150 && p[2] < 70;
    }
  }
  return marked;
}

TEST(CarRacing, SkidMarksShowInThePeoplesViewOnly) {
  CarRacing env;
  env.reset(2);
  // Full gas, then the wheels blocked: the car slides on, away from where the marks begin.
  for (int i = 0; i < 150; ++i) env.step(std::vector<float>{0, i < 110 ? 0.6f : 0.0f, i < 110 ? 0.0f : 1.0f});
  std::vector<std::uint8_t> picture(500 * 400 * 3), observation(env.spaces().image_bytes());
  env.render(500, 400, picture);
  env.observe_image(observation);
  EXPECT_GT(marked_pixels(picture, 500, 400), 20);
  EXPECT_EQ(marked_pixels(observation, 96, 96), 0);
}

}  // namespace car_racing_test
}  // namespace dream
