// What others make of our files: Minari of a dataset, TensorBoard of a run's curves.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/platform.h"
#include "tests/cli/cli_fixture.h"

namespace dream {
namespace readers_test {

class ReadersTest : public test::CliTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(cache_directory() / "worlds" / ".with-readers"))
      GTEST_SKIP() << "Minari and TensorBoard are not there: scripts/setup --with readers brings them";
  }

  /// What a script of tests/golden says of `path`.
  std::string said(const std::string& script, const std::string& path) {
    const auto out = (folder_ / "said").string();
    const auto line = "'" + (cache_directory() / "worlds" / "bin" / "python").string() + "' '" DREAMSCOPE_SOURCE_DIR "/tests/golden/" + script + "' '" + path + "' > '" + out + "' 2>&1";
    const bool good = std::system(line.c_str()) == 0;
    const auto text = test::read_bytes(out);
    EXPECT_TRUE(good) << text;
    return text;
  }
};

TEST_F(ReadersTest, MinariOpensWhatIsCollected) {
  for (const std::string world : {"CarRacing", "Pendulum", "Catch", "PointGoal"}) {
    good({"collect", "--env", world, "--episodes", "2", "--max-steps", "20", "--out", path(world), "--threads", "1", "--quiet"});
    const auto text = said("check_minari.py", path(world));
    EXPECT_SAYS(text, world + "/");
    EXPECT_SAYS(text, "2 episodes");
    EXPECT_SAYS(text, "agree");
  }
}

TEST_F(ReadersTest, TensorBoardOpensARunsCurves) {
  good({"train", "dyna-q", "--env", "DynaMaze", "--out", path("maze"), "--set", "train.steps=1500", "--threads", "1", "--quiet"});
  EXPECT_SAYS(said("check_tensorboard.py", path("maze")), "learn/earned 1500 1500 ");
}

}  // namespace readers_test
}  // namespace dream
