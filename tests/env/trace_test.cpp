#include "core/env/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "api/error.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace trace_test {

TEST(Trace, HoldsWhatTheEpisodeWas) {
  auto env = make_env("CarRacing");
  std::vector<float> actions;
  for (int i = 0; i < 25; ++i) actions.insert(actions.end(), {0.1f, 0.5f, 0});
  const std::string path = testing::TempDir() + "/trace.npz";
  write_npz(path, make_trace(*env, 6, NpyArray::of<float>({25, 3}, actions)));
  const Npz trace = read_npz(path);
  std::filesystem::remove(path);

  using Shape = std::vector<std::size_t>;
  EXPECT_EQ(trace.at("observation").shape, (Shape{25, 96, 96, 3}));
  EXPECT_EQ(trace.at("reward").shape, (Shape{25}));
  EXPECT_EQ(trace.at("terminated").type, NpyType::b1);
  EXPECT_EQ(trace.at("truncated").shape, (Shape{25}));
  EXPECT_EQ(trace.at("pose").shape, (Shape{25, 3}));
  EXPECT_EQ(trace.at("track").shape[1], 4u);

  // The same, by hand.
  env->reset(6);
  std::vector<std::uint8_t> image(env->spaces().image_bytes());
  const auto frames = trace.at("observation").view<std::uint8_t>("observation");
  const auto rewards = trace.at("reward").view<float>("reward");
  const auto poses = trace.at("pose").view<double>("pose");
  for (std::size_t t = 0; t < 25; ++t) {
    EXPECT_EQ(env->step(std::span(actions).subspan(3 * t, 3)).reward, rewards[t]);
    env->observe_image(image);
    EXPECT_TRUE(std::equal(image.begin(), image.end(), frames.begin() + t * image.size())) << t;
    EXPECT_EQ(env->diagnostics()[0].values[1], poses[3 * t + 1]);
  }
}

TEST(Trace, HoldsCostsWhereThereAreAny) {
  auto env = make_env("PointGoal");
  std::vector<float> actions;
  for (int i = 0; i < 250; ++i)
    actions.insert(actions.end(), {std::sin(0.15f * static_cast<float>(i)), std::cos(0.11f * static_cast<float>(i))});
  const Npz trace = make_trace(*env, 2, NpyArray::of<float>({250, 2}, actions));
  const auto costs = trace.at("cost").view<float>("cost");
  ASSERT_EQ(costs.size(), 250u);
  env->reset(2);
  float sum = 0;
  for (std::size_t t = 0; t < 250; ++t) {
    ASSERT_EQ(env->step(std::span(actions).subspan(2 * t, 2)).cost, costs[t]) << t;
    sum += costs[t];
  }
  EXPECT_GT(sum, 0);
  auto free = make_env("Catch");
  const Npz other = make_trace(*free, 0, NpyArray::of<float>({1}, std::vector<float>{1}));
  EXPECT_TRUE(std::ranges::none_of(other.arrays, [](const auto& array) { return array.first == "cost"; }));
}

TEST(Repeated, RewardsAndCostsAddUp) {
  auto env = make_env("PointGoal");
  RepeatedEnv repeated(make_env("PointGoal"), 3);
  EXPECT_TRUE(repeated.spaces().costs);
  EXPECT_EQ(repeated.spaces().cost_limit, env->spaces().cost_limit);
  env->reset(2);
  repeated.reset(2);
  float sum = 0;
  for (int i = 0; i < 83; ++i) {
    const std::array action{std::sin(0.45f * static_cast<float>(i)), std::cos(0.33f * static_cast<float>(i))};
    StepResult expected;
    for (int k = 0; k < 3; ++k) {
      const StepResult one = env->step(action);
      expected.reward += one.reward;
      expected.cost += one.cost;
    }
    const StepResult result = repeated.step(action);
    ASSERT_EQ(result.reward, expected.reward) << i;
    ASSERT_EQ(result.cost, expected.cost) << i;
    sum += result.cost;
  }
  EXPECT_GT(sum, 0);
}

TEST(Trace, StopsAtTheEnd) {
  auto env = make_env("CarRacingDiscrete");
  const Npz trace = make_trace(*env, 6, NpyArray::of<float>({1200}, std::vector<float>(1200, 0.0f)));
  EXPECT_EQ(trace.at("reward").shape[0], 1000u);
  EXPECT_EQ(trace.at("truncated").view<std::uint8_t>("truncated").back(), 1);
  EXPECT_EQ(trace.at("terminated").view<std::uint8_t>("terminated").back(), 0);
}

TEST(Trace, RefusesActionsOfAnotherShape) {
  auto env = make_env("CarRacing");
  EXPECT_THROW(make_trace(*env, 0, NpyArray::of<float>({6}, std::vector<float>(6))), Error);
  EXPECT_THROW(make_trace(*env, 0, NpyArray::of<float>({3, 2}, std::vector<float>(6))), Error);
  EXPECT_THROW(make_trace(*env, 0, NpyArray::of<float>({}, std::vector<float>(1))), Error);
}

TEST(Trace, OfNoActionsIsWholeAndEmpty) {
  auto env = make_env("CarRacing");
  const test::TempFolder folder;
  write_npz(folder / "t.npz", make_trace(*env, 6, NpyArray::of<float>({0, 3}, std::vector<float>{})));
  const Npz trace = read_npz(folder / "t.npz");  // its checksums are verified
  using Shape = std::vector<std::size_t>;
  EXPECT_EQ(trace.at("observation").shape, (Shape{0, 96, 96, 3}));
  EXPECT_EQ(trace.at("reward").shape, (Shape{0}));
  EXPECT_EQ(trace.at("pose").shape, (Shape{0, 3}));
  EXPECT_EQ(trace.at("track").shape[1], 4u);
}

TEST(Trace, RefusesWhatIsNoActionNamingItsLine) {
  const auto refusal = [](const char* world, std::vector<std::size_t> shape, const std::vector<float>& actions) {
    auto env = make_env(world);
    return test::message_of<Error>([&] { make_trace(*env, 0, NpyArray::of<float>(std::move(shape), actions)); });
  };
  for (const auto& [wrong, said] : {std::pair{-1.0f, "-1"}, {0.5f, "0.5"}, {3.0f, "3"}, {5.0f, "5"}, {NAN, "nan"}}) {
    EXPECT_EQ(refusal("Catch", {3}, {0, 2, wrong}), std::string("line 2 (counted from 0), column 0: ") + said +
                                                        " is no action; one of the choices 0 (left) to 2 (right) was "
                                                        "expected.");
  }
  EXPECT_EQ(refusal("Catch", {3}, {0, 1, 2}), "");
  EXPECT_EQ(refusal("CarRacing", {2, 3}, {0, 0, 0, 0, INFINITY, 0}),
            "line 1 (counted from 0), column 1: inf is no action; a finite number for 'gas' was expected.");
}

}  // namespace trace_test
}  // namespace dream
