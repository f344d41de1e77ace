// A run has one trainer among all programs; everyone else looks on and writes nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "api/error.h"
#include "core/base/isolated.h"
#include "core/base/platform.h"
#include "core/live/live_engine.h"
#include "core/live/run_list.h"
#include "tests/data/temp_folder.h"
#include "tests/support/event_reader.h"
#include "tests/support/tiny_dreamer.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace run_owners_test {

using test::message_of;
using Train = TrainControl::Do;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class RunOwners : public ::testing::Test {
 protected:
  RunOwners() { torch::set_num_threads(1); }
  std::filesystem::path run() const { return folder_ / "run"; }
  void begin(std::vector<std::string> more = {}) {
    Trainer(test::tiny_system(run(), std::move(more)), {}, false).close();
  }
  std::unique_ptr<Trainer> open() const { return Trainer::open(run(), {1e9, ""}, "cpu"); }
  /// Every file below `folder` with its content and the time of its last change.
  static std::map<std::string, std::string> all_below(const std::filesystem::path& folder) {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const auto time = std::to_string(entry.last_write_time().time_since_epoch().count());
      found[entry.path().string()] = time + (entry.is_regular_file() ? test::read_bytes(entry.path()) : "");
    }
    return found;
  }
  std::unique_ptr<LiveEngine> engine(const std::filesystem::path& opened, const std::filesystem::path& assets = {}) {
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_.path();
    options.assets = assets;
    options.open = opened;
    return std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const Engine& engine, const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*engine.latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto last = engine.latest();
    return ::testing::AssertionFailure() << "fault '" << last->fault << "', training '" << last->train->fault << "'";
  }
  test::TempFolder folder_;
};

TEST_F(RunOwners, OpeningWritesNothing) {
  begin();
  std::filesystem::remove(run() / ".lock");
  const auto before = all_below(folder_.path());
  {
    const auto trainer = open();
    trainer->phases(false);
    trainer->weights();
    EXPECT_FALSE(trainer->taken());
    trainer->close();
  }
  {
    const auto live = engine(run());
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open; }));
    live->send(TrainControl{Train::stop, ""});
    live->send(OpenRun{(folder_ / "missing").string()});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("missing") != std::string::npos; }));
  }
  EXPECT_TRUE(before == all_below(folder_.path()));
}

TEST_F(RunOwners, ClosingSavesOnlyWhatHasChanged) {
  begin();
  const auto saved = mark_of(run() / "checkpoint.safetensors");
  auto trainer = open();
  trainer->take();
  trainer->close();
  EXPECT_EQ(mark_of(run() / "checkpoint.safetensors"), saved);
  trainer->advance();
  trainer->close();
  EXPECT_NE(mark_of(run() / "checkpoint.safetensors"), saved);
}

TEST_F(RunOwners, TheSecondIsRefusedInASentenceThatNamesTheFirst) {
  begin();
  auto first = open(), second = open();
  first->advance();
  for (const auto& attempt : std::initializer_list<std::function<void()>>{
           [&] { second->take(); }, [&] { second->advance(); }, [&] { second->save(); },
           [&] { second->set("v.learning_rate", 1e-5); }}) {
    const auto refusal = message_of<Error>(attempt);
    EXPECT_SAYS(refusal, run().string());
    EXPECT_SAYS(refusal, "process " + std::to_string(::getpid()) + " ");
    EXPECT_SAYS(refusal, host_name());
    EXPECT_SAYS(refusal, "since ");
  }
  EXPECT_FALSE(second->taken());
}

/// Whoever takes over goes on from the newest checkpoint, not from the one that it was opened with.
TEST_F(RunOwners, WhoTakesOverGoesOnFromTheNewestCheckpoint) {
  begin();
  auto first = open(), second = open();
  while (first->phases(true)[0].progress < 1) first->advance();
  first->close();
  EXPECT_EQ(second->phases(false)[0].progress, 0);
  second->take();
  EXPECT_EQ(second->phases(false)[0].progress, 1);
  EXPECT_THROW(first->take(), Error);
}

TEST_F(RunOwners, TheLockDiesWithItsProcess) {
  begin();
  const auto said = run_isolated("the other", 60, [&] {
    std::make_unique<FolderLock>(run()).release();  // and is gone without a word
    return message_of<Error>([&] { FolderLock second(run()); });
  });
  EXPECT_SAYS(said, "Another program");
  EXPECT_NO_THROW(open()->take());
}

