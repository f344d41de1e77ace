// The engine's work on runs: what a new one would be, the queue, folders under a run that is open.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "core/engine/collector.h"
#include "core/engine/run_file.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace live_runs_test {

using Train = TrainControl::Do;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class LiveRuns : public ::testing::Test {
 protected:
  LiveRuns() { torch::set_num_threads(1); }
  std::string path(const std::string& name) const { return (folder_ / "runs" / name).string(); }
  void make(const std::filesystem::path& run, std::vector<std::string> more = {}) {
    Trainer(test::tiny_system(run, std::move(more)), {}, false).close();
  }
  void start(const std::string& open) {
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_ / "runs";
    options.assets = folder_ / "assets";
    options.open = open;
    live_ = std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*live_->latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto last = live_->latest();
    return ::testing::AssertionFailure() << "fault '" << last->fault << "', training '" << last->train->fault << "'";
  }
  ::testing::AssertionResult trains(const std::string& run) {
    return comes([&](const Snapshot& s) { return s.train->busy && s.train->run == run; });
  }
  ::testing::AssertionResult faults(const std::string& part) {
    return comes([&](const Snapshot& s) { return s.fault.find(part) != std::string::npos; });
  }
  NewRunView describe(DescribeRun asked) {
    asked.directory = asked.directory.empty() ? path("fresh") : asked.directory;
    live_->send(asked);
    EXPECT_TRUE(comes([&](const Snapshot& s) {
      return asked.like.empty() ? s.new_run->recipe == asked.recipe && s.new_run->environment == asked.environment &&
                                      s.new_run->settings == asked.settings && s.new_run->directory == asked.directory
                                : s.new_run->like == asked.like;
    }));
    return *live_->latest()->new_run;
  }
  static const Field* field(const NewRunView& view, const std::string& key) {
    for (const Field& each : view.fields)
      if (each.key == key) return &each;
    return nullptr;
  }
  test::TempFolder folder_;
  std::unique_ptr<LiveEngine> live_;
};

TEST_F(LiveRuns, WhoNamesWhatIsNotThereReadsItInAnotherDream) {
  make(folder_ / "assets" / "runs" / "shipped");
  start(path("missing"));
  ASSERT_TRUE(faults("missing"));
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready && s.dream->run.ends_with("shipped"); }));
  EXPECT_NE(live_->latest()->fault.find("missing"), std::string::npos) << "which is not taken for the cure";
  make(path("own"));
  live_->send(OpenRun{path("own")});
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.dream->run == path("own"); }));
  EXPECT_EQ(live_->latest()->fault, "");
}

TEST_F(LiveRuns, ANewRunIsDescribedBeforeItIsBegun) {
  make(path("car"));
  start("");
  auto view = describe({"vmc", "CarRacing", "", {"v.epochs=3"}, ""});
  EXPECT_EQ(view.wrong, "");
  ASSERT_NE(field(view, "v.epochs"), nullptr);
  EXPECT_EQ(std::get<std::int64_t>(field(view, "v.epochs")->value), 3);
  EXPECT_EQ(view.free_folder, path("car-racing-vmc"));
  EXPECT_FALSE(std::filesystem::exists(path("fresh"))) << "asking makes nothing";

  view = describe({"vmc", "CarRacing", "", {"v.epochs=3", "v.epoks=4"}, ""});
  EXPECT_SAYS(view.wrong, "v.epoks");
  ASSERT_NE(field(view, "v.epochs"), nullptr) << "the settings are shown all the same";
  EXPECT_EQ(std::get<std::int64_t>(field(view, "v.epochs")->value), 3);
  EXPECT_SAYS(describe({"vmc", "CarRacing", "", {"v.epochs=-1"}, ""}).wrong, "v.epochs");
  const auto foreign = describe({"vmc", "Catch", "", {}, ""});
  EXPECT_SAYS(foreign.wrong, "cannot serve");
  EXPECT_SAYS(foreign.wrong, "dreamer-v3");
  EXPECT_TRUE(foreign.fields.empty());
  EXPECT_SAYS(describe({"vmc", "CarRacing", path("car") + "/", {}, ""}).wrong, "holds a run already");
  test::write_bytes(folder_ / "file", "text");
  EXPECT_SAYS(describe({"vmc", "CarRacing", (folder_ / "file").string(), {}, ""}).wrong, "is a file");
  EXPECT_EQ(live_->latest()->fault, "") << "what is wrong stands in the form";
}

