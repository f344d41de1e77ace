// The second family behind the window's engine: what a batch shows, dreams that begin in the replay, and a change of
// worlds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace live_dreamer_test {

using Train = TrainControl::Do;

class LiveDreamerTest : public ::testing::Test {
 protected:
  LiveDreamerTest() { torch::set_num_threads(1); }
  void make_run(const std::string& name, const test::DreamerRun& run, const std::vector<std::string>& more = {}) {
    Trainer(test::tiny_dreamer(run, folder_ / name, more), {}, false).close();
  }
  std::unique_ptr<LiveEngine> engine(const std::string& open) {
    LiveEngine::Options options;
    options.assets = folder_ / "assets";
    options.threads = 1;
    options.runs = folder_.path();
    options.open = folder_ / open;
    return std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const Engine& engine, const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 6000; ++i) {
      if (wanted(*engine.latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto last = engine.latest();
    return ::testing::AssertionFailure() << "fault '" << last->fault << "', training fault '" << last->train->fault
                                         << "'";
  }
  test::TempFolder folder_;
};

bool shows(const std::vector<Probe>& probes, const std::string& name) {
  return std::ranges::any_of(probes, [&](const Probe& p) { return p.name == name && p.value != nullptr; });
}

TEST_F(LiveDreamerTest, ABatchShowsWhatIsWatchedAndADreamBeginsInTheReplay) {
  make_run("run", {"dreamer-v3", "Catch", {}}, {"train.steps=100000"});
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open; }));
  live->send(DreamFromReplay{0.5});
  ASSERT_TRUE(
      comes(*live, [](const Snapshot& s) { return s.fault.find("no replay to dream from") != std::string::npos; }));
  live->send(DismissFault{});
  live->send(WatchProbes{{"predicted/reward", "predicted/value", "batch/kl", "latent/z"}});
  live->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) {
    return shows(s.train->probes, "predicted/reward") && shows(s.train->probes, "predicted/value") &&
           shows(s.train->probes, "batch/kl") && !s.train->frames.empty() && s.train->replay_frames > 0;
  }));
  EXPECT_FALSE(shows(live->latest()->train->probes, "batch/use")) << "nobody watches it";
  EXPECT_GT(live->latest()->train->probe_names.size(), 3u);

  live->send(TrainControl{Train::pause, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return !s.train->busy; }));
  live->send(LookAtReplay{0.25});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->replay_frame.image != nullptr; }));
  const auto oldest = live->latest()->train->replay_frame.image;
  live->send(LookAtReplay{1});
  EXPECT_TRUE(comes(*live, [&](const Snapshot& s) {
    return s.train->replay_frame.image && s.train->replay_frame.image->pixels != oldest->pixels;
  }));
  live->send(DreamControl{DreamControl::Do::pause});
  live->send(DreamFromReplay{0.25});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) {
    return std::ranges::any_of(s.dream->frames, [](const Frame& f) {
      return f.caption.find("recorded frame") != std::string::npos && f.image;
    });
  }));
  EXPECT_NE(live->latest()->dream->run_title.find("live"), std::string::npos);
  const auto step = live->latest()->dream->step;
  live->send(DreamControl{DreamControl::Do::step});
  EXPECT_TRUE(comes(*live, [&](const Snapshot& s) { return s.dream->step == step + 1; }));
  const auto dream = live->latest()->dream;
  EXPECT_TRUE(dream->recorded);
  const auto difference = std::ranges::find(dream->frames, "difference", &Frame::name);
  ASSERT_NE(difference, dream->frames.end());
  EXPECT_LT(difference->error, 0) << "a frame that stands still says nothing of later steps";
  live->send(DreamControl{DreamControl::Do::new_start});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return !s.dream->recorded; }));
}

/// "One step" is one update, whatever has to be collected or read first.
TEST_F(LiveDreamerTest, OneStepIsOneUpdate) {
  make_run("run", {"dreamer-v3", "Catch", {}}, {"train.steps=100000", "train.prefill=700", "train.train_ratio=0.02"});
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  for (const auto* made : {" 1 updates", " 2 updates", " 3 updates"}) {
    live->send(TrainControl{Train::step, ""});
    EXPECT_TRUE(comes(*live, [&](const Snapshot& s) {
      return !s.train->busy && s.train->phases.front().detail.find(made) != std::string::npos;
    })) << made;
  }
}

