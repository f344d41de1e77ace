// Gauges that a training takes of itself: they tell what is so, cost little and change nothing.
#include "core/engine/gauge_watch.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/engine/trainer.h"
#include "core/models/gauges.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/lab/known_world.h"
#include "tests/support/tiny_dreamer.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace gauge_watch_test {

using namespace test;

std::shared_ptr<System> watched(Wrong wrong) {
  auto system = known_system(wrong, true);
  system->metrics = Metrics(GaugeWatch::curves("update"));
  return system;
}

/// A training of `updates` updates of 1024 frames, on a clock that stands still.
std::vector<std::string> warnings_of(System& system, double progress, int updates = 200) {
  GaugeWatch watch(system, [] { return 0.0; });
  for (int update = 1; update <= updates; ++update) watch.after(update, 1024, progress);
  return watch.warnings();
}

bool said(const std::vector<std::string>& warnings, const std::string& part) {
  return std::ranges::any_of(warnings, [&](const auto& text) { return text.find(part) != std::string::npos; });
}

TEST(GaugeWatch, APerfectModelIsWithinEveryBand) {
  const auto system = watched(Wrong::nothing);
  EXPECT_TRUE(warnings_of(*system, 0.9).empty());
  EXPECT_DOUBLE_EQ(system->metrics.last("gauges/skill"), 1);
  EXPECT_GT(system->metrics.last("gauges/reliance"), 0.5);
  EXPECT_DOUBLE_EQ(system->metrics.last("gauges/silent"), 0);
  EXPECT_EQ(system->metrics.last("gauges/usable_horizon"), 21) << "all that was imagined: 28 steps, 7 of them watched";
}

TEST(GaugeWatch, ADeafModelLeavesTheBandOfReliance) {
  const auto system = watched(Wrong::deaf);
  const auto warnings = warnings_of(*system, 0.9);
  EXPECT_TRUE(said(warnings, "hardly listens to actions (reliance 0.00")) << ::testing::PrintToString(warnings);
  EXPECT_NEAR(system->metrics.last("gauges/reliance"), 0, 1e-9);
  EXPECT_TRUE(warnings_of(*system, 0.1).empty()) << "nothing need be good yet";
}

TEST(GaugeWatch, ACopierHasNoSkillAndACollapsedLatentIsSilent) {
  EXPECT_TRUE(said(warnings_of(*watched(Wrong::copies), 0.9), "no nearer to the truth"));
  const auto collapsed = watched(Wrong::collapsed);
  EXPECT_TRUE(said(warnings_of(*collapsed, 0.9), "the latent has collapsed"));
  EXPECT_DOUBLE_EQ(collapsed->metrics.last("gauges/silent"), 1);
}

TEST(GaugeWatch, WhatWasGoodAndIsNotAnyMoreIsSaidAtOnce) {
  auto system = watched(Wrong::nothing);
  GaugeWatch watch(*system, [] { return 0.0; });
  for (int update = 1; update <= 40; ++update) watch.after(update, 1024, 0.05);
  EXPECT_TRUE(watch.warnings().empty());
  system->model = std::make_shared<KnownModel>(Wrong::deaf);
  for (int update = 41; update <= 60; ++update) watch.after(update, 1024, 0.05);
  EXPECT_TRUE(watch.warnings().empty()) << "once may be chance";
  for (int update = 61; update <= 80; ++update) watch.after(update, 1024, 0.05);
  EXPECT_TRUE(said(watch.warnings(), "hardly listens"));
  system->model = std::make_shared<KnownModel>(Wrong::nothing);
  for (int update = 81; update <= 100; ++update) watch.after(update, 1024, 0.05);
  EXPECT_TRUE(watch.warnings().empty()) << "it is back";
}

TEST(TimeShare, WhatIsSlowIsDoneSeldom) {
  TimeShare time(0.03, 0);
  double now = 0;
  int done = 0;
  for (int update = 0; update < 10000; ++update) {
    now += 1;
    if (!time.allows(now)) continue;
    now += 5, time.took(5), ++done;
  }
  EXPECT_LE(time.spent(), 0.03 * now);
  EXPECT_GT(done, 50) << "3 % of 10,000 s are 60 times 5 s";
}

