#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/data/dataset.h"
#include "tests/data/temp_folder.h"

namespace dream::test {

inline DatasetInfo info_of(int height, int width, int channels, int vector, bool discrete = false) {
  DatasetInfo info;
  info.environment = "Toy";
  info.policy = "random";
  info.spaces.image_height = height;
  info.spaces.image_width = width;
  info.spaces.image_channels = channels;
  for (int i = 0; i < vector; ++i) info.spaces.vector_names.push_back("x" + std::to_string(i));
  ActionSpace& action = info.spaces.action;
  if (discrete) {
    action.choices = {"left", "stay", "right"};
    action.idle = {1};
  } else {
    action.axes = {"steer", "gas"};
    action.low = {-1, 0};
    action.high = {1, 1};
    action.idle = {0, 0};
    action.keys = {{"left", 0, -1, "steer left"}};
  }
  info.spaces.max_episode_steps = 1000;
  return info;
}

/// An episode whose every value follows from its seed.
inline Episode episode_of(const DatasetInfo& info, std::size_t steps, std::uint64_t seed) {
  const Spaces& spaces = info.spaces;
  Episode e;
  e.seed = seed;
  e.height = spaces.image_height;
  e.width = spaces.image_width;
  e.channels = spaces.image_channels;
  e.action_size = static_cast<int>(spaces.action.size());
  e.vector_size = static_cast<int>(spaces.vector_names.size());
  std::uint64_t state = seed * 6364136223846793005u + 1442695040888963407u;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33);
  };
  for (std::size_t i = 0; i < (steps + 1) * spaces.image_bytes(); ++i) {
    e.frames.push_back(static_cast<std::uint8_t>(next() % 7 == 0 ? next() : i / 50));
  }
  const auto unit = [&] { return static_cast<float>(next() % 1000) / 999.0f; };
  for (std::size_t i = 0; i < (steps + 1) * spaces.vector_names.size(); ++i) e.vectors.push_back(unit() - 0.5f);
  for (std::size_t i = 0; i < steps * spaces.action.size(); ++i) {
    e.actions.push_back(spaces.action.discrete() ? static_cast<float>(next() % spaces.action.choices.size()) : unit());
  }
  for (std::size_t i = 0; i < steps; ++i) {
    e.rewards.push_back(unit() - 0.1f);
    e.terminated.push_back(0);
    e.truncated.push_back(i + 1 == steps && seed % 2 == 1);
  }
  e.terminated.back() = seed % 2 == 0;
  return e;
}

inline void expect_equal(const Episode& a, const Episode& b) {
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.action_size, b.action_size);
  EXPECT_EQ(a.vector_size, b.vector_size);
  EXPECT_TRUE(a.frames == b.frames);
  EXPECT_EQ(a.vectors, b.vectors);
  EXPECT_EQ(a.actions, b.actions);
  EXPECT_EQ(a.rewards, b.rewards);
  EXPECT_EQ(a.terminated, b.terminated);
  EXPECT_EQ(a.truncated, b.truncated);
}

}  // namespace dream::test