/// KeyDoor's own settings: vectors alone, and nothing is painted.
TEST_F(LiveDreamerTest, AModelThatPaintsNothingIsTrainedInTheWindow) {
  make_run("run", {"dreamer-v3", "KeyDoor", {"world.observe=vector", "world.paint=false"}}, {"train.steps=100000"});
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open; }));
  live->send(WatchProbes{{"predicted/value", "batch/entropy"}});
  live->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) {
    return shows(s.train->probes, "predicted/value") && shows(s.train->probes, "batch/entropy");
  }));
  EXPECT_TRUE(live->latest()->train->frames.empty());
  EXPECT_EQ(live->latest()->fault, "");
  EXPECT_EQ(live->latest()->dream->frames.front().caption, "this model paints no pictures");
}

TEST_F(LiveDreamerTest, ACollapsedLatentIsFlaggedInWords) {
  // To be predicted is worth far more than to tell anything.
  make_run("run",
           {"dreamer-v3",
            "Catch",
            {"world.representation_scale=10", "world.dynamics_scale=10", "world.free_nats=0",
             "world_optimiser.learning_rate=0.01"}},
           {"train.steps=100000", "train.train_ratio=500"});
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  live->send(TrainControl{Train::start, ""});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) {
    return std::ranges::any_of(s.train->warnings,
                               [](const std::string& w) { return w.find("have collapsed") != std::string::npos; });
  }));
}

TEST_F(LiveDreamerTest, WhatNormalLooksLikeIsTheShippedRunOfTheSameKind) {
  {
    Trainer shipped(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, folder_ / "assets" / "runs" / "catch"), {}, false);
    while (shipped.advance()) {
    }
  }
  make_run("catch", {"dreamer-v3", "Catch", {}});
  make_run("breakout", {"dreamer-v3", "MinAtarBreakout", {}});
  for (const auto& [name, known] : {std::pair{"catch", true}, {"breakout", false}}) {
    const auto live = engine(name);
    const auto has = [](const Snapshot& s) {
      return std::ranges::any_of(s.train->curves,
                                 [](const CurveView& c) { return c.name == "learn/return" && !c.reference_y.empty(); });
    };
    ASSERT_TRUE(comes(*live, [&](const Snapshot& s) {
      return s.train->open && s.dream->ready && !s.runs->empty() && (!known || has(s));
    })) << name;
    EXPECT_EQ(has(*live->latest()), known) << name;
    EXPECT_EQ(live->latest()->runs->front().title, "shipped: catch");
  }
}

TEST_F(LiveDreamerTest, AnotherFamilyTakesOverWithoutARestartAtItsOwnSpeed) {
  make_run("breakout", {"dreamer-v3", "MinAtarBreakout", {}});
  Trainer(test::tiny_system(folder_ / "car"), {}, false).close();
  const auto live = engine("car");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready; }));
  EXPECT_EQ(live->latest()->dream->steps_per_second, 50);
  live->send(SetSpeed{25});  // half of what is natural
  live->send(OpenRun{(folder_ / "breakout").string()});
  ASSERT_TRUE(
      comes(*live, [](const Snapshot& s) { return s.dream->world.find("MinAtarBreakout") != std::string::npos; }));
  EXPECT_EQ(live->latest()->dream->steps_per_second, 5);
  const auto& names = live->latest()->dream->probe_names;
  EXPECT_TRUE(std::ranges::count(names, "latent/kl"));
  live->send(OpenRun{(folder_ / "car").string()});
  ASSERT_TRUE(comes(
      *live, [](const Snapshot& s) { return s.dream->ready && s.dream->world.find("V-M-C") != std::string::npos; }));
  EXPECT_EQ(live->latest()->dream->steps_per_second, 25);
  EXPECT_FALSE(std::ranges::count(live->latest()->dream->probe_names, "latent/kl"));
}

}  // namespace live_dreamer_test
}  // namespace dream
