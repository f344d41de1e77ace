#include "core/engine/trainer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "api/error.h"
#include "core/base/isolated.h"
#include "core/data/dataset.h"
#include "core/live/run_list.h"
#include "core/engine/seeds.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"
#include "tests/support/toy.h"

namespace dream {
namespace trainer_test {

using test::message_of;
using test::TempFolder;
using test::tiny_system;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() { torch::set_num_threads(1); }
  TempFolder folder_;
};

/// A phase that counts to `goal`; what happened to it is written into `log`.
struct Counter : Phase {
  Counter(const std::string& named, const std::string& titled, std::int64_t steps, std::vector<std::string>* into)
      : Phase(named, titled, "things/s"), goal(steps), log(into) {}
  std::int64_t goal, count = 0;
  std::vector<std::string>* log;
  int fails_at = -1, pause_ms = 0;

  void begin() override { log->push_back(name() + " begins at " + std::to_string(count)); }
  double step() override {
    if (count == fails_at) throw Error(name() + " failed");
    if (pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    ++count;
    return 10;
  }
  double progress() const override { return static_cast<double>(count) / static_cast<double>(goal); }
  std::string detail() const override { return std::to_string(count); }
  void save(Checkpoint& into) const override { into.tensors[name() + ".counters"] = torch::tensor({count}, torch::kInt64); }
  void load(const Checkpoint& from) override { count = from.get(name() + ".counters", {1}).item<std::int64_t>(); }
  void end() override { log->push_back(name() + " ends at " + std::to_string(count)); }
};

class PhasesTest : public TrainerTest {
 protected:
  std::unique_ptr<System> counting() {
    auto system = std::make_unique<System>();
    system->recipe = "toy";
    system->environment = "Toy";
    system->model = std::make_shared<test::ToyModel>();
    system->behaviour = test::toy_driver(1);
    system->directory = folder_ / "run";
    first_ = std::make_shared<Counter>("first", "First", 3, &log_);
    second_ = std::make_shared<Counter>("second", "Second", 2, &log_);
    system->phases = {first_, second_};
    return system;
  }
  std::vector<std::string> log_;
  std::shared_ptr<Counter> first_, second_;
};

TEST_F(PhasesTest, RunInOrderAndEachBeginsAndEndsOnce) {
  Trainer trainer(counting(), {}, false);
  EXPECT_TRUE(trainer.due());
  int steps = 0;
  while (trainer.advance()) ++steps;
  EXPECT_EQ(steps, 5);
  EXPECT_FALSE(trainer.due());
  trainer.close();
  EXPECT_EQ(log_, (std::vector<std::string>{"first begins at 0", "first ends at 3", "second begins at 0",
                                            "second ends at 2"}));
  EXPECT_FALSE(trainer.advance());
}

TEST_F(PhasesTest, OneAlone) {
  Trainer trainer(counting(), {60, "second"}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(first_->count, 0);
  EXPECT_EQ(second_->count, 2);
  trainer.choose("");
  EXPECT_TRUE(trainer.due());
  const auto unknown = message_of<Error>([&] { trainer.choose("third"); });
  EXPECT_SAYS(unknown, "'third'");
  EXPECT_SAYS(unknown, "first, second");
  EXPECT_THROW(Trainer(counting(), {60, "third"}, true), Error);
}

TEST_F(PhasesTest, ResumesWhereItWas) {
  {
    Trainer trainer(counting(), {}, false);
    for (int i = 0; i < 4; ++i) trainer.advance();
    trainer.system().facts["score"] = "12";
    trainer.close();
  }
  const auto again = message_of<Error>([&] { Trainer(counting(), {}, false); });
  EXPECT_SAYS(again, (folder_ / "run").string());
  EXPECT_SAYS(again, "--resume");
  log_.clear();
  Trainer trainer(counting(), {}, true);
  EXPECT_EQ(first_->count, 3);
  EXPECT_EQ(second_->count, 1);
  EXPECT_EQ(trainer.system().facts.at("score"), "12");
  EXPECT_TRUE(trainer.advance());
  EXPECT_FALSE(trainer.advance());
  EXPECT_EQ(log_, (std::vector<std::string>{"second begins at 1", "second ends at 2"}));
}

TEST_F(PhasesTest, AFailureLeavesTheCheckpointAndReloadGoesBackToIt) {
  Trainer trainer(counting(), {}, false);
  trainer.advance();
  trainer.save();
  trainer.advance();
  first_->fails_at = 2;
  EXPECT_EQ(message_of<Error>([&] { trainer.advance(); }), "first failed");
  EXPECT_EQ(trainer.phases(false)[0].state, PhaseView::State::failed);
  EXPECT_EQ(trainer.current(), nullptr);
  trainer.close();  // what is in memory is not trusted
  first_->fails_at = -1;
  trainer.take();
  EXPECT_EQ(first_->count, 1);
  EXPECT_EQ(trainer.phases(false)[0].state, PhaseView::State::paused);
  while (trainer.advance()) {
  }
  EXPECT_EQ(second_->count, 2);
}

TEST_F(PhasesTest, WeightsThatAreNotFiniteNeverReachTheDisk) {
  Trainer trainer(counting(), {0, ""}, false);  // saves at every step
  trainer.advance();
  {
    torch::NoGradGuard no_grad;
    trainer.system().model->parameters()[0].fill_(NAN);
  }
  const auto fault = message_of<Error>([&] { trainer.advance(); });
  EXPECT_SAYS(fault, "model/motion");
  EXPECT_SAYS(fault, "checkpoint is whole");
  trainer.take();
  EXPECT_FLOAT_EQ(trainer.system().model->parameters()[0].item<float>(), 0.1f);
  EXPECT_EQ(first_->count, 1);
}

TEST_F(PhasesTest, RateAndEtaFollowTheWork) {
  Trainer trainer(counting(), {}, false);
  first_->goal = 100;
  first_->pause_ms = 60;
  EXPECT_LT(trainer.phases(true)[0].eta_seconds, 0) << "unknown at first";
  EXPECT_EQ(trainer.phases(true)[0].state, PhaseView::State::waiting);
  const auto began = std::chrono::steady_clock::now();
  PhaseView view;
  do {
    trainer.advance();
    view = trainer.phases(true)[0];
    ASSERT_LE(view.progress, 0.99);
  } while (view.eta_seconds < 0);
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  EXPECT_EQ(view.state, PhaseView::State::running);
  EXPECT_EQ(trainer.phases(false)[0].state, PhaseView::State::paused);
  EXPECT_NEAR(view.rate, view.progress * 1000 / elapsed, 0.2 * view.rate);
  EXPECT_NEAR(view.eta_seconds, elapsed * (1 - view.progress) / view.progress, 0.2 * view.eta_seconds);
  EXPECT_EQ(view.rate_unit, "things/s");
  EXPECT_GE(trainer.saved_seconds_ago(), 0);
}

TEST_F(PhasesTest, ARunOfAnotherRecipeIsRefused) {
  Trainer(counting(), {}, false).close();
  auto other = counting();
  other->environment = "Other";
  const auto message = message_of<Error>([&] { Trainer(std::move(other), {}, true); });
  EXPECT_SAYS(message, "toy on Toy");
  EXPECT_SAYS(message, "toy on Other");
}

TEST_F(PhasesTest, WeightsAreACopy) {
  Trainer trainer(counting(), {}, false);
  const auto weights = trainer.weights();
  {
    torch::NoGradGuard no_grad;
    trainer.system().model->parameters()[0].fill_(7);
  }
  EXPECT_FLOAT_EQ(weights->tensors.at("model/motion").item<float>(), 0.1f);
}

// -- systems ---------------------------------------------------------------------------------------------------

TEST_F(TrainerTest, WeightsAreTakenWholeOrNotAtAll) {
  auto donor = test::toy_system({}, 0.7), system = test::toy_system({}, 0.1);
  Checkpoint whole;
  donor->starts = donor->model->initial(5);
  donor->store_weights(whole);
  const auto refuse = [&](const Checkpoint& damaged, const std::string& part) {
    const auto message = message_of<Error>([&] { system->load_weights(damaged); });
    EXPECT_SAYS(message, part);
    EXPECT_FLOAT_EQ(system->model->parameters()[0].item<float>(), 0.1f);
    EXPECT_TRUE(system->starts.empty());
  };
  auto damaged = whole;
  damaged.tensors.erase("behaviour/parameters");
  refuse(damaged, "behaviour/parameters");
  damaged = whole;
  damaged.tensors["behaviour/parameters"] = torch::zeros({8});
  refuse(damaged, "behaviour/parameters");
  damaged = whole;
  damaged.tensors.erase("starts/age");
  refuse(damaged, "start states");
  damaged = whole;
  damaged.tensors["starts/x"] = torch::zeros({5, 3});
  refuse(damaged, "starts/x");
  system->load_weights(whole);
  EXPECT_FLOAT_EQ(system->model->parameters()[0].item<float>(), 0.7f);
  EXPECT_EQ(system->starts.at("x").size(0), 5);
}

TEST_F(TrainerTest, MistakesInSettingsAreNamed) {
  const auto refused = [&](const std::string& setting, const std::string& part) {
    const auto message = message_of<Error>([&] { tiny_system(folder_ / "run", {setting}); });
    EXPECT_SAYS(message, part);
  };
  refused("v.learnin_rate=1", "v.learning_rate");
  refused("v.batch=1", "v.batch");
  refused("v.batch=many", "v.batch");
  refused("m.mixtures=65", "m.mixtures");
  refused("c.world=moon", "c.world");
  refused("c.world=dream", "m.heads");
  refused("c.squash=tanh,half", "c.squash");
  refused("c.squash=tanh,half,bend", "bend");
  RunSpec spec;
  spec.recipe = "vcm";
  EXPECT_SAYS(message_of<Error>([&] { make_system(spec); }), "did you mean 'vmc'");
  spec.recipe = "vmc";
  spec.environment = "CarRacin";
  EXPECT_SAYS(message_of<Error>([&] { make_system(spec); }), "did you mean 'CarRacing'");
  spec.environment = "CarRacingDiscrete";
  EXPECT_SAYS(message_of<Error>([&] { make_system(spec); }), "continuous");
  spec.environment = "CarRacing";
  spec.device = "tpu";
  EXPECT_SAYS(message_of<Error>([&] { make_system(spec); }), "tpu");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run")) << "nothing was begun";
}

TEST_F(TrainerTest, APresetGivesWayToExplicitSettings) {
  RunSpec spec;
  spec.settings = {"preset=paper", "m.steps=7"};
  const auto system = make_system(spec);
  const auto value = [&](const std::string& key) {
    for (const auto& field : system->config.fields()) {
      if (field.key == key) return std::get<std::int64_t>(field.value);
    }
    return std::int64_t{-1};
  };
  EXPECT_EQ(value("collect.episodes"), 10000);
  EXPECT_EQ(value("c.generations"), 1800);
  EXPECT_EQ(value("m.steps"), 7);
}

// -- the whole recipe, on the real environment -----------------------------------------------------------------

/// Everything that a run has learned.
std::map<std::string, torch::Tensor> learned(const std::filesystem::path& run) {
  const auto checkpoint = Checkpoint::load(run / "checkpoint.safetensors");
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    for (const char* prefix : {"model", "behaviour", "starts", "v.", "m.", "c.", "curve"}) {
      if (name.starts_with(prefix)) tensors[name] = tensor;
    }
  }
  return tensors;
}

void expect_same(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto first = learned(a), second = learned(b);
  ASSERT_EQ(first.size(), second.size());
  for (const auto& [name, tensor] : first) {
    ASSERT_TRUE(second.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, second.at(name))) << name;
  }
}

TEST_F(TrainerTest, TheWholeRecipeResumesBitForBitAfterAnyInterruption) {
  int advances = 0;
  {
    Trainer trainer(tiny_system(folder_ / "whole"), {}, false);
    while (trainer.advance()) ++advances;
    trainer.close();
    for (const auto& view : trainer.phases(false)) EXPECT_EQ(view.state, PhaseView::State::done) << view.name;
    EXPECT_SAYS(trainer.system().facts.at("score"), "over 2 unseen tracks");
    EXPECT_EQ(trainer.system().starts.at("z").size(1), 4);
    EXPECT_EQ(Dataset(folder_ / "whole" / "data" / "random").episodes(), 2u);
    for (const auto& curve : trainer.system().metrics.views(nullptr)) {
      if (curve.name.starts_with("gauges/")) continue;  // this run is too short for them
      EXPECT_FALSE(curve.y.empty()) << curve.name;
    }
  }
  int resumptions = 0;
  for (bool more = true; more; ++resumptions) {
    Trainer trainer(tiny_system(folder_ / "torn"), {}, true);
    for (int i = 0; i < 5 && more; ++i) {
      more = trainer.advance();
      // Watching the pictures must not change what is learned.
      if (more && trainer.current()) trainer.current()->frames();
    }
    trainer.close();
  }
  EXPECT_GT(resumptions, 5) << advances;
  expect_same(folder_ / "whole", folder_ / "torn");

  // Every curve and fact survives in the run's file; the list of runs shows the score.
  const auto runs = list_runs({}, folder_.path());
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_TRUE(runs[0].usable);
  EXPECT_SAYS(runs[0].detail, "over 2 unseen tracks");
  test::write_bytes(folder_ / "torn" / "checkpoint.safetensors", "garbage");
  const auto damaged = list_runs({}, folder_.path());
  ASSERT_EQ(damaged.size(), 2u);
  EXPECT_FALSE(damaged[0].usable);
  EXPECT_SAYS(damaged[0].detail, "checkpoint.safetensors");
}

TEST_F(TrainerTest, ALossThatIsNotFiniteNamesItsTermAndKeepsTheCheckpoint) {
  Trainer trainer(tiny_system(folder_ / "run"), {}, false);
  while (trainer.advance() &&
         (!trainer.current() || trainer.current()->name() != "v" || trainer.current()->progress() == 0)) {
  }
  trainer.save();
  const auto good = test::read_bytes(folder_ / "run" / "checkpoint.safetensors");
  {
    torch::NoGradGuard no_grad;
    trainer.system().model->named_parameters()["v.deconv4.bias"].fill_(NAN);
  }
  const auto fault = message_of<Error>([&] { trainer.advance(); });
  EXPECT_SAYS(fault, "v/reconstruction");
  EXPECT_SAYS(fault, "resume");
  EXPECT_EQ(trainer.phases(false)[1].state, PhaseView::State::failed);
  trainer.close();
  EXPECT_TRUE(test::read_bytes(folder_ / "run" / "checkpoint.safetensors") == good);
  trainer.take();
  EXPECT_TRUE(trainer.system().model->named_parameters()["v.deconv4.bias"].isfinite().all().item<bool>());
  EXPECT_TRUE(trainer.advance());
  EXPECT_EQ(trainer.current()->name(), "v");

  // Live settings change at once, the others not at all, unknown ones are named.
  trainer.set("v.learning_rate", 1e-5);
  EXPECT_THROW(trainer.set("v.learning_rate", 5.0), Error);
  EXPECT_SAYS(message_of<Error>([&] { trainer.set("v.latent_size", std::int64_t{8}); }), "v.latent_size is fixed");
  EXPECT_THROW(trainer.set("v.unknown", 1.0), Error);
}

TEST_F(TrainerTest, TrainingAloneWithoutDataSaysWhatToDo) {
  Trainer trainer(tiny_system(folder_ / "run"), {60, "v"}, false);
  EXPECT_SAYS(message_of<Error>([&] { trainer.advance(); }), "'collect'");
}

TEST_F(TrainerTest, AnEvaluationGoesOnUnlessItIsToBeAnother) {
  const auto begin = [&](const std::string& episodes, bool resume) {
    auto system = tiny_system(folder_ / "run", {"evaluate.episodes=" + episodes, "c.max_steps=16", "c.lanes=2"});
    system->make_env = [] { return std::make_unique<test::ToyEnv>(test::ToyOptions{16, 0}); };
    return Trainer(std::move(system), {60, "evaluate"}, resume);
  };
  {
    auto trainer = begin("4", false);
    for (int i = 0; i < 6; ++i) trainer.advance();
    trainer.close();
  }
  {
    auto trainer = begin("4", true);
    trainer.advance();
    EXPECT_GT(trainer.phases(true)[4].progress, 0.6) << "it goes on";
    trainer.close();
  }
  auto trainer = begin("3", true);
  trainer.advance();
  EXPECT_LT(trainer.phases(true)[4].progress, 0.5) << "it begins anew";
  while (trainer.advance()) {
  }
  EXPECT_SAYS(trainer.system().facts.at("score"), "over 3 unseen tracks");
}

// A toy in the recipe's place of the environment: C alone finds its driver through an untrained V and M.
TEST_F(TrainerTest, TheSearchImprovesAKnownDriverAndGoesOnFromTheMiddle) {
  const auto begin = [&](const std::string& name, bool resume) {
    auto system =
        tiny_system(folder_ / name, {"v.latent_size=2", "m.hidden_size=2", "c.generations=12", "c.population=8",
                                     "c.lanes=8", "c.max_steps=8", "c.sigma0=0.5", "c.episodes=1"});
    // The target is the same for all: the bias alone can learn it.
    struct Fixed : test::ToyEnv {
      using ToyEnv::ToyEnv;
      void reset(std::uint64_t) override { ToyEnv::reset(3); }
    };
    system->make_env = [] { return std::make_unique<Fixed>(test::ToyOptions{8, 0}); };
    return std::make_unique<Trainer>(std::move(system), Trainer::Options{60, "c"}, resume);
  };
  auto whole = begin("whole", false);
  while (whole->advance()) {
  }
  whole->close();
  const auto curves = whole->system().metrics.views(nullptr);
  for (const auto& curve : curves) {
    if (curve.name != "c/mean") continue;
    ASSERT_EQ(curve.y.size(), 12u);
    EXPECT_GT(curve.y[10] + curve.y[11], curve.y[0] + curve.y[1] + 1);
  }
  auto torn = begin("torn", false);
  for (int i = 0; torn->advance(); ++i) {
    if (i % 7 != 6) continue;
    torn->close();
    torn = begin("torn", true);
  }
  torn->close();
  expect_same(folder_ / "whole", folder_ / "torn");
}

TEST_F(TrainerTest, AGenerationBeginsAnewWithOtherLanes) {
  const auto begin = [&](const char* lanes, bool resume) {
    auto system = tiny_system(folder_ / "run",
                              {"c.generations=2", "c.population=4", "c.max_steps=16", std::string("c.lanes=") + lanes});
    system->make_env = [] { return std::make_unique<test::ToyEnv>(test::ToyOptions{16, 0}); };
    return Trainer(std::move(system), {60, "c"}, resume);
  };
  const auto candidates = [&] {
    return Checkpoint::load(folder_ / "run" / "checkpoint.safetensors").get("c.cma/mean", {-1}).clone();
  };
  {
    auto trainer = begin("4", false);
    trainer.advance();
    trainer.advance();
    trainer.close();
  }
  const auto mean = candidates();
  {
    auto trainer = begin("4", true);
    trainer.advance();
    EXPECT_GT(trainer.phases(true)[3].progress, 0.3) << "with the same lanes it goes on";
  }
  {
    auto trainer = begin("3", true);
    trainer.advance();
    EXPECT_GT(trainer.phases(true)[3].progress, 0);
    EXPECT_LT(trainer.phases(true)[3].progress, 0.2) << "with others it begins anew";
    trainer.close();
  }
  EXPECT_TRUE(torch::equal(candidates(), mean)) << "the search itself is where it was";
  auto trainer = begin("3", true);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.phases(false)[3].state, PhaseView::State::done);
}

TEST_F(TrainerTest, CSearchesInsideTheDreamWhereMPredictsReward) {
  Trainer trainer(tiny_system(folder_ / "run", {"m.heads=true", "c.world=dream"}), {}, false);
  while (trainer.advance()) {
  }
  trainer.close();
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("c/mean")));
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("m/reward")));
}

}  // namespace trainer_test
}  // namespace dream
