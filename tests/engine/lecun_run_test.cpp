// LeCun's architecture as a recipe, on both of its worlds: it resumes bit for bit, its curves are there, and in its dreams
// mode and weights are knobs.
#include <gtest/gtest.h>

#include <cmath>

#include "core/dream/player.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace lecun_run_test {

using test::expect_same;

class LecunRun : public ::testing::TestWithParam<const char*> {
 protected:
  LecunRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> tiny(const std::string& name) {
    RunSpec spec;
    spec.recipe = "lecun", spec.environment = GetParam(), spec.directory = folder_ / name;
    spec.settings = {"train.steps=120",          "train.prefill=40",     "train.lanes=4",        "train.batch=4",
                     "train.length=3",           "train.train_ratio=8",  "world.latent=8",       "world.depth=2",
                     "world.view.depth=2",       "planner.horizon=3",    "planner.candidates=4", "planner.elites=2",
                     "planner.iterations=1",     "planner.from_prior=1", "teach.states=3",       "teach.candidates=4",
                     "teach.iterations=1",       "teach.batch=4",        "teach.room=8",         "actor.units=16",
                     "train.evaluate_episodes=1"};
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_P(LecunRun, ResumesBitForBit) {
  {
    Trainer trainer(tiny("whole"), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    const auto& metrics = trainer.system().metrics;
    for (const char* curve : {"world/prediction", "world/harm", "actor/imitation", "critic/loss", "think/goal",
                              "think/harm", "think/energy"})
      EXPECT_TRUE(std::isfinite(metrics.last(curve))) << curve;
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

TEST_P(LecunRun, ModeAndWeightsBendItsDream) {
  Player player;
  player.load(tiny("dream"), "untrained");
  player.start_at(3);
  player.watch({"architecture/now", "costs/now"});
  const auto lit = [&](const std::string& title) {
    const auto view = player.view();
    for (const auto& probe : view->probes) {
      if (probe.name != "architecture/now") continue;
      for (const auto& node : std::get<Diagram>(*probe.value).nodes)
        if (node.title == title) return static_cast<double>(node.strength);
    }
    return std::nan("");
  };
  const auto step = [&] {
    player.control(DreamControl::Do::step);
    player.step(0);
  };
  step();
  EXPECT_EQ(lit("Mode 2"), 1);
  player.set_knob("mode", 1);
  step();
  EXPECT_EQ(lit("Mode 1"), 1);
  EXPECT_EQ(lit("World model"), 0) << "it is asked nothing";
  for (const char* knob : {"weight_goal", "weight_harm", "weight_energy"}) player.set_knob(knob, 0);
  const auto before = player.view()->dream_reward;
  step();
  EXPECT_EQ(player.view()->dream_reward, before) << "where nothing weighs, nothing is paid";
}

INSTANTIATE_TEST_SUITE_P(Worlds, LecunRun, ::testing::Values("TwoRoom", "PointGoal"));

}  // namespace lecun_run_test
}  // namespace dream
