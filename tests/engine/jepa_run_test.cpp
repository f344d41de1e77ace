// JEPA as a recipe: it resumes bit for bit, what works against collapse can be changed while it learns, and a goal can be
// set in its dreams.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "api/error.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace jepa_run_test {

using test::expect_same;
using test::message_of;

class JepaRun : public ::testing::Test {
 protected:
  JepaRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> tiny(const std::string& name, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "jepa", spec.environment = "TwoRoom", spec.directory = folder_ / name;
    spec.settings = {"train.steps=120",    "train.prefill=40",    "train.lanes=2",        "train.batch=4",
                     "train.length=3",     "train.train_ratio=8", "world.latent=8",       "world.depth=2",
                     "world.view.depth=2", "planner.horizon=2",   "planner.candidates=4", "planner.elites=2",
                     "planner.iterations=1", "train.evaluate_episodes=1"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_F(JepaRun, ResumesBitForBit) {
  for (const std::string against : {"vicreg", "byol"}) {
    {
      Trainer trainer(tiny(against + "_whole", {"world.against=" + against}), {1e9, "learn"}, false);
      while (trainer.advance()) {
      }
      trainer.close();
    }
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(tiny(against + "_torn", {"world.against=" + against}), {1e9, "learn"}, true);
      for (int k = 0; k < 6 && more; ++k) more = trainer.advance();
      trainer.close();
    }
    EXPECT_GT(resumptions, 2);
    expect_same(folder_ / (against + "_whole"), folder_ / (against + "_torn"));
  }
}

TEST_F(JepaRun, WhatWorksAgainstCollapseIsSwitchedWhileItLearns) {
  Trainer trainer(tiny("switched", {"world.against=none"}), {1e9, "learn"}, false);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(trainer.advance());
  EXPECT_FALSE(std::isnan(trainer.system().metrics.last("world/variance"))) << "it is measured though it does not weigh";
  trainer.set("world.against", "vicreg");
  while (trainer.advance()) {
  }
  const auto& metrics = trainer.system().metrics;
  for (const char* curve : {"world/prediction", "world/sigreg", "world/inverse", "collapse/spread", "collapse/rank",
                            "collapse/cosine", "collapse/place"})
    EXPECT_TRUE(std::isfinite(metrics.last(curve))) << curve;
}

TEST_F(JepaRun, GoesWhereOtherFactorsHoldAndToNoOtherWorld) {
  {
    Trainer trainer(tiny("fixed"), {1e9, "learn"}, false);
    trainer.close();
  }
  const auto run = load_run(checkpoint_path(folder_ / "fixed"));
  EXPECT_EQ(load_system(run, "cpu", "TwoRoom[layout=moving]")->environment, "TwoRoom[layout=moving]");
  EXPECT_THROW(load_system(run, "cpu", "TwoRoom[layout=sideways]"), Error);
  EXPECT_THROW(load_system(run, "cpu", "Catch"), Error);
}

TEST_F(JepaRun, AGoalIsSetInItsDream) {
  Player player;
  player.load(tiny("goal"), "untrained");
  player.start_at(3);
  const auto frame = [&](const char* name) {
    const auto view = player.view();
    for (const auto& each : view->frames)
      if (each.name == name) return each.image ? each.image->pixels : std::vector<std::uint8_t>{};
    return std::vector<std::uint8_t>{};
  };
  player.watch({"goal/distance"});
  const auto distance = [&] {
    const auto view = player.view();
    for (const auto& probe : view->probes)
      if (probe.name == "goal/distance") return std::get<Scalar>(*probe.value).value;
    return std::nan("");
  };
  const auto first = frame("goal");
  const double away = distance();
  ASSERT_FALSE(first.empty());
  player.set_goal({0.2f, 0.3f});
  EXPECT_NE(frame("goal"), first);
  EXPECT_NE(distance(), away);
  // It stays, step after step, and where the dream is gone back to the time before it is what it was.
  const auto chosen = frame("goal");
  player.control(DreamControl::Do::step);
  player.step(0);
  EXPECT_EQ(frame("goal"), chosen);
  EXPECT_EQ(message_of<Error>([&] { player.set_goal({0.5f, 0.9f}); }),
            "nobody can stand there, so it is no goal: choose a place that is free");
  EXPECT_EQ(frame("goal"), chosen);
  std::ofstream(folder_ / "no.png") << "not a picture";
  EXPECT_NE(message_of<Error>([&] { player.set_goal({0, 0, (folder_ / "no.png").string()}); }), "");
}

}  // namespace jepa_run_test
}  // namespace dream
