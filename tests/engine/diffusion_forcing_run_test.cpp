// Diffusion Forcing as a recipe: its phases, resuming bit for bit, dreams in the player, and what is refused.
#include <gtest/gtest.h>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/diffusion_forcing/diffusion_forcing_recipe.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace diffusion_forcing_run_test {

using test::message_of;

class DiffusionForcingRun : public ::testing::Test {
 protected:
  DiffusionForcingRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "diffusion-forcing";
    spec.environment = "BouncingSquare";
    spec.directory = folder_ / run;
    spec.settings = {"collect.episodes=4", "collect.max_steps=20", "world.frames=5",  "world.horizon=2",     "world.patch=16",
                     "world.width=16",     "world.depth=1",        "world.each=8",    "train.updates=8", "train.batch=3",       "train.bfloat16=false",
                     "optimiser.warm_up=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_diffusion_forcing(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(DiffusionForcingRun, GoesThroughItsPhasesAndDrawsEveryCurve) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.system().phases.size(), 2u);
  for (const auto& view : trainer.system().metrics.views(nullptr)) EXPECT_FALSE(view.y.empty()) << view.name;
  EXPECT_EQ(trainer.system().starts.at("frames").sizes(), (std::vector<std::int64_t>{3, 5, 3, 64, 64}));
}

TEST_F(DiffusionForcingRun, AnInterruptedOneGoesOnBitForBit) {
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

TEST_F(DiffusionForcingRun, ThePlayerDreamsInEveryOrderAndShowsTheNoise) {
  Player player;
  player.load(make("run"), "diffusion-forcing");
  player.watch({"noise/matrix", "noise/window", "noise/frame", "noise/ahead"});
  player.set_knob("noise_order", 1);
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->knobs.size(), 5u);
  ASSERT_EQ(view->probes.size(), 4u) << "the second of its two horizons has begun";
  EXPECT_EQ(std::get<Heatmap>(*view->probes[0].value).cells.size(), 12u) << "six rows of two frames";
  EXPECT_EQ(std::get<Heatmap>(*view->probes[1].value).cells.size(), 5u);
  EXPECT_EQ(std::get<Image>(*view->probes[2].value).width, 4 * 64) << "as many pictures as steps";
  player.set_knob("noise_order", 2);
  player.step(now_seconds() + 4);
  EXPECT_EQ(player.view()->step, 4);
  EXPECT_EQ(player.view()->knobs.size(), 4u) << "the uncertainty is a pyramid's";
  EXPECT_NE(message_of<Error>([&] { player.edit("noise/window", 0, 1); }).find("cannot be edited"), std::string::npos);
}

TEST_F(DiffusionForcingRun, ThePublishedSizeHasThePublishedConstants) {
  ForcingRunOptions options;
  options.size = ForcingSize::published;
  set_published(options);
  EXPECT_EQ(options.world.steps, 100);
  EXPECT_EQ(options.world.stabilisation, 15);
  EXPECT_EQ(options.world.schedule.tells, DenoiserTells::velocity);
  EXPECT_EQ(options.world.contrast, 1);
  const auto& network = options.world.network;
  EXPECT_EQ(std::tuple(network.patch, network.width, network.levels, network.heads, network.each, network.attention_from, network.first_kernel),
            std::tuple(1, 64, 4, 4, 64, 0, 7));
  EXPECT_EQ(options.optimiser.learning_rate, 8e-5);
  EXPECT_EQ(options.optimiser.weight_decay, 2e-3);
  EXPECT_EQ(options.optimiser.beta2, 0.99);
  const auto system = make("small", {"size=published", "world.heads=2"});
  EXPECT_EQ(system->model->knobs().front().default_value, 100) << "the size sets what nobody has set";
}

TEST_F(DiffusionForcingRun, SaysWhatIsMissing) {
  EXPECT_NE(message_of<Error>([&] {
              Trainer trainer(make("short", {"collect.max_steps=3"}), {}, false);
              while (trainer.advance()) {
              }
            }).find("world.frames must be less"),
            std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("odd", {"world.patch=24"}); }).find("patches of 24 pixels do not cover"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("deep", {"world.depth=4"}); }).find("must be multiples of 128"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("width", {"world.width=20"}); }).find("of its 8 groups"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("horizon", {"world.horizon=5"}); }).find("less than world.frames"), std::string::npos);
}

}  // namespace diffusion_forcing_run_test
}  // namespace dream
