// Worlds of Python's that fail, under the program.
#include "tests/cli/cli_fixture.h"
#include "tests/support/python_worlds.h"

namespace dream {
namespace faulty_worlds_test {

class FaultyWorlds : public test::CliTest {
 protected:
  void SetUp() override {
    if (!test::gymnasium_is_there()) GTEST_SKIP() << test::without_gymnasium;
  }
  Arguments training(const std::string& world, const std::string& run) const {
    return {"train", "dreamer-v3", "--env", "gym:gym_worlds:" + world, "--phase", "learn", "--out", (folder_ / run).string(), "--set", "train.steps=160",
            "train.lanes=2", "train.length=8", "train.batch=2", "train.prefill=40", "train.train_ratio=2", "world.observe=vector", "world.paint=false",
            "world.deter=16", "world.hidden=8", "world.units=8", "world.groups=3", "world.classes=4", "world.blocks=1", "world.bins=15"};
  }
};

/// Whose Python process dies in one step of seven: each death ends the episodes under way, and nothing else.
TEST_F(FaultyWorlds, ATrainingOutlivesThem) {
  const auto result = run(training("Falls", "falls"));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_SAYS(result.err, "broken off by the world, and the next begun: gym:gym_worlds:Falls: its Python process ended while stepping (exit code 7); the last that it printed: out of luck.");
  EXPECT_SAYS(good({"info", (folder_ / "falls" / "data" / "own").string()}), "episodes");
}

/// Where every episode fails at once nothing can be learned: the end says what the world said, and not what followed from it.
TEST_F(FaultyWorlds, OneThatAlwaysFailsEndsItWithItsOwnWords) {
  bad(training("Crashes", "crashes"), "gym:gym_worlds:Crashes: its Python process ended while stepping (signal 11).");
  bad({"collect", "--env", "gym:gym_worlds:Crashes", "--episodes", "2", "--out", (folder_ / "c").string()}, "ended while stepping (signal 11)");
}

TEST_F(FaultyWorlds, CollectingKeepsTheEpisodesThatTheyBreakOff) {
  const auto out = (folder_ / "kept").string();
  const auto result = run({"collect", "--env", "gym:gym_worlds:Falls", "--episodes", "6", "--lanes", "2", "--out", out});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_SAYS(result.err, "broken off by the world");
  EXPECT_SAYS(good({"info", out}), "episodes     6");
}

/// Worlds of numbers alone are collected as any other.
TEST_F(FaultyWorlds, WorldsWithoutPicturesAreCollected) {
  const auto out = (folder_ / "cart").string();
  good({"collect", "--env", "gym:CartPole-v1", "--episodes", "2", "--out", out});
  EXPECT_SAYS(good({"info", out}), "episodes     2");
}

using CollectDriver = test::CliTest;

TEST_F(CollectDriver, ARunThatPeopleDriveIsRefused) {
  const std::string run = DREAMSCOPE_SOURCE_DIR "/assets/runs/bouncing_square_genie";
  bad({"collect", "--policy", run, "--env", "BouncingSquare", "--episodes", "1", "--out", (folder_ / "x").string()},
      "a genie has no behaviour that could drive; people drive it");
}

}  // namespace faulty_worlds_test
}  // namespace dream