/// Every imagined step takes a second of the clock.
class SlowModel : public KnownModel {
 public:
  explicit SlowModel(double& clock) : clock_(clock) {}
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    clock_ += 1;
    return KnownModel::imagine(carry, action, knobs, rng);
  }

 private:
  double& clock_;
};

TEST(GaugeWatch, TakesAtMostThreeHundredthsOfTheTime) {
  auto system = watched(Wrong::nothing);
  double clock = 0;
  system->model = std::make_shared<SlowModel>(clock);
  GaugeWatch watch(*system, [&] { return clock; });
  for (int update = 1; update <= 20000; ++update) clock += 1, watch.after(update, 1024, 0.5);
  EXPECT_LE(watch.spent(), GaugeWatch::most_time * clock);
  EXPECT_GT(watch.spent(), 0.5 * GaugeWatch::most_time * clock) << "and it is not idle either";
}

TEST(GaugeWatch, DrivesTheSamePiecesAndKnowsWhetherTheWorldAnswers) {
  const auto system = watched(Wrong::nothing);
  const auto one = drive_unseen(*system, 8, 28), two = drive_unseen(*system, 8, 28);
  EXPECT_TRUE(torch::equal(one.batch.image, two.batch.image));
  EXPECT_EQ(one.batch.steps(), 29);
  EXPECT_GT(one.answers, 0.3);
  // The action beside a frame led to it: a perfect model foresees everything.
  const auto gauged = gauge(*system->model, one.batch, one.context, make_generator(torch::kCPU, 1));
  EXPECT_EQ(gauged.pictures.dream.max().item<double>(), 0);
}

void expect_same_but_gauges(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto first = all_of(a), second = all_of(b);
  for (const auto& [name, tensor] : first) {
    if (name.find("/gauges/") != std::string::npos) continue;
    ASSERT_TRUE(second.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, second.at(name))) << name;
  }
}

const std::vector<std::string> with_updates = {"world.observe=vector", "world.paint=false", "train.batch=32", "train.length=16", "train.steps=240",
                                                "train.train_ratio=110"};

TEST(GaugeWatch, ATrainingIsTheSameWithAndWithoutAndTornApart) {
  torch::set_num_threads(1);
  TempFolder folder;
  const DreamerRun catching = {"dreamer-v3", "Catch", with_updates};
  for (const auto& [name, setting] : {std::pair{"with", "train.gauges=true"}, {"without", "train.gauges=false"}}) {
    Trainer trainer(tiny_dreamer(catching, folder / name, {setting}), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  EXPECT_TRUE(all_of(folder / "with").contains("curve/gauges/skill"));
  EXPECT_FALSE(all_of(folder / "without").contains("curve/gauges/skill"));
  expect_same_but_gauges(folder / "without", folder / "with");
  for (bool more = true; more;) {
    Trainer trainer(tiny_dreamer(catching, folder / "torn"), {1e9, "learn"}, true);
    for (int i = 0; i < 20 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  expect_same(folder / "with", folder / "torn");
}

TEST(GaugeWatch, MIsTheSameWithAndWithout) {
  torch::set_num_threads(1);
  TempFolder folder;
  for (const auto& [name, setting] : {std::pair{"with", "m.gauges=true"}, {"without", "m.gauges=false"}}) {
    Trainer trainer(tiny_system(folder / name, {"m.batch=50", "m.sequence=40", "m.steps=22", setting}), {1e9, ""}, false);
    for (const auto* phase : {"collect", "v", "m"}) {
      trainer.choose(phase);
      while (trainer.advance()) {
      }
    }
    trainer.close();
  }
  const auto with = all_of(folder / "with");
  ASSERT_TRUE(with.contains("curve/gauges/skill"));
  EXPECT_EQ(with.at("curve/gauges/skill").size(1), 1);
  expect_same_but_gauges(folder / "without", folder / "with");
}

}  // namespace gauge_watch_test
}  // namespace dream