/// Of a world that nobody can enter here a run has brought recordings: they tell what a new one could be set to.
TEST_F(LiveRuns, ANewRunIsDescribedWhereItsWorldIsNot) {
  const std::string world = "gym:NotHere-v0";
  const auto shipped = folder_ / "assets" / "runs" / "away";
  {
    Collector collector({shipped / "clips", 1, 4, 1, Rng(1), 0}, "Pendulum", [] { return std::make_unique<ResizedEnv>(make_env("Pendulum"), 0, 64, 64); },
                        nullptr, "random");
    while (collector.written() < 1) collector.step();
  }
  Checkpoint out;
  const auto system = test::tiny_system({});
  system->store_weights(out);
  out.metadata = {{"recipe", "vmc"}, {"environment", world}, {"config", system->config.to_toml()}, {run_format_key, std::to_string(run_format)}};
  out.save(shipped / "checkpoint.safetensors");
  start("");
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.runs->empty(); }));
  const auto view = describe({"vmc", world, "", {"v.epochs=3"}, ""});
  EXPECT_EQ(view.wrong, "");
  EXPECT_NE(field(view, "vm.from"), nullptr);
  EXPECT_SAYS(view.expected, "what needs the real world will not run here: " + world);
  EXPECT_SAYS(describe({"vmc", "gym:NorHere-v0", "", {}, ""}).wrong, "gym:NorHere-v0");
}

TEST_F(LiveRuns, ANewRunCanHaveTheSettingsOfAnother) {
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  Trainer(test::tiny_dreamer(v3, path("small")), {}, false).close();
  start("");
  const auto view = describe({"", "", "", {}, path("small")});
  EXPECT_EQ(view.wrong, "");
  EXPECT_EQ(view.recipe, "dreamer-v3");
  EXPECT_EQ(view.environment, "Catch");
  const auto wanted = test::tiny_dreamer(v3, {})->config.fields();
  ASSERT_EQ(view.fields.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(view.fields[i].value, wanted[i].value) << wanted[i].key;
  EXPECT_LT(view.settings.size(), wanted.size()) << "only what differs is given";
}

TEST_F(LiveRuns, WhatARunTookIsSaidWhereItIsKnown) {
  const auto shipped = folder_ / "assets" / "runs" / "catch";
  const test::DreamerRun v3{"dreamer-v3", "Catch", {}};
  {
    Trainer trainer(test::tiny_dreamer(v3, shipped), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  start("");
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.runs->size() == 1; }));
  EXPECT_TRUE(live_->latest()->runs->front().shipped);
  const auto view = describe({"dreamer-v3", "Catch", "", {}, ""});
  EXPECT_SAYS(view.expected, "the shipped run catch took ");
  EXPECT_SAYS(view.expected, " updates");
  EXPECT_EQ(describe({"dreamer-v3", "KeyDoor", "", {}, ""}).expected, "") << "nothing is known of that world";
}

