// Two levels of JEPA as a recipe: it resumes bit for bit, its curves and probes are there, and a stride must fit into a piece.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "api/error.h"
#include "core/dream/player.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace hjepa_run_test {

using test::expect_same;
using test::message_of;

class HjepaRun : public ::testing::Test {
 protected:
  HjepaRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> tiny(const std::string& name, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "h-jepa", spec.environment = "TwoRoom", spec.directory = folder_ / name;
    spec.settings = {"train.steps=120",      "train.prefill=40",
                     "train.lanes=2",        "train.batch=4",
                     "train.length=4",       "train.train_ratio=8",
                     "world.latent=8",       "world.depth=2",
                     "world.view.depth=2",   "slow.latent=4",
                     "slow.units=8",         "slow.stride=2",
                     "slow.view.depth=2",    "planner.horizon=2",
                     "planner.candidates=4", "planner.elites=2",
                     "planner.iterations=1", "far.horizon=2",
                     "far.candidates=4",     "far.elites=2",
                     "far.iterations=1",     "train.evaluate_episodes=1"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_F(HjepaRun, ResumesBitForBit) {
  {
    Trainer trainer(tiny("whole"), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    for (const char* curve :
         {"world/prediction", "slow/prediction", "slow/variance", "slow/slowness", "slow/inverse", "slow/picture"})
      EXPECT_TRUE(std::isfinite(trainer.system().metrics.last(curve))) << curve;
    trainer.close();
  }
  int resumptions = 0;
  for (bool more = true; more; ++resumptions) {
    Trainer trainer(tiny("torn"), {1e9, "learn"}, true);
    for (int k = 0; k < 9 && more; ++k) more = trainer.advance();
    trainer.close();
  }
  EXPECT_GT(resumptions, 2);
  expect_same(folder_ / "whole", folder_ / "torn");
}

TEST_F(HjepaRun, ItsLevelsAreShownAsItActs) {
  Player player;
  player.load(tiny("dream"), "untrained");
  player.start_at(3);
  player.watch({"levels/subgoal", "levels/far", "latent/w"});
  player.control(DreamControl::Do::step);
  player.step(0);
  const auto view = player.view();
  std::set<std::string> shown;
  for (const auto& probe : view->probes) shown.insert(probe.name);
  for (const char* name : {"levels/subgoal", "levels/far", "latent/w"}) EXPECT_TRUE(shown.contains(name)) << name;
}

TEST_F(HjepaRun, AStrideMustFitIntoAPiece) {
  EXPECT_EQ(message_of<Error>([&] { tiny("short", {"slow.stride=4"}); }),
            "train.length = 4 holds no stride of slow.stride = 4 steps; raise the first or lower the other");
}

}  // namespace hjepa_run_test
}  // namespace dream
