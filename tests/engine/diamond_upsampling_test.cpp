// DIAMOND that dreams in small pictures: the phase "upsample", and what the player shows.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/diamond/diamond_recipe.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace diamond_upsampling_test {

class DiamondUpsampling : public ::testing::Test {
 protected:
  DiamondUpsampling() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "diamond";
    spec.environment = "Catch";
    spec.directory = folder_ / run;
    spec.settings = {"side=32",            "train.steps=70",       "train.prefill=40",     "train.lanes=2",
                     "train.batch=4",      "train.train_ratio=1",  "train.bfloat16=false", "train.evaluate_episodes=2",
                     "world.width=8",      "world.levels=2",       "world.condition=16",   "world.reward_width=4",
                     "world.reward_condition=8", "world.reward_memory=8", "behaviour.width=2", "behaviour.memory=8",
                     "behaviour.horizon=3", "learn.length=6",      "learn.imagined=3",     "learn.actor_after=3",
                     "world.upsampling=2", "world.upsampler_width=8", "world.upsampler_levels=2", "world.upsampler_condition=16",
                     "upsampler.updates=12", "upsampler.batch=4"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_diamond(spec);
  }
  void train(const std::string& run, const std::vector<std::string>& more = {}, const std::string& phase = "") {
    Trainer trainer(make(run, more), {1e9, phase}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) const {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }
  static void same(const std::map<std::string, torch::Tensor>& whole, const std::map<std::string, torch::Tensor>& torn) {
    EXPECT_EQ(whole.size(), torn.size());
    for (const auto& [name, tensor] : whole) {
      ASSERT_TRUE(torn.contains(name)) << name;
      EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
    }
  }
  std::string given() { return "train.datasets=" + (folder_ / "given" / "data" / "own").string(); }

  test::TempFolder folder_;
};

TEST_F(DiamondUpsampling, LearnsAfterAllElseAndLooksAtUnseenPictures) {
  Trainer trainer(make("run", {"upsampler.updates=60", "upsampler.learning_rate=5e-3", "upsampler.warm_up=0", "upsampler.batch=8"}), {1e9, ""}, false);
  auto& system = trainer.system();
  std::vector<std::string> names;
  for (const auto& phase : system.phases) names.push_back(phase->name());
  EXPECT_EQ(names, (std::vector<std::string>{"learn", "upsample", "evaluate"}));
  EXPECT_EQ(system.phases[1]->title(), "Learn: upsample");
  std::vector<Frame> look;
  double first = 0;
  while (trainer.advance()) {
    if (system.phases[1]->progress() > 0 && first == 0) first = system.metrics.last("upsampler/loss");
    if (system.phases[1]->progress() > 0.5 && look.empty()) look = system.phases[1]->frames();
  }
  for (const auto& view : system.metrics.views(nullptr)) EXPECT_TRUE(!view.y.empty() || view.name.starts_with("gauges/")) << view.name;
  EXPECT_LT(system.metrics.last("upsampler/loss"), 0.5 * first);
  EXPECT_GT(system.metrics.last("upsampler/bicubic"), 10);
  ASSERT_EQ(look.size(), 3u);
  EXPECT_EQ(look[0].image->width, 32);
  EXPECT_NE(look[1].caption.find(" dB"), std::string::npos);
  EXPECT_NE(look[2].caption.find("made large, "), std::string::npos);
  EXPECT_GT(look[2].error, 0);
}

TEST_F(DiamondUpsampling, AnInterruptedOneGoesOnBitForBit) {
  train("whole");
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn"), {1e9, ""}, resume);
    for (int i = 0; i < 4 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  same(saved("whole"), saved("torn"));
}

/// From given episodes alone, without a model that dreams.
TEST_F(DiamondUpsampling, ThePhaseRunsAloneAndGoesOnBitForBit) {
  train("given", {}, "learn");
  train("whole", {given()}, "upsample");
  const auto begun = [&] {
    const auto system = make("begun");
    Checkpoint weights;
    system->store_weights(weights);
    return weights.tensors;
  }();
  const auto whole = saved("whole");
  std::int64_t learned = 0;
  for (const auto& [name, tensor] : begun) {
    const bool its = name.starts_with("model/upsampler.");
    if (!its || name.ends_with("frequencies")) {
      EXPECT_TRUE(torch::equal(tensor, whole.at(name))) << name;
    } else {
      learned += !torch::equal(tensor, whole.at(name));
    }
  }
  EXPECT_GT(learned, 20);
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn", {given()}), {1e9, "upsample"}, resume);
    for (int i = 0; i < 3 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  same(whole, saved("torn"));
}

TEST_F(DiamondUpsampling, WithoutEpisodesItSaysWhatToDo) {
  EXPECT_NE(test::message_of<Error>([&] { train("none", {}, "upsample"); }).find("run the phase 'learn' first"), std::string::npos);
}

TEST_F(DiamondUpsampling, TheFactorIsFixedOnceBegunAndMustDivide) {
  train("run", {}, "learn");
  EXPECT_NE(test::message_of<Error>([&] { Trainer(make("run", {"world.upsampling=1"}), {}, true); }).find("world.upsampling"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { make("bad", {"world.upsampling=4"}); }).find("leaves frames of 8 pixels a side"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { make("bad", {"side=33"}); }).find("33 x 33 pixels cannot be made 2 times smaller"), std::string::npos);
}

/// What a bundle holds is lived again picture by picture, so that the large ones are in it.
TEST_F(DiamondUpsampling, ThePlayerShowsLargePicturesAndLivesThemAgain) {
  Player player;
  player.load(make("run", {"world.upsampling_steps=3"}), "diamond");
  player.watch({"denoising/steps", "denoising/full"});
  for (int i = 1; i < 5; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  std::map<std::string, const Value*> shown;
  for (const auto& probe : view->probes) shown[probe.name] = probe.value.get();
  ASSERT_TRUE(shown.contains("denoising/full"));
  EXPECT_EQ(std::get<Image>(*shown.at("denoising/steps")).height, 16);
  EXPECT_EQ(std::get<Image>(*shown.at("denoising/full")).width, (2 + 3) * 32);
  bool found = false;
  for (const auto& frame : view->frames) {
    if (frame.name != "dream") continue;
    found = true;
    EXPECT_EQ(frame.image->width, 32);
  }
  EXPECT_TRUE(found);
  const auto bundle = player.keep(1000);
  EXPECT_TRUE(bundle.tensors.contains("dream/full"));
  const auto replayed = player.replay(bundle, false);
  EXPECT_EQ(replayed.steps, 4);
  EXPECT_EQ(replayed.largest, 0);
}

}  // namespace diamond_upsampling_test
}  // namespace dream