TEST_F(LiveRuns, TheQueueIsTrainedOneAfterTheOther) {
  make(path("first"), {"collect.episodes=400"});
  make(path("second"));
  start(path("first"));
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->open; }));
  live_->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(trains(path("first")));
  live_->send(TrainRun{path("second"), "", false, false});
  ASSERT_TRUE(faults("is being trained"));
  EXPECT_TRUE(trains(path("first"))) << "nothing is replaced without a word";
  live_->send(TrainRun{path("second"), "", false, true});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->queue.size() == 1; }));
  StartRun third{"vmc", "CarRacing", path("third"), test::tiny_settings(), false, true};
  live_->send(third);
  auto wrong = third;
  wrong.directory = path("wrong"), wrong.settings = {"v.epoks=3"};
  live_->send(wrong);
  ASSERT_TRUE(faults("v.epoks"));
  live_->send(third);
  ASSERT_TRUE(faults("holds a run already")) << "nor twice";
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->queue.size() == 2; }));
  const auto queue = live_->latest()->train->queue;
  EXPECT_EQ(queue[0].run, path("second"));
  EXPECT_EQ(queue[1].run, path("third"));
  EXPECT_FALSE(std::filesystem::exists(path("third")));
  live_->send(QueueControl{QueueControl::Do::start, queue[1].id});
  ASSERT_TRUE(faults("before the next one"));
  live_->send(QueueControl{QueueControl::Do::remove, queue[0].id});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->queue.size() == 1; }));
  live_->send(TrainRun{path("second"), "", false, true});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->queue.size() == 2; }));
  live_->send(TrainControl{Train::stop, ""});
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.train->busy; }));
  EXPECT_EQ(live_->latest()->train->queue.size(), 2u) << "it waits while a person has stopped the training";
  // What waits outlives the program.
  live_.reset();
  start(path("first"));
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.train->open && s.train->queue.size() == 2; }));
  const auto again = live_->latest()->train->queue;
  EXPECT_EQ(again[0].run, path("third"));
  EXPECT_EQ(again[0].recipe, "vmc");
  EXPECT_EQ(again[1].run, path("second"));
  EXPECT_FALSE(live_->latest()->train->busy) << "nothing is begun by itself";
  // What waits is trained to its end, one after the other, and nothing is asked.
  live_->send(QueueControl{QueueControl::Do::start, again[0].id});
  ASSERT_TRUE(comes([](const Snapshot& s) {
    const auto& phases = s.train->phases;
    return s.train->queue.empty() && !s.train->busy && !phases.empty() &&
           std::all_of(phases.begin(), phases.end(), [](const PhaseView& p) { return p.progress >= 1; });
  }));
  EXPECT_EQ(live_->latest()->train->run, path("second"));
  EXPECT_TRUE(comes([&](const Snapshot&) { return !std::filesystem::exists(folder_ / "runs" / ".queue.json"); }));
  live_.reset();
  EXPECT_EQ(Trainer::open(path("third"), {}, "cpu")->due(), false);
}

TEST_F(LiveRuns, AShippedRunIsTrainedAsACopy) {
  const auto shipped = (folder_ / "assets" / "runs" / "car").string();
  make(shipped, {"collect.episodes=400"});
  const auto before = test::read_bytes(shipped + "/checkpoint.safetensors");
  start("");
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready; }));  // with it: a run that opens cures faults
  live_->send(TrainRun{shipped, "", false, false});
  ASSERT_TRUE(faults("is shipped"));
  live_->send(TrainRun{shipped, "mine", false, false});
  ASSERT_TRUE(trains(path("mine")));
  live_->send(RenameRun{shipped, "x"});
  ASSERT_TRUE(faults("is shipped"));
  live_->send(DismissFault{});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.fault.empty(); }));
  live_->send(DeleteRun{shipped});
  ASSERT_TRUE(faults("is shipped"));
  live_->send(DeleteRun{path("mine")});
  ASSERT_TRUE(faults("is being trained"));
  live_.reset();
  EXPECT_EQ(test::read_bytes(shipped + "/checkpoint.safetensors"), before);
}

TEST_F(LiveRuns, AnOpenRunGoesOnUnderItsNewName) {
  make(path("car"), {"collect.episodes=400"});
  start(path("car"));
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready && s.train->open; }));
  live_->send(RenameRun{path("car"), "bus"});
  ASSERT_TRUE(comes([&](const Snapshot& s) {
    return s.train->run == path("bus") && s.dream->run == path("bus") && s.runs->size() == 1 &&
           s.runs->front().name == "bus";
  }));
  live_->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(trains(path("bus")));
  live_->send(TrainControl{Train::stop, ""});
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.train->busy; }));
  live_->send(DeleteRun{path("bus")});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.runs->empty() && !s.train->open; }));
  ASSERT_EQ(live_->latest()->run_files->deleted.size(), 1u);
  EXPECT_TRUE(live_->latest()->dream->ready) << "the dream goes on";
  live_->send(RestoreRun{live_->latest()->run_files->deleted[0].kept});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.runs->size() == 1 && s.run_files->deleted.empty(); }));
  EXPECT_EQ(live_->latest()->runs->front().path, path("bus"));
  live_->send(DuplicateRun{path("bus"), "copy"});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.runs->size() == 2; }));
  EXPECT_EQ(live_->latest()->run_files->copying, "");
}

TEST_F(LiveRuns, APathIsOpenedAsAShellWouldReadIt) {
  make(folder_ / "my car");
  start("");
  live_->send(OpenRun{" '" + (folder_ / "my car").string() + "'\n"});
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.dream->ready && s.dream->run == (folder_ / "my car").string(); }));
}

}  // namespace live_runs_test
}  // namespace dream
