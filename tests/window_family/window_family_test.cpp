// A third family, made of this folder and a line of the list: what `docs/adding.md` says that one takes.
#include <gtest/gtest.h>

#include <numeric>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/window_family/window_recipe.h"

namespace dream {
namespace window_family_test {

class WindowFamily : public ::testing::Test {
 protected:
  WindowFamily() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "window";
    spec.environment = "Catch";
    spec.directory = folder_ / run;
    spec.settings = {"train.steps=120",
                     "train.prefill=40",
                     "train.lanes=2",
                     "train.batch=4",
                     "train.length=6",
                     "train.train_ratio=6",
                     "train.bfloat16=false",
                     "train.evaluate_episodes=2",
                     "behaviour.units=8",
                     "behaviour.horizon=3",
                     "imagined=5"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return test::window_entry().make(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(WindowFamily, LearnsAndIsScored) {
  Trainer trainer(make("run", {"train.steps=400", "train.train_ratio=24"}), {}, false);
  while (trainer.advance()) {
  }
  auto& system = trainer.system();
  const auto curve = [&](const std::string& name) {
    for (const auto& view : system.metrics.views(nullptr)) {
      if (view.name == name) return view.y;
    }
    return std::vector<double>{};
  };
  const auto vector = curve("world/vector");
  ASSERT_GT(vector.size(), 20u);
  EXPECT_LT(vector.back(), 0.5 * vector.front()) << "its tokens learn to say what was seen";
  EXPECT_EQ(curve("behaviour/return").size(), vector.size());
  EXPECT_EQ(curve("evaluate/reward").size(), 2u);
  EXPECT_EQ(system.starts.at("window").sizes(), (std::vector<std::int64_t>{5, 4, 12})) << "its own batch's contexts";
}

TEST_F(WindowFamily, AnInterruptedRunGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn"), {1e9, ""}, resume);
    for (int i = 0; i < 7 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  const auto whole = saved("whole"), torn = saved("torn");
  EXPECT_EQ(whole.size(), torn.size());
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
  }
}

TEST_F(WindowFamily, ThePlayerDreamsWithIt) {
  Player player;
  player.load(make("run"), "window");
  player.watch({"window/attention"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  ASSERT_EQ(view->knobs.size(), 1u);
  EXPECT_EQ(view->knobs[0].knob.symbol, "τ");
  ASSERT_FALSE(view->probes.empty());
  const auto& weights = std::get<Heatmap>(*view->probes[0].value).cells;
  EXPECT_EQ(weights.size(), 4u);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-4);
  EXPECT_NE(test::message_of<Error>([&] { player.edit("latent/z", 0, 1); }).find("cannot be edited"),
            std::string::npos);
}

TEST_F(WindowFamily, SaysWhichWorldsItCannotServe) {
  EXPECT_EQ(test::window_entry().lacks(make("run")->make_env()->spaces()), "");
  EXPECT_NE(test::window_entry().lacks({}), "");
}

}  // namespace window_family_test
}  // namespace dream
