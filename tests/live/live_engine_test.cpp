// The engine behind the window, driven as the window drives it: commands in, snapshots out.
#include "core/live/live_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <thread>

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace live_engine_test {

using Train = TrainControl::Do;

class LiveEngineTest : public ::testing::Test {
 protected:
  LiveEngineTest() { torch::set_num_threads(1); }

  void make_run(const std::string& name, std::vector<std::string> more = {}) {
    Trainer(test::tiny_system(folder_ / name, std::move(more)), {}, false).close();
  }
  std::unique_ptr<LiveEngine> engine(const std::string& open) {
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_.path();
    if (!open.empty()) options.open = folder_ / open;
    return std::make_unique<LiveEngine>(options);
  }
  /// Waits until the snapshot is as wanted; a machine may be busy.
  ::testing::AssertionResult comes(const Engine& engine, const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*engine.latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto last = engine.latest();
    return ::testing::AssertionFailure() << "fault '" << last->fault << "', training fault '" << last->train->fault
                                         << "'";
  }
  ::testing::AssertionResult dreams_on(const Engine& engine) {
    const auto step = engine.latest()->dream->step;
    return comes(engine, [&](const Snapshot& s) { return s.dream->ready && s.dream->step > step; });
  }
  test::TempFolder folder_;
};

TEST_F(LiveEngineTest, WithoutAnyRunItWaits) {
  const auto live = engine("");
  const auto first = live->latest();
  ASSERT_TRUE(first->dream && first->train && first->runs && first->log);
  EXPECT_FALSE(first->dream->ready);
  live->send(TrainControl{Train::start, ""});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("no run is open") != std::string::npos; }));
  live->send(DismissFault{});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.empty(); }));
}

TEST_F(LiveEngineTest, OffersEveryRecipeAndEnvironmentOnce) {
  const auto live = engine("");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return !s.train->recipes.empty(); }));
  for (const auto& choices : {live->latest()->train->recipes, live->latest()->train->environments}) {
    std::set<std::string> names;
    for (const auto& choice : choices)
      EXPECT_TRUE(names.insert(choice.name).second) << choice.name << " is listed twice";
    EXPECT_FALSE(names.empty());
  }
}

TEST_F(LiveEngineTest, CurvesOfOtherRunsAreLaidOverOrNoneOfThem) {
  for (const auto* name : {"open", "other"}) {
    Trainer trainer(test::tiny_system(folder_ / name), {}, false);
    trainer.system().metrics.add("v/kl", 0, 1);
    trainer.system().metrics.add("v/kl", 10, name == std::string("other") ? 7 : 2);
    trainer.save();
    trainer.close();
  }
  const auto live = engine("open");
  const auto other = (folder_ / "other").string();
  const auto kl = [](const Snapshot& s) {
    const auto found = std::ranges::find(s.train->curves, "v/kl", &CurveView::name);
    return found == s.train->curves.end() ? CurveView{} : *found;
  };
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) { return kl(s).y.size() == 2; }));
  EXPECT_TRUE(kl(*live->latest()).others.empty());
  live->send(CompareCurves{{other}});
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) { return kl(s).others.size() == 1; }));
  EXPECT_EQ(live->latest()->train->compared, std::vector{other});
  EXPECT_EQ(kl(*live->latest()).others[0].run, other);
  EXPECT_EQ(kl(*live->latest()).others[0].y, (std::vector<double>{1, 7}));
  EXPECT_EQ(kl(*live->latest()).y, (std::vector<double>{1, 2})) << "one's own stays as it is";
  live->send(CompareCurves{{other, (folder_ / "nowhere").string()}});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("nowhere") != std::string::npos; }));
  EXPECT_EQ(live->latest()->train->compared, std::vector{other}) << "what was laid over stays";
  live->send(CompareCurves{});
  EXPECT_TRUE(comes(*live, [&](const Snapshot& s) { return s.fault.empty() && kl(s).others.empty(); }));
}

