// V-M-C's data and where the search begins: drivers of several kinds, the curve of what they earned, a controller that
// imitates another run's.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/behaviours/linear_controller.h"
#include "core/data/dataset.h"
#include "core/engine/run_file.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed.h"
#include "tests/support/tiny_run.h"
#include "tests/support/toy.h"

namespace dream {
namespace vmc_data_test {

class VmcData : public ::testing::Test {
 protected:
  VmcData() { torch::set_num_threads(1); }

  std::unique_ptr<Trainer> trainer(const std::string& name, const std::vector<std::string>& settings,
                                   const std::string& phase = "") const {
    return std::make_unique<Trainer>(test::tiny_system(folder_ / name, settings), Trainer::Options{1e6, phase}, true);
  }
  static void finish(Trainer& trainer) {
    while (trainer.advance()) {
    }
    trainer.close();
  }
  template <class Column = decltype(&CurveView::x)>
  static std::vector<double> curve(Trainer& trainer, const std::string& name, Column column = &CurveView::x) {
    for (const auto& view : trainer.system().metrics.views(nullptr)) {
      if (view.name == name) return {(view.*column).begin(), (view.*column).end()};
    }
    return {};
  }
  test::TempFolder folder_;
};

TEST_F(VmcData, EveryEpisodeHasItsPointAlsoThoseThatEndTogetherAndAfterAKill) {
  const std::vector<std::string> settings = {"collect.episodes=12", "collect.max_steps=30", "collect.lanes=4"};
  const std::vector<double> all = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  auto whole = trainer("whole", settings, "collect");
  finish(*whole);
  EXPECT_EQ(curve(*whole, "collect/reward"), all);
  const auto rewards = [](Trainer& t) { return t.system().metrics.views(nullptr)[0].y; };
  const auto expected = rewards(*whole);

  auto torn = trainer("torn", settings, "collect");
  torn->advance();
  torn->advance();
  torn.reset();  // killed: what was written since the checkpoint of the beginning is in the dataset alone
  ASSERT_GT(Dataset(folder_ / "torn" / "data" / "random").episodes(), 0u);
  torn = trainer("torn", settings, "collect");
  finish(*torn);
  EXPECT_EQ(curve(*torn, "collect/reward"), all);
  EXPECT_EQ(rewards(*torn), expected);
}

/// V draws from a part that changes, M learns from what V made of all; a torn run ends as the whole one.
TEST_F(VmcData, VAndMLearnFromMoreThanFitsIntoMemory) {
  const std::vector<std::string> settings = {"collect.episodes=9", "collect.max_steps=150", "collect.budget_gb=0.01", "v.epochs=2", "v.batch=50", "m.steps=8"};
  finish(*trainer("whole", settings, "collect"));
  std::filesystem::copy(folder_ / "whole", folder_ / "torn", std::filesystem::copy_options::recursive);
  std::size_t streamed = 0;
  for (const char* phase : {"v", "m"}) {
    auto whole = trainer("whole", settings, phase);
    const auto& parts = *std::static_pointer_cast<VmcParts>(whole->system().parts);
    for (bool more = true; more; streamed += parts.streams()) {
      more = whole->advance();
      EXPECT_LE(parts.replay.bytes(), 10'000'000u);
      if (parts.streams()) {
        EXPECT_EQ(parts.frames_in_all(), 9 * 151);
      }
      if (auto& m = *whole->system().phases[2]; m.detail() == "step 4 of 8") {
        EXPECT_EQ(m.frames().size(), 2u);
      }
    }
    whole->close();
    for (bool more = true; more;) {
      auto torn = trainer("torn", settings, phase);
      const auto& learns = *torn->system().phases[phase == std::string("v") ? 1 : 2];
      for (const auto begun = learns.progress(); more && learns.progress() < begun + 0.35;) more = torn->advance();
      torn->close();
    }
  }
  EXPECT_GT(streamed, 20u);
  const auto whole = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors"), torn = Checkpoint::load(folder_ / "torn" / "checkpoint.safetensors");
  EXPECT_EQ(whole.tensors.at("v.counters")[0].item<std::int64_t>(), 2 * (9 * 151 / 50)) << "epochs are of all";
  ASSERT_TRUE(whole.tensors.contains("v.stream"));
  for (const auto& [name, tensor] : whole.tensors) EXPECT_TRUE(torch::equal(tensor, torn.tensors.at(name))) << name;
}

TEST_F(VmcData, DriversOfAllKindsThenASearchThatBeginsAsOneOfThem) {
  finish(*trainer("driver", {}));
  const auto driver = folder_ / "driver";
  const std::vector<std::string> settings = {"collect.policy=mixed", "collect.driver=" + driver.string(),
                                             "collect.episodes=5",   "c.start=imitate",
                                             "c.teacher=" + driver.string(), "c.rounds=2",
                                             "c.sigma0=1e-6",        "seed=2"};
  auto whole = trainer("whole", settings);
  finish(*whole);
  EXPECT_EQ(curve(*whole, "collect/reward"), (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(Dataset(folder_ / "whole" / "data" / "random-weights").episodes(), 3u);
  EXPECT_EQ(Dataset(folder_ / "whole" / "data" / "early").episodes(), 1u);
  EXPECT_EQ(Dataset(folder_ / "whole" / "data" / "good").episodes(), 1u);
  EXPECT_NE(Dataset(folder_ / "whole" / "data" / "early").read(0).actions,
            Dataset(folder_ / "whole" / "data" / "good").read(0).actions);
  // The driver decides by what its own V and M see, which is not quite a linear map of what these see.
  EXPECT_LT(curve(*whole, "c/imitation", &CurveView::y).back(), 0.02) << "the driver is nearly still";

  auto torn = trainer("torn", settings);
  for (int i = 0; torn->advance(); ++i) {
    if (i % 60 != 59) continue;
    torn->close();
    torn = trainer("torn", settings);
  }
  torn->close();
  const auto a = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors"),
             b = Checkpoint::load(folder_ / "torn" / "checkpoint.safetensors");
  EXPECT_TRUE(a.get("c.cma/mean", {-1}).equal(b.get("c.cma/mean", {-1})));
  EXPECT_GT(a.get("c.cma/mean", {-1}).abs().max().item<double>(), 0);

  const auto message = test::message_of<Error>([&] { trainer("none", {"collect.policy=mixed"}); });
  EXPECT_NE(message.find("collect.driver"), std::string::npos) << message;
}

/// Of the shipped V and M, a new C: in the first round the expert drives, then C does as it was told.
TEST_F(VmcData, ThePupilDoesAsItsExpertWouldWhereItDrivesItself) {
  auto shipped = load_run(std::string(DREAMSCOPE_SOURCE_DIR) + "/assets/runs/car_racing/checkpoint.safetensors");
  auto spec = spec_of(shipped, "cpu");
  spec.directory = folder_ / "run";
  spec.settings = {"c.start=imitate", "c.teacher=expert", "c.rounds=2", "c.lanes=32", "c.max_steps=100"};
  std::filesystem::create_directory(spec.directory);
  for (const auto& [name, tensor] : shipped.tensors) {
    if (name.starts_with("behaviour/")) tensor.zero_();
  }
  shipped.save(spec.directory / "checkpoint.safetensors");
  Trainer pupil(make_system(spec), {1e6, "imitate"}, true);
  finish(pupil);
  const auto distance = curve(pupil, "c/imitation", &CurveView::y);
  ASSERT_EQ(distance.size(), 2u);
  EXPECT_LT(distance[1], 0.75 * distance[0]) << "a C that has learned nothing does the same in both";
  EXPECT_GT(curve(pupil, "c/taught", &CurveView::y)[1], 0);
  EXPECT_EQ(pupil.phases(false)[3].detail, "imitates expert");
  EXPECT_FALSE(std::filesystem::exists(spec.directory / "data" / "imitation")) << "what was said is of no more use";
}

TEST_F(VmcData, AWorldWithoutAnExpertSaysSo) {
  RunSpec spec;
  spec.environment = "CartPoleSwingUp";
  spec.directory = folder_ / "swing up";
  spec.settings = test::tiny_settings();
  spec.settings.push_back("c.start=imitate");
  Trainer nobody(make_system(spec), {60, "imitate"}, false);
  EXPECT_NE(test::message_of<Error>([&] { nobody.advance(); }).find("CartPoleSwingUp has no driver of its own"),
            std::string::npos);
}

TEST(Imitation, FindsAControllerByWhatItDoes) {
  LinearController controller(5, {Squash::tanh, Squash::half, Squash::cut});
  const auto known = test::hashed_float(1, {controller.count()}, 0.6);
  const auto features = test::hashed_float(2, {400, 5}, 1.5);
  const auto actions = controller.act_with(known, features);
  const auto found = controller.nearest_parameters(features, actions);
  EXPECT_LT((controller.act_with(found, features) - actions).square().mean().item<double>(), 0.01);
  const auto column = [&](const torch::Tensor& flat) { return flat.view({6, 3}).slice(1, 0, 2); };  // nothing is cut
  EXPECT_LT(test::relative_error(column(found), column(known)), 0.1);
}

TEST_F(VmcData, ASearchWithoutADifferenceSaysSo) {
  struct Idle : test::ToyEnv {  // every driver earns the same
    using ToyEnv::ToyEnv;
    StepResult step(std::span<const float> action) override {
      auto result = ToyEnv::step(action);
      result.reward = -1;
      return result;
    }
  };
  auto system = test::tiny_system(folder_ / "run", {"c.generations=9", "c.max_steps=8"});
  system->make_env = [] { return std::make_unique<Idle>(test::ToyOptions{8, 0}); };
  Trainer trainer(std::move(system), {60, "c"}, false);
  const auto message = test::message_of<Error>([&] {
    while (trainer.advance()) {
    }
  });
  EXPECT_NE(message.find("all earned the same, -8"), std::string::npos) << message;
  EXPECT_NE(message.find("c.max_steps"), std::string::npos) << message;
  EXPECT_EQ(trainer.phases(false)[3].state, PhaseView::State::failed);
}

TEST_F(VmcData, ASearchThatHasConvergedEnds) {
  auto system = test::tiny_system(folder_ / "run", {"c.generations=50", "c.max_steps=8", "c.sigma0=0.1"});
  system->make_env = [] { return std::make_unique<test::ToyEnv>(test::ToyOptions{8, 0}); };
  {
    Trainer trainer(std::move(system), {60, "c"}, false);
    while (trainer.advance() && trainer.phases(true)[3].progress < 0.04) {
    }
    trainer.close();
  }
  // Steps so small that the mean's rounding swallows them, as after a long search.
  const auto path = folder_ / "run" / "checkpoint.safetensors";
  auto checkpoint = Checkpoint::load(path);
  checkpoint.tensors["c.cma/sigma"].fill_(1e-30);
  checkpoint.save(path);
  system = test::tiny_system(folder_ / "run", {"c.generations=50", "c.max_steps=8", "c.sigma0=0.1"});
  system->make_env = [] { return std::make_unique<test::ToyEnv>(test::ToyOptions{8, 0}); };
  Trainer trainer(std::move(system), {60, "c"}, true);
  EXPECT_FALSE(trainer.advance());
  EXPECT_EQ(trainer.phases(false)[3].state, PhaseView::State::done);
  EXPECT_NE(trainer.phases(false)[3].detail.find("stopped early, "), std::string::npos)
      << trainer.phases(false)[3].detail;
}

TEST_F(VmcData, CountersThatNobodyCanHaveCountedAreNamed) {
  finish(*trainer("run", {}));
  const auto path = folder_ / "run" / "checkpoint.safetensors";
  const auto whole = Checkpoint::load(path);
  for (const char* name : {"collect.counters", "v.counters", "m.counters", "c.flat", "evaluate.episodes"}) {
    auto damaged = whole;
    damaged.tensors[name] = torch::full_like(whole.tensors.at(name), -3);
    damaged.save(path);
    const auto message = test::message_of<Error>([&] { trainer("run", {}); });
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_NE(message.find("checkpoint.safetensors"), std::string::npos) << message;
    EXPECT_NE(message.find("-3"), std::string::npos) << message;
  }
}

/// The same file at one thread and at two: lanes, encoder and search.
TEST_F(VmcData, ASearchDoesNotDependOnTheNumberOfThreads) {
  const auto search = [&](int threads) {
    torch::set_num_threads(threads);
    const auto name = std::to_string(threads);
    auto run = trainer(
        name, {"c.population=8", "c.episodes=5", "c.lanes=40", "c.max_steps=12", "c.generations=2"}, "c");
    finish(*run);
    torch::set_num_threads(1);
    return Checkpoint::load(folder_ / name / "checkpoint.safetensors").get("c.cma/mean", {-1});
  };
  EXPECT_TRUE(search(1).equal(search(2)));
}

}  // namespace vmc_data_test
}  // namespace dream
