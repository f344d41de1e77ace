// Worlds of Python's whose actions are of several kinds, and datasets of such worlds, under the program.
#include <algorithm>

#include "core/data/dataset.h"
#include "core/data/fit.h"
#include "tests/cli/cli_fixture.h"
#include "tests/support/python_worlds.h"

namespace dream {
namespace mixed_actions_test {

class MixedActions : public test::CliTest {
 protected:
  void SetUp() override {
    if (!test::gymnasium_is_there()) GTEST_SKIP() << test::without_gymnasium;
  }
};

/// What the world Car pays for a row of axes: arm 0, arm 1, gear 1 to 3, two lights, steer.
float paid(const float* row) {
  const auto gear = std::max_element(row + 2, row + 5) - (row + 2) + 1;
  return 100.0f * static_cast<float>(gear) + 10.0f * (row[6] > row[5]) + (row[8] > row[7]) + row[9] + row[1] / 8;
}

TEST_F(MixedActions, WhatIsCollectedOpensWithTheWorldsSpacesAndIsLearnedFrom) {
  const std::string world = "gym:gym_worlds:Car";
  good({"collect", "--env", world, "--episodes", "6", "--lanes", "2", "--out", path("d")});
  const Dataset dataset(path("d"));
  const auto spaces = make_env(world)->spaces();
  EXPECT_EQ(dataset.info().spaces.action.axes, spaces.action.axes);
  EXPECT_EQ(dataset.info().spaces.action.low, spaces.action.low);
  EXPECT_EQ(dataset.info().spaces.action.high, spaces.action.high);
  for (std::size_t i = 0; i < dataset.episodes(); ++i) {
    const auto e = dataset.read(i);
    ASSERT_EQ(e.length(), 10u);
    for (std::size_t t = 0; t < e.length(); ++t) EXPECT_NEAR(e.rewards[t], paid(e.actions.data() + t * 10), 1e-3) << i << ", " << t;
  }
  const Arguments settings = {"train.steps=200", "train.datasets=" + path("d"), "train.lanes=2", "train.length=8", "train.batch=2", "train.prefill=40",
                              "train.train_ratio=2", "world.observe=vector", "world.paint=false", "world.deter=16", "world.hidden=8", "world.units=8",
                              "world.groups=3", "world.classes=4", "world.blocks=1", "world.bins=15"};
  Arguments train = {"train", "dreamer-v3", "--env", world, "--phase", "learn", "--out", path("run"), "--set"};
  train.insert(train.end(), settings.begin(), settings.end());
  good(train);
  EXPECT_SAYS(good({"info", path("run")}), "Car");
}

/// Minari's own of the same world, and its rewards are what the world pays for what is read.
TEST_F(MixedActions, ADatasetOfTheWorldFitsIt) {
  for (const auto& [data, world] : {std::pair<std::string, std::string>{"car", "gym:gym_worlds:Car"}, {"buttons", "gym:gym_worlds:Buttons"}}) {
    const Dataset dataset(std::filesystem::path(DREAMSCOPE_SOURCE_DIR "/tests/golden/minari") / data);
    EXPECT_EQ(fit_to(make_env(world)->spaces(), world)(dataset.info()).refusal, "") << data;
    if (data == "buttons") continue;
    const auto e = dataset.read(0);
    for (std::size_t t = 0; t < e.length(); ++t) EXPECT_EQ(e.rewards[t], paid(e.actions.data() + t * 10)) << t;
  }
}

}  // namespace mixed_actions_test
}  // namespace dream