TEST_F(LiveEngineTest, TheVersionRisesWithTheContentAlone) {
  make_run("run");
  const auto live = engine("");
  const auto version = [&] { return live->latest()->train->version; };
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->version > 0; }));
  const auto quiet = version();
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // more than two moments of publishing
  EXPECT_EQ(version(), quiet) << "nothing has happened";
  live->send(StartRun{"vmc", "CarRacing", (folder_ / "new").string(), {}});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  const auto opened = version();
  EXPECT_GT(opened, quiet);
  live->send(OpenRun{(folder_ / "run").string()});
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) { return s.train->run == (folder_ / "run").string(); }));
  EXPECT_GT(version(), opened) << "another run does not begin to count anew";
}

TEST_F(LiveEngineTest, ARunIsTheSameHoweverItsFolderIsSpelled) {
  make_run("run", {"collect.episodes=400"});
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open; }));
  live->send(TrainControl{Train::start, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->busy; }));
  const auto spelled = (folder_ / "run" / ".." / "run").string() + "/";
  live->send(OpenRun{spelled});
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) {
    return std::any_of(s.log->begin(), s.log->end(),
                       [&](const LogLine& line) { return line.text == "dreaming with " + spelled; });
  }));
  const auto before = live->latest()->dream->version;
  ASSERT_TRUE(comes(*live, [&](const Snapshot& s) {
    return s.dream->version > before && s.dream->run_title.ends_with(", live");
  })) << "the dream takes the weights of the run that it is";
  live->send(OpenRun{(folder_ / "missing").string()});  // what comes after it in the queue of files
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("missing") != std::string::npos; }));
  live->send(TrainControl{Train::pause, ""});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return !s.train->busy; }));
  EXPECT_EQ(live->latest()->train->run, (folder_ / "run").string());
  for (const auto& line : *live->latest()->log)
    EXPECT_EQ(line.text.find("is being trained"), std::string::npos) << line.text;
}

TEST_F(LiveEngineTest, PhasesStartPauseStepAndStopWhileTheDreamGoesOn) {
  make_run("run", {"collect.episodes=30"});
  {
    const auto live = engine("run");
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.train->open && s.runs->size() == 1; }));
    EXPECT_EQ(live->latest()->train->phases.size(), 5u);
    EXPECT_FALSE(live->latest()->train->busy);
    EXPECT_TRUE(dreams_on(*live));
    const auto steps = [](const Snapshot& s) { return s.train->phases[0].progress; };

    live->send(TrainControl{Train::start, ""});
    ASSERT_TRUE(comes(*live, [&](const Snapshot& s) {
      return s.train->busy && steps(s) > 0 && s.train->phases[0].state == PhaseView::State::running &&
             !s.train->frames.empty();
    }));
    EXPECT_TRUE(dreams_on(*live));
    live->send(TrainControl{Train::pause, ""});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return !s.train->busy; }));
    const double paused = steps(*live->latest());
    ASSERT_GT(paused, 0);
    ASSERT_LT(paused, 1);
    EXPECT_EQ(live->latest()->train->phases[0].state, PhaseView::State::paused);
    live->send(SetKnob{"tau_mixture", 0.7});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->knobs.at(0).value == 0.7; }));
    EXPECT_EQ(steps(*live->latest()), paused) << "a pause is a pause";

    live->send(TrainControl{Train::step, "v"});  // this phase alone, one step
    ASSERT_TRUE(
        comes(*live, [](const Snapshot& s) { return s.train->phases[1].progress > 0 && !s.train->busy; }));
    live->send(TrainControl{Train::start, "nonsense"});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("nonsense") != std::string::npos; }));
    EXPECT_FALSE(live->latest()->train->busy);
    live->send(SetField{"v.latent_size", std::int64_t{8}, ""});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("v.latent_size") != std::string::npos; }));

    live->send(TrainControl{Train::stop, ""});
    live->send(TrainControl{Train::start, "collect"});
    ASSERT_TRUE(comes(
        *live, [](const Snapshot& s) { return s.train->phases[0].state == PhaseView::State::done && !s.train->busy; }));
    live->send(TrainControl{Train::start, "v"});
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->phases[1].progress > 0; }));
  }  // leaving in the midst of a phase saves it
  auto system = test::tiny_system(folder_ / "run", {"collect.episodes=30"});
  Trainer again(std::move(system), {}, true);
  EXPECT_EQ(again.phases(false)[0].state, PhaseView::State::done);
  EXPECT_GT(again.phases(false)[1].progress, 0);
}

