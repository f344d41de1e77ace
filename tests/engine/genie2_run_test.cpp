// Genie 2 as a recipe: its phases, resuming bit for bit, dreams in the player, and what is refused. Its sharing with
// Genie leaves that one's shipped run as it was.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/genie2/genie2_recipe.h"
#include "core/engine/run_file.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace genie2_run_test {

using test::message_of;

class Genie2Run : public ::testing::Test {
 protected:
  Genie2Run() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "genie-2";
    spec.environment = "BouncingSquare";
    spec.directory = folder_ / run;
    spec.settings = {"collect.episodes=4",   "collect.max_steps=20",  "world.frames=4",        "autoencoder.width=16",
                     "autoencoder.patch=16", "actions.width=16",      "actions.layers=1",      "actions.patch=16",
                     "dynamics.width=16",    "dynamics.layers=2",     "autoencoder.updates=6", "actions.updates=6",
                     "dynamics.updates=6",   "autoencoder.batch=4",   "actions.batch=4",       "dynamics.batch=4",
                     "train.measured=4",     "train.measure_every=3", "train.bfloat16=false"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(Genie2Run, GoesThroughItsPhasesAndDrawsEveryCurve) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.system().phases.size(), 4u);
  for (const auto& view : trainer.system().metrics.views(nullptr)) EXPECT_FALSE(view.y.empty()) << view.name;
}

TEST_F(Genie2Run, AnInterruptedOneGoesOnBitForBit) {
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

TEST_F(Genie2Run, ADamagedCheckpointIsRefusedInASentence) {
  {
    Trainer trainer(make("run"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  const auto file = folder_ / "run" / "checkpoint.safetensors";
  const auto whole = Checkpoint::load(file);
  const auto refused = [&](const std::string& name, const std::function<void(torch::Tensor&)>& change) {
    auto damaged = whole;
    ASSERT_TRUE(damaged.tensors.contains(name)) << name;
    damaged.tensors[name] = damaged.tensors[name].clone();
    change(damaged.tensors[name]);
    damaged.save(file);
    const auto said = message_of<Error>([&] {
      Trainer trainer(make("run"), {1e9, ""}, true);
      for (int i = 0; i < 3; ++i) trainer.advance();
    });
    EXPECT_NE(said.find(name), std::string::npos) << name << ": " << said;
  };
  refused("dynamics.counters", [](torch::Tensor& t) { t[0] = -3; });
  refused("dynamics.rng", [](torch::Tensor& t) { t.fill_(255); });
  refused("model/dynamics.network.of_distance", [](torch::Tensor& t) { t = t.slice(1, 1).clone(); });
  refused("model/autoencoder.deviation", [](torch::Tensor& t) { t = t.slice(0, 1).clone(); });
  refused("model/dynamics.untold", [](torch::Tensor& t) { t.fill_(NAN); });
}

TEST_F(Genie2Run, ThePlayerDreamsByItsCodesAndShowsTheNoiseGo) {
  Player player;
  player.load(make("run"), "genie-2");
  player.watch({"denoising/steps", "denoising/heard", "latent/z", "actions/use", "actions/motion"});
  player.set_knob("guidance", 2);
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  EXPECT_EQ(view->spaces.action.choices.size(), 6u);
  ASSERT_EQ(view->probes.size(), 5u);
  EXPECT_EQ(std::get<Image>(*view->probes[0].value).width, 4 * 64) << "as many pictures as steps";
}

TEST_F(Genie2Run, SaysWhatIsMissing) {
  EXPECT_NE(message_of<Error>([&] {
              Trainer trainer(make("short", {"collect.max_steps=5"}), {}, false);
              while (trainer.advance()) {
              }
            }).find("are of 7 frames or more"),
            std::string::npos)
      << "two blocks look back at two times three frames";
  EXPECT_NE(message_of<Error>([&] { make("odd", {"autoencoder.patch=24"}); }).find("patches of 24 pixels do not cover"),
            std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("heads", {"dynamics.heads=3"}); }).find("they must divide it"),
            std::string::npos);
  const auto entry = std::ranges::find(recipes(), "genie-2", &RecipeEntry::name);
  ASSERT_NE(entry, recipes().end());
  EXPECT_NE(entry->lacks(Spaces{}), "") << "a world without pictures";
}

TEST_F(Genie2Run, GeniesShippedWeightsOpenAsEver) {
  const auto run =
      load_system(load_run(DREAMSCOPE_SOURCE_DIR "/assets/runs/bouncing_square_genie/checkpoint.safetensors"), "cpu");
  EXPECT_EQ(fingerprint(*run), "0179e06c4e80a383");
}

}  // namespace genie2_run_test
}  // namespace dream