TEST_F(RunOwners, TheWindowFollowsARunThatAnotherTrains) {
  begin({"collect.episodes=4"});
  auto other = open();
  other->take();
  std::string saved;
  {
    const auto live = engine(run());
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open; }));
    EXPECT_EQ(live->latest()->train->phases[0].progress, 0);
    live->send(TrainControl{Train::start, ""});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("Another program") != std::string::npos; }));
    EXPECT_FALSE(live->latest()->train->busy);

    while (other->phases(true)[0].progress < 1) other->advance();
    for (int i = 0; i < 3; ++i) other->advance();  // some of V: other weights
    other->save();
    saved = test::read_bytes(run() / "checkpoint.safetensors");
    EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->phases[0].progress == 1; })) << "phases";
    EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->run_title.ends_with(", live"); })) << "weights";
    const auto curves = live->latest()->train->curves;
    EXPECT_TRUE(std::any_of(curves.begin(), curves.end(), [](const CurveView& c) { return !c.y.empty(); })) << "curves";
  }
  EXPECT_EQ(test::read_bytes(run() / "checkpoint.safetensors"), saved) << "who looks on writes nothing";

  // When the other has ended, the window's training goes on from there.
  const auto live = engine(run());
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  other->advance();
  other->close();
  live->send(TrainControl{Train::start, ""});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->phases[0].progress == 1 && s.train->busy; }));
  EXPECT_THROW(other->take(), Error);
}

/// A crash loses what came after the checkpoint; no curve is folded back there or loses what was saved, though they
/// count different things: steps, updates and episodes.
TEST_F(RunOwners, CurvesOfTensorBoardGoOnWhereTheCheckpointIs) {
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  {
    Trainer crashed(test::tiny_dreamer(v3, run()), {1e9, "learn"}, false);
    for (int i = 0; i < 5; ++i) crashed.advance();
    crashed.save();
    for (int i = 0; i < 4; ++i) crashed.advance();
  }
  {
    Trainer trainer(test::tiny_dreamer(v3, run()), {1e9, "learn"}, true);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  const auto shown = test::curves_in(run());
  const auto trainer = open();
  int curves = 0;
  for (const auto& curve : trainer->system().metrics.views(nullptr)) {
    if (curve.x.empty()) continue;
    ++curves;
    const auto& points = shown.at(curve.name);
    ASSERT_EQ(points.size(), curve.x.size()) << curve.name;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      EXPECT_EQ(points[i].first, static_cast<std::int64_t>(curve.x[i])) << curve.name;
      EXPECT_EQ(points[i].second, static_cast<float>(curve.y[i])) << curve.name;
    }
  }
  EXPECT_GT(curves, 3);
}

TEST_F(RunOwners, SettingsThatAreFixedAreRefusedEverywhere) {
  begin();
  for (const auto* setting : {"seed=9", "v.latent_size=5", "c.population=6"}) {
    const auto refusal = message_of<Error>([&] { Trainer(test::tiny_system(run(), {setting}), {}, true); });
    EXPECT_SAYS(refusal, std::string(setting, std::string(setting).find('=')) + " is fixed once a run has begun");
  }
  Trainer trainer(test::tiny_system(run(), {"collect.episodes=3", "v.learning_rate=1e-3"}), {}, true);
  EXPECT_SAYS(message_of<Error>([&] { trainer.set("seed", std::int64_t{9}); }), "seed is fixed");
  trainer.set("c.generations", std::int64_t{7});  // how long: a run may go on with another
  const auto fields = trainer.system().config.fields();
  const std::map<std::string, bool> expected = {
      {"seed", true}, {"c.generations", false}, {"v.learning_rate", false}};
  for (const auto& [key, fixed] : expected) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.key == key; });
    ASSERT_NE(field, fields.end());
    EXPECT_EQ(field->fixed, fixed) << key;
  }
}

TEST_F(RunOwners, TheWorldsRepeatIsFixedToo) {
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  Trainer(test::tiny_dreamer(v3, run()), {}, false).close();
  const auto refusal = message_of<Error>([&] { Trainer(test::tiny_dreamer(v3, run(), {"env.repeat=2"}), {}, true); });
  EXPECT_SAYS(refusal, "env.repeat is fixed once a run has begun");
  EXPECT_SAYS(refusal, "begun with 1");
  EXPECT_NO_THROW(Trainer(test::tiny_dreamer(v3, run(), {"train.steps=90", "train.batch=3"}), {}, true));
}