TEST_F(LiveEngineTest, AStartThatCannotBeIsAFaultUntilOneCan) {
  make_run("run");
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready; }));
  live->send(DreamFrom{(folder_ / "missing.png").string()});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("missing.png") != std::string::npos; }));
  EXPECT_EQ(live->latest()->dream->source, "");
  // One orange pixel: enough to begin at.
  test::write_bytes(folder_ / "orange.ppm", "P6 1 1 255\n\xff\x80\x10");
  live->send(DreamFrom{(folder_ / "orange.ppm").string()});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->source.ends_with("orange.ppm"); }));
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.empty(); }));
  live->send(DreamFrom{});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->source.empty(); }));
}

TEST_F(LiveEngineTest, GarbageIsAFaultInWordsAndTheDreamGoesOn) {
  make_run("run");
  const auto live = engine("run");
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready; }));
  test::write_bytes(folder_ / "garbage.safetensors", std::string(1000, '\xff'));
  std::filesystem::create_directory(folder_ / "empty");
  auto whole = Checkpoint::load(folder_ / "run" / "checkpoint.safetensors");
  whole.tensors["behaviour/parameters"] = torch::zeros({3});
  whole.save(folder_ / "foreign.safetensors");
  const auto bytes = test::read_bytes(folder_ / "run" / "checkpoint.safetensors");
  test::write_bytes(folder_ / "torn.safetensors", bytes.substr(0, bytes.size() / 2));
  for (const char* name : {"garbage.safetensors", "empty", "missing", "foreign.safetensors", "torn.safetensors"}) {
    live->send(DismissFault{});
    live->send(OpenRun{(folder_ / name).string()});
    EXPECT_TRUE(comes(*live, [&](const Snapshot& s) { return s.fault.find(name) != std::string::npos; })) << name;
    EXPECT_EQ(live->latest()->fault.find('\n'), std::string::npos) << "one sentence: " << live->latest()->fault;
    EXPECT_TRUE(dreams_on(*live)) << name;
  }
  EXPECT_EQ(live->latest()->dream->run_title, (folder_ / "run").string());
}

TEST_F(LiveEngineTest, ANewRunWaitsForItsStartAndRefusesATakenFolder) {
  const auto live = engine("");
  live->send(StartRun{"vmc", "CarRacing", "", {}});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("folder") != std::string::npos; }));
  live->send(StartRun{"vmc", "CarRacin", (folder_ / "new").string(), {}});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("'CarRacing'") != std::string::npos; }));
  live->send(StartRun{"vmc", "CarRacing", (folder_ / "new").string(), {}});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.train->open; }));
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.empty(); })) << "the mistake has been put right";
  EXPECT_FALSE(live->latest()->train->busy);
  EXPECT_EQ(live->latest()->train->phases[0].state, PhaseView::State::waiting);
  EXPECT_FALSE(live->latest()->train->fields.empty());
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.runs->size() == 1; })) << "the list shows it";
  live->send(StartRun{"vmc", "CarRacing", (folder_ / "new").string(), {}});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("holds a run already") != std::string::npos; }));
  EXPECT_EQ(live->latest()->fault.find("--"), std::string::npos) << "no options there: " << live->latest()->fault;
  EXPECT_TRUE(live->latest()->train->open) << "the open run stays";
  live->send(SetField{"v.learning_rate", 7.0, ""});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.find("v.learning_rate") != std::string::npos; }));
  const auto run = (folder_ / "new").string();
  live->send(SetField{"v.learning_rate", 1e-5, run});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.fault.empty(); })) << "cured by the next value that may be";
  live->send(SetField{"v.learning_rate", 2e-5, (folder_ / "another").string()});  // meant for a run that is gone
  live->send(SetField{"m.learning_rate", 3e-6, run});
  const auto value = [](const Snapshot& s, const std::string& key) {
    for (const auto& field : s.train->fields) {
      if (field.key == key) return std::get<double>(field.value);
    }
    return 0.0;
  };
  EXPECT_TRUE(comes(*live, [&](const Snapshot& s) { return value(s, "m.learning_rate") == 3e-6; }));
  EXPECT_EQ(value(*live->latest(), "v.learning_rate"), 1e-5);
}

}  // namespace live_engine_test
}  // namespace dream
