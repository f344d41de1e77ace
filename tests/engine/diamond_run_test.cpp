// DIAMOND as a recipe: it learns, goes on bit for bit where it was interrupted, and the player dreams with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/diamond/diamond_recipe.h"
#include "core/engine/trainer.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace diamond_run_test {

class DiamondRun : public ::testing::Test {
 protected:
  DiamondRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}, const char* world = "Catch") {
    RunSpec spec;
    spec.recipe = "diamond";
    spec.environment = world;
    spec.directory = folder_ / run;
    spec.settings = {"side=16",           "train.steps=70",        "train.prefill=40",         "train.lanes=2",
                     "train.batch=4",     "train.train_ratio=1",   "train.bfloat16=false",     "train.evaluate_episodes=2",
                     "world.width=8",     "world.levels=2",        "world.condition=16",       "world.reward_width=4",
                     "world.reward_condition=8", "world.reward_memory=8", "behaviour.width=2", "behaviour.memory=8",
                     "behaviour.horizon=3", "learn.length=6",      "learn.imagined=3",         "learn.actor_after=3"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_diamond(spec);
  }

  test::TempFolder folder_;
};

TEST_F(DiamondRun, LearnsAndIsScored) {
  Trainer trainer(make("run", {"train.train_ratio=8", "denoiser.learning_rate=5e-3", "denoiser.warm_up=0"}), {1e9, ""}, false);
  while (trainer.advance()) {
  }
  auto& system = trainer.system();
  for (const auto& view : system.metrics.views(nullptr)) EXPECT_TRUE(!view.y.empty() || view.name.starts_with("gauges/")) << view.name;
  const auto views = system.metrics.views(nullptr);
  const auto loss = std::ranges::find(views, std::string("world/denoising"), &CurveView::name);
  ASSERT_NE(loss, views.end());
  ASSERT_GT(loss->y.size(), 30U);
  EXPECT_LT(std::accumulate(loss->y.end() - 10, loss->y.end(), 0.0), 0.6 * std::accumulate(loss->y.begin(), loss->y.begin() + 10, 0.0));
  EXPECT_GT(system.starts.at("frame4").size(0), 0);
}

TEST_F(DiamondRun, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    EXPECT_GT(std::static_pointer_cast<DiamondParts>(trainer.system().parts)->updates, 5);
    trainer.close();
  }
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn"), {1e9, ""}, resume);
    for (int i = 0; i < 4 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  const auto saved = [&](const std::string& run) { return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors; };
  const auto whole = saved("whole"), torn = saved("torn");
  EXPECT_EQ(whole.size(), torn.size());
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
  }
}

TEST_F(DiamondRun, ThePlayerDreamsWithItAndShowsHowAFrameIsMade) {
  Player player;
  player.load(make("run"), "diamond");
  player.watch({"denoising/steps", "outcome/probabilities", "policy/action"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  ASSERT_FALSE(view->knobs.empty());
  EXPECT_EQ(view->knobs[0].knob.name, "denoising_steps");
  EXPECT_TRUE(view->knobs[0].knob.whole);
  std::map<std::string, const Value*> shown;
  for (const auto& probe : view->probes) shown[probe.name] = probe.value.get();
  ASSERT_TRUE(shown.contains("denoising/steps"));
  EXPECT_EQ(std::get<Image>(*shown.at("denoising/steps")).width, 3 * 16) << "a frame for each of its steps";
  EXPECT_EQ(std::get<Vector>(*shown.at("outcome/probabilities")).values.size(), 4u);
  ASSERT_TRUE(shown.contains("policy/action"));
  player.set_knob("denoising_steps", 5);
  player.step(now_seconds() + 9);
  const auto later = player.view();
  const auto film = std::ranges::find(later->probes, std::string("denoising/steps"), &Probe::name);
  ASSERT_NE(film, later->probes.end());
  EXPECT_EQ(std::get<Image>(*film->value).width, 5 * 16);
  EXPECT_NE(test::message_of<Error>([&] { player.edit("denoising/steps", 0, 1); }).find("cannot be edited"), std::string::npos);
}

/// Boxes too, which the paper has none of.
TEST_F(DiamondRun, ServesContinuousActions) {
  Trainer trainer(make("run", {}, "Pendulum"), {1e9, "learn"}, false);
  while (trainer.advance()) {
  }
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("behaviour/actor")));
}

TEST_F(DiamondRun, PublishedIsThePapersSize) {
  RunSpec spec;
  spec.recipe = "diamond", spec.environment = "MinAtarBreakout", spec.directory = folder_ / "published";
  spec.settings = {"size=published"};
  const auto system = make_diamond(spec);
  const auto& parts = *std::static_pointer_cast<DiamondParts>(system->parts);
  EXPECT_EQ(test::parameter_count(*parts.model->denoiser()), 4'405'955 + 64 * (parts.model->action_input().size() - 4));
  EXPECT_EQ(test::parameter_count(*parts.model->reward_end()), 5'900'864 + 128 * (parts.model->action_input().size() - 4));
  EXPECT_TRUE(system->config.departures().empty());  // the size itself is none
}

}  // namespace diamond_run_test
}  // namespace dream