/// What export leaves: training begins from the weights.
TEST_F(RunOwners, WeightsAloneAreTrainedOnWithFreshCounters) {
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  {
    Trainer trained(test::tiny_dreamer(v3, folder_ / "whole"), {1e9, "learn"}, false);
    while (trained.advance()) {
    }
    trained.close();
    Checkpoint exported;
    trained.system().store_weights(exported);
    trained.system().metrics.save(exported);
    for (const auto* key : {"recipe", "environment", "config"})
      exported.metadata[key] = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors").text(key);
    std::filesystem::create_directory(run());
    exported.save(run() / "checkpoint.safetensors");
  }
  const auto weights = test::all_of(run());
  // Nothing was begun but what shapes the weights: all else may be set.
  EXPECT_NO_THROW(Trainer(test::tiny_dreamer(v3, run(), {"seed=9"}), {}, true));
  auto trainer = open();
  EXPECT_SAYS(trainer->notice(), "holds weights alone");
  EXPECT_EQ(trainer->phases(false)[0].progress, 0);
  for (const auto& curve : trainer->system().metrics.views(nullptr)) EXPECT_TRUE(curve.y.empty()) << curve.name;
  trainer->take();
  const auto taken = test::all_of(run());
  for (const auto& [name, tensor] : weights) {
    if (!name.starts_with("curve")) {
      EXPECT_TRUE(torch::equal(taken.at(name), tensor)) << name;
    }
  }
  EXPECT_TRUE(trainer->advance());
  trainer->close();
  EXPECT_TRUE(open()->notice().empty()) << "it is a run like any other now";
}

TEST_F(RunOwners, DamagedCountersAreAnErrorAndNoExport) {
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  Trainer(test::tiny_dreamer(v3, run()), {}, false).close();
  const auto whole = Checkpoint::load(run() / "checkpoint.safetensors");
  auto damaged = whole;
  damaged.tensors.erase("learn.counters");
  damaged.save(run() / "checkpoint.safetensors");
  const auto refusal = message_of<Error>([&] { open(); });
  EXPECT_SAYS(refusal, "learn.counters");
  EXPECT_SAYS(refusal, "checkpoint.safetensors");
}

TEST_F(RunOwners, WhatIsShippedStaysAsItIs) {
  const auto assets = folder_ / "assets";
  Trainer(test::tiny_system(assets / "runs" / "car"), {}, false).close();
  EXPECT_TRUE(is_shipped(assets / "runs" / "car", assets));
  EXPECT_FALSE(is_shipped(folder_ / "assets-mine" / "runs" / "car", assets)) << "its name only begins the same";
  EXPECT_FALSE(is_shipped(folder_ / "car", assets));
  const auto live = engine(assets / "runs" / "car", assets);
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready; }));
  live->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("is shipped") != std::string::npos; }));
  EXPECT_SAYS(live->latest()->fault, "cp -r");
}

TEST_F(RunOwners, ASaveThatFailsOnLeavingIsSaid) {
  begin({"collect.episodes=400"});
  const auto live = engine(run());
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  live->send(TrainControl{Train::step, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) {
    return !s.train->busy && s.train->phases[0].state == PhaseView::State::paused;
  }));
  std::filesystem::remove(run() / "checkpoint.safetensors");
  std::filesystem::create_directory(run() / "checkpoint.safetensors");  // nothing can be written in its place
  EXPECT_SAYS(live->close(), (run() / "checkpoint.safetensors").string());
}

TEST_F(RunOwners, ANewRunDoesNotStopATrainingUnlessItIsToldTo) {
  begin({"collect.episodes=400"});
  const auto live = engine(run());
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  live->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->busy; }));
  StartRun next{"vmc", "CarRacing", (folder_ / "new").string(), {}};
  live->send(next);
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("is being trained") != std::string::npos; }));
  EXPECT_TRUE(live->latest()->train->busy);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
  next.stop_training = true;
  live->send(next);
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) { return s.train->run == (folder_ / "new").string(); }));
  EXPECT_NO_THROW(open()->take()) << "the first was saved and let go";
}

}  // namespace run_owners_test
}  // namespace dream
