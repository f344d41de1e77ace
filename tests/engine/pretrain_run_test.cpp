// Image pre-training as recipes: they resume bit for bit, collapse when what keeps them from it is switched off, say what
// can be read of a picture, and dream nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/dream/player.h"
#include "core/engine/linear_readout.h"
#include "core/engine/run_file.h"
#include "core/engine/trainer.h"
#include "core/models/representation.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace pretrain_run_test {

using test::expect_same;
using test::message_of;

constexpr const char* all_recipes[] = {"i-jepa", "v-jepa", "byol", "vicreg"};

class PretrainRun : public ::testing::Test {
 protected:
  PretrainRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> tiny(const std::string& recipe, const std::string& name,
                               const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = recipe, spec.environment = "TwoRoom", spec.directory = folder_ / name;
    spec.settings = {"collect.episodes=3", "collect.max_steps=20", "collect.lanes=2",  "train.updates=6",
                     "train.batch=4",      "encoder.patch=8",      "encoder.width=12", "encoder.layers=1",
                     "encoder.heads=2",    "view.depth=2",         "rival.every=3",    "learn.warm_up=2"};
    if (recipe.ends_with("jepa")) {
      for (const char* each : {"predictor.width=12", "predictor.layers=1", "predictor.heads=2"})
        spec.settings.push_back(each);
    } else {
      for (const char* each : {"projector.units=16", "projector.out=8"}) spec.settings.push_back(each);
    }
    if (recipe == "v-jepa") spec.settings.push_back("encoder.frames=4");
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  static void run(std::unique_ptr<System> system) {
    Trainer trainer(std::move(system), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  test::TempFolder folder_;
};

TEST_F(PretrainRun, ResumesBitForBit) {
  for (const std::string recipe : all_recipes) {
    run(tiny(recipe, recipe + "_whole"));
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(tiny(recipe, recipe + "_torn"), {1e9, ""}, resumptions > 0);
      for (int k = 0; k < 3 && more; ++k) more = trainer.advance();
      trainer.close();
    }
    EXPECT_GT(resumptions, 2);
    expect_same(folder_ / (recipe + "_whole"), folder_ / (recipe + "_torn"));
  }
}

TEST_F(PretrainRun, DrawsEveryCurveAndReadsThePlace) {
  for (const std::string recipe : all_recipes) {
    Trainer trainer(tiny(recipe, recipe), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    const auto& metrics = trainer.system().metrics;
    for (const auto& view : metrics.views(nullptr)) EXPECT_FALSE(view.y.empty()) << recipe << ", " << view.name;
    // Where the dot is, pixels say linearly; what an untrained or hardly trained encoder says is between nothing and all.
    EXPECT_GT(metrics.last("read/pixels"), 0.8) << recipe;
    for (const char* from : {"read/encoder", "read/untrained", "read/rival"}) {
      EXPECT_GE(metrics.last(from), 0) << recipe;
      EXPECT_LE(metrics.last(from), 1) << recipe;
    }
  }
}

TEST_F(PretrainRun, ItsWeightsComeBackFromAFile) {
  for (const std::string recipe : {"i-jepa", "byol"}) {
    run(tiny(recipe, recipe));
    const auto loaded = load_system(load_run(checkpoint_path(folder_ / recipe)), "cpu");
    ASSERT_TRUE(loaded->encoder);
    EXPECT_FALSE(loaded->model);
    EXPECT_TRUE(loaded->encoder->rival());
    Checkpoint weights;
    loaded->store_weights(weights);
    const auto saved = test::all_of(folder_ / recipe);
    std::size_t compared = 0;
    for (const auto& [name, tensor] : weights.tensors) {
      ASSERT_TRUE(name.starts_with("encoder/")) << name;
      EXPECT_TRUE(torch::equal(tensor, saved.at(name))) << name;
      ++compared;
    }
    EXPECT_GT(compared, 40u);
    const auto pictures = torch::randint(0, 256, {3, 64, 64, 3}, torch::kUInt8);
    torch::NoGradGuard no_grad;
    EXPECT_EQ(loaded->encoder->embed_pictures(pictures).sizes(), (std::vector<std::int64_t>{3, 12}));
  }
}

/// What a class does: it lets the target learn to be easy, and all targets become one; without that they do not.
TEST_F(PretrainRun, ASwitchMakesItCollapseWhileItLearns) {
  run(tiny("i-jepa", "walked"));
  const Dataset walked(folder_ / "walked" / "data" / "random");
  DatasetWriter shaded(folder_ / "shaded", walked.info());
  Rng chance(1);
  for (std::size_t i = 0; i < walked.episodes(); ++i) {
    auto episode = walked.read(i);
    for (std::size_t t = 0; t <= episode.length(); ++t) {
      // A slope of colours, another in every frame: what is hidden of it can be told from the rest.
      double by[9];
      for (auto& each : by) each = chance.uniform(-40, 40);
      for (std::size_t k = 0; k < episode.frame_bytes(); ++k) {
        const double x = static_cast<double>(k / 3 % 64) / 32 - 1, y = static_cast<double>(k / 192) / 32 - 1;
        episode.frames[t * episode.frame_bytes() + k] =
            static_cast<std::uint8_t>(127 + by[k % 3] + by[3 + k % 3] * x + by[6 + k % 3] * y);
      }
    }
    shaded.append(episode);
  }
  const auto spread_after = [&](const std::string& name, bool switched) {
    const auto data = "train.datasets=" + (folder_ / "shaded").string();
    Trainer trainer(tiny("i-jepa", name,
                         {data, "train.updates=300", "train.batch=16", "rival.on=false", "view.on=false", "learn.first_rate=1",
                          "encoder.width=24", "learn.learning_rate=2e-3", "learn.weight_decay=0", "learn.last_decay=0"}),
                    {1e9, ""}, false);
    auto& metrics = trainer.system().metrics;
    for (int k = 0; trainer.advance(); ++k)
      if (switched && k == 40) trainer.set("learn.target", "gradient");
    return std::pair{metrics.last("encoder/target_spread"), metrics.last("encoder/prediction")};
  };
  const auto [kept, honest] = spread_after("kept", false);
  EXPECT_GT(kept, 0.4);
  const auto [collapsed, easy] = spread_after("switched", true);
  EXPECT_LT(collapsed, 0.15 * kept);
  EXPECT_LT(easy, 0.1 * honest) << "and its loss is the better one";
}

TEST_F(PretrainRun, ThePlayerStaysInTheRealWorldAndLooksThroughIt) {
  for (const std::string recipe : all_recipes) {
    Player player;
    std::shared_ptr<System> system = tiny(recipe, "untrained_" + recipe);
    player.load(system, recipe);
    player.start_at(1);
    const auto names = system->encoder->probe_names();
    player.watch({names.begin(), names.end()});
    auto view = player.view();
    EXPECT_TRUE(view->ready);
    EXPECT_FALSE(view->has_model);
    EXPECT_FALSE(view->has_behaviour);
    EXPECT_EQ(view->probe_names, names);
    EXPECT_EQ(view->probes.size(), names.size()) << recipe;
    const auto dream = std::ranges::find(view->frames, "dream", &Frame::name),
               real = std::ranges::find(view->frames, "real", &Frame::name);
    ASSERT_NE(dream, view->frames.end());
    EXPECT_EQ(dream->image, nullptr);
    EXPECT_NE(dream->caption.find("dreams nothing"), std::string::npos);
    ASSERT_NE(real, view->frames.end());
    EXPECT_TRUE(real->image);
    player.control(DreamControl::Do::step);
    EXPECT_EQ(player.view()->step, 1);
    EXPECT_NE(message_of<Error>([&] { player.open_fan(FanOver::chance, ""); }), "");
  }
}

TEST_F(PretrainRun, LearnsFromGivenEpisodesAndSaysWhatIsMissing) {
  run(tiny("i-jepa", "walked"));
  const auto given = (folder_ / "walked" / "data" / "random").string();
  const auto system = tiny("vicreg", "given", {"train.datasets=" + given});
  EXPECT_EQ(system->phases.size(), 1u) << "nothing is collected";
  run(tiny("vicreg", "given", {"train.datasets=" + given}));
  EXPECT_NE(message_of<Error>([&] {
              run(tiny("v-jepa", "long", {"encoder.frames=32", "encoder.tubelet=2"}));
            }).find("encoder.frames"),
            std::string::npos);
  EXPECT_NE(message_of<Error>([&] { run(tiny("i-jepa", "few", {"masks.least=60"})); }), "");
  for (const auto& entry : recipes())
    EXPECT_TRUE(!std::ranges::count(all_recipes, entry.name) || !entry.lacks(Spaces{}).empty()) << entry.name;
}

TEST(LinearReadout, FindsALineInFewAndInManyColumnsAndNothingInNoise) {
  torch::manual_seed(1);
  const auto y = torch::randn({400, 2}, torch::kFloat64);
  const auto mixed = torch::matmul(y, torch::randn({2, 10}, torch::kFloat64)) + 3;
  EXPECT_GT(linear_readout(mixed, y), 0.999);
  EXPECT_LT(linear_readout(torch::randn({400, 10}, torch::kFloat64), y), 0.05);
  // More columns than rows, of which two say it.
  auto wide = torch::randn({400, 3000}, torch::kFloat64) * 0.01;
  wide.slice(1, 0, 2) += y;
  EXPECT_GT(linear_readout(wide, y), 0.9);
  EXPECT_EQ(linear_readout(mixed, torch::ones({400, 2})), 0) << "nothing varies";
}

}  // namespace pretrain_run_test
}  // namespace dream
