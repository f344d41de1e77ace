#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/data/video_reader.h"
#include "core/data/video_writer.h"
#include "core/dream/player.h"
#include "core/engine/genie/genie_recipe.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace genie_run_test {

class GenieRun : public ::testing::Test {
 protected:
  GenieRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = "genie";
    spec.environment = "BouncingSquare";
    spec.directory = folder_ / run;
    spec.settings = {"collect.episodes=4", "collect.max_steps=20",  "world.frames=4",      "tokenizer.width=16",
                     "tokenizer.layers=1", "tokenizer.patch=16",    "actions.width=16",    "actions.layers=1",
                     "dynamics.width=16",  "dynamics.layers=1",     "tokenizer.updates=6", "actions.updates=6",
                     "dynamics.updates=6", "tokenizer.batch=4",     "actions.batch=4",     "dynamics.batch=4",
                     "train.measured=4",   "train.measure_every=3", "train.bfloat16=false"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(GenieRun, GoesThroughItsPhasesAndDrawsEveryCurve) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  for (const auto& view : trainer.system().metrics.views(nullptr)) EXPECT_FALSE(view.y.empty()) << view.name;
}

TEST_F(GenieRun, AnInterruptedOneGoesOnBitForBit) {
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

/// Of more episodes than fit, the measured ones stay and the others come and go; a torn run ends as the whole one.
TEST_F(GenieRun, LearnsFromMoreThanFitsIntoMemory) {
  const std::vector<std::string> more = {"collect.episodes=24", "collect.max_steps=250", "train.budget_gb=0.01", "tokenizer.batch=64", "actions.batch=64",
                                         "dynamics.batch=64"};
  for (const bool torn : {false, true}) {
    bool told = false;
    for (bool going = true, resume = false; going; resume = true) {
      Trainer trainer(make(torn ? "torn" : "whole", more), {1e9, ""}, resume);
      for (int i = 0; going && (!torn || i < 25); ++i) {
        going = trainer.advance();
        EXPECT_LE(trainer.system().memory_bytes(), 0.01e9);
        const auto* phase = trainer.current();
        told = told || (phase && std::ranges::any_of(phase->warnings(), [](const auto& said) { return said.find("more than fit into memory at once") != std::string::npos; }));
      }
      trainer.close();
    }
    EXPECT_TRUE(told);
  }
  const auto whole = saved("whole"), torn = saved("torn");
  ASSERT_TRUE(whole.contains("data.stream"));
  EXPECT_GT(whole.at("data.stream")[0].item<double>(), 1) << "some have gone";
  for (const auto& [name, tensor] : whole) EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
}

TEST_F(GenieRun, LearnsFromGivenEpisodesAndNeverLooksAtTheirActions) {
  const auto weights = [&](const std::string& run, const std::string& datasets) {
    Trainer trainer(make(run, {"train.datasets=" + datasets}), {}, false);
    while (trainer.advance()) {
    }
    EXPECT_EQ(trainer.system().phases.size(), 3u) << "nothing is collected";
    return fingerprint(trainer.system());
  };
  {
    Trainer trainer(make("first"), {}, false);
    while (trainer.advance()) {
    }
  }
  const auto given = folder_ / "first" / "data" / "random";
  const Dataset dataset(given);
  DatasetWriter relabelled(folder_ / "relabelled", dataset.info());
  for (std::size_t i = 0; i < dataset.episodes(); ++i) {
    auto episode = dataset.read(i);
    for (auto& action : episode.actions) action = 4 - action;
    relabelled.append(episode);
  }
  EXPECT_EQ(weights("a", given.string()), weights("b", (folder_ / "relabelled").string()));
}

TEST_F(GenieRun, LearnsFromVideosThatSayNoActions) {
  if (const auto why = why_no_videos(); !why.empty()) GTEST_SKIP() << why;
  if (!VideoWriter::can_write()) GTEST_SKIP() << "FFmpeg's libraries here have no encoder to make a video with";
  const auto clips = folder_ / "clips";
  std::filesystem::create_directory(clips);
  for (int clip = 0; clip < 3; ++clip) {
    VideoWriter writer(clips / (std::to_string(clip) + ".mp4"), {.width = 96, .height = 64});
    for (int t = 0; t < 12; ++t) {
      std::vector<std::uint8_t> rgb(96 * 64 * 3, 40);
      for (int y = 20; y < 36; ++y)
        std::fill_n(rgb.begin() + (y * 96 + 20 + 3 * t + clip) * 3, 16 * 3, std::uint8_t{220});
      writer.add(rgb.data());
    }
    writer.finish();
  }
  Trainer trainer(make("films", {"train.datasets=" + clips.string()}), {}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.system().phases.size(), 3u) << "nothing is collected";
  for (const auto& view : trainer.system().metrics.views(nullptr))
    EXPECT_EQ(view.y.empty(), view.name == "actions/nmi") << view.name << ": there are no true actions to hold codes against";

  RunSpec dreamer;
  dreamer.recipe = "dreamer-v3", dreamer.environment = "BouncingSquare", dreamer.directory = folder_ / "dreamer";
  dreamer.settings = {"train.datasets=" + clips.string()};
  EXPECT_NE(test::message_of<Error>([&] {
              Trainer refused(make_system(dreamer), {}, false);
              while (refused.advance()) {
              }
            }).find("holds no actions"),
            std::string::npos);
}

TEST_F(GenieRun, ThePlayerDreamsByItsCodes) {
  Player player;
  player.load(make("run"), "genie");
  player.watch({"tokens/grid", "tokens/confidence", "tokens/order", "actions/use"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  EXPECT_EQ(view->spaces.action.choices.size(), 6u);
  ASSERT_EQ(view->probes.size(), 4u);
  const auto& grid = std::get<Heatmap>(*view->probes[0].value);
  EXPECT_EQ(grid.cells.size(), 16u);
  EXPECT_TRUE(grid.picture);
}

TEST_F(GenieRun, SaysWhatIsMissing) {
  const auto run = [&](const std::vector<std::string>& more) {
    return test::message_of<Error>([&] {
      Trainer trainer(make("short", more), {}, false);
      while (trainer.advance()) {
      }
    });
  };
  EXPECT_NE(run({"collect.max_steps=2"}).find("fewer than two"), std::string::npos);
  const auto entry = std::ranges::find(recipes(), "genie", &RecipeEntry::name);
  ASSERT_NE(entry, recipes().end());
  EXPECT_NE(entry->lacks(Spaces{}), "") << "a world without pictures";
}

}  // namespace genie_run_test
}  // namespace dream
