// The planner of Diffusion Forcing as a recipe: its phases, that it learns, resuming bit for bit, plans in the player, what is refused.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/data/dataset.h"
#include "core/dream/player.h"
#include "core/engine/collector.h"
#include "core/engine/forcing_planner/forcing_planner_recipe.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace forcing_planner_run_test {

using test::message_of;

class ForcingPlannerRun : public ::testing::Test {
 protected:
  ForcingPlannerRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}, const std::string& world = "PointMaze") {
    RunSpec spec;
    spec.recipe = "forcing-planner", spec.environment = world, spec.directory = folder_ / run;
    spec.settings = {"collect.episodes=4",  "collect.max_steps=30", "planner.width=16",  "planner.layers=1",          "planner.heads=2",
                     "planner.units=32",    "planner.stack=4",      "planner.tokens=5",  "planner.steps=4",           "planner.replan=10",
                     "train.updates=12",    "train.batch=4",        "optimiser.warm_up=2", "train.evaluate_episodes=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(ForcingPlannerRun, GoesThroughItsPhasesAndDrawsEveryCurve) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  const auto& system = trainer.system();
  ASSERT_EQ(system.phases.size(), 3u);
  for (const auto& view : system.metrics.views(nullptr)) EXPECT_FALSE(view.y.empty()) << view.name;
  EXPECT_TRUE(system.facts.contains("score")) << "of unseen episodes";
  const auto parts = std::static_pointer_cast<PlannerParts>(system.parts);
  EXPECT_EQ(parts->feed->replay().episodes(), 0u) << "memory goes with the phase";
  // What the data are like went into the checkpoint.
  double sum = 0, count = 0;
  const Dataset dataset(folder_ / "run" / "data" / "expert");
  for (std::size_t i = 0; i < dataset.episodes(); ++i)
    for (std::size_t t = 0; t < dataset.read(i).vectors.size(); t += 6) sum += static_cast<double>(dataset.read(i).vectors[t]), ++count;
  bool found = false;
  for (const auto& [name, tensor] : saved("run")) {
    if (!name.ends_with("mean") || tensor.dim() != 1) continue;
    found = true;
    EXPECT_NEAR(tensor[0].item<double>(), sum / count, 1e-4) << name;
  }
  EXPECT_TRUE(found);
}

TEST_F(ForcingPlannerRun, LearnsWhatTheDataDo) {
  Trainer trainer(make("run", {"train.updates=600", "planner.width=32", "train.batch=16", "collect.episodes=20", "optimiser.learning_rate=2e-3", "train.evaluate_episodes=1"}), {}, false);
  while (trainer.advance()) {
  }
  for (const auto& view : trainer.system().metrics.views(nullptr)) {
    if (view.name != "planner/plain") continue;
    ASSERT_GE(view.y.size(), 20u);
    const auto part = view.y.size() / 10;
    double last = 0;
    for (std::size_t i = 0; i < part; ++i) last += view.y[view.y.size() - 1 - i] / static_cast<double>(part);
    EXPECT_LT(last, 0.7 * view.y.front());
    return;
  }
  FAIL() << "there is no such curve";
}

TEST_F(ForcingPlannerRun, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn"), {1e9, ""}, resume);
    for (int i = 0; i < 7 && more; ++i) more = trainer.advance();
    // An evaluation that is torn begins anew: it goes to its end.
    while (more && trainer.system().phases[1]->progress() >= 1) more = trainer.advance();
    trainer.close();
  }
  const auto whole = saved("whole"), torn = saved("torn");
  EXPECT_EQ(whole.size(), torn.size());
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
  }
}

TEST_F(ForcingPlannerRun, LearnsFromGivenEpisodesOfAGoalThatMoves) {
  {
    Collector::Options collect{folder_ / "data", 2, 60, 2, Rng(1)};
    collect.expert = true;
    Collector collector(std::move(collect), "PointMaze[goal=moves]", [] { return make_env("PointMaze[goal=moves]"); }, nullptr, "expert");
    while (collector.written() < 2) collector.step();
  }
  Trainer trainer(make("given", {"train.datasets=" + (folder_ / "data").string()}), {1e9, "learn"}, false);
  EXPECT_EQ(trainer.system().phases.size(), 2u);
  while (trainer.advance()) {
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "given" / "data"));
}

TEST_F(ForcingPlannerRun, ThePlayerDrivesByItAndShowsThePlan) {
  Player player;
  player.load(make("run"), "forcing-planner");
  player.watch({"plan/picture", "plan/path", "plan/actions", "noise/matrix"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->knobs.size(), 7u);
  ASSERT_EQ(view->probes.size(), 4u);
  const auto shown = [&](const std::string& name) -> const Value& {
    const auto views = player.view();  // the probes outlive it by their pointers
    static std::shared_ptr<const Value> kept;
    for (const auto& probe : views->probes)
      if (probe.name == name) kept = probe.value;
    return *kept;
  };
  EXPECT_EQ(std::get<Image>(shown("plan/picture")).width, 256);
  EXPECT_EQ(std::get<Points>(shown("plan/path")).x.size(), 20u);
  const auto actions = std::get<Trajectories>(shown("plan/actions"));
  EXPECT_EQ(actions.count, 8) << "of nine rows of the denoising";
  EXPECT_EQ(actions.steps, 20);
  EXPECT_EQ(std::get<Heatmap>(shown("noise/matrix")).cells.size(), 45u) << "nine rows of five tokens";
  player.set_knob("noise_order", 2);
  for (int i = 4; i < 14; ++i) player.step(now_seconds() + i);
  EXPECT_EQ(player.view()->knobs.size(), 6u) << "the uncertainty is a pyramid's";
  EXPECT_EQ(std::get<Heatmap>(shown("noise/matrix")).cells.size(), 25u);
}

TEST_F(ForcingPlannerRun, FindsThePlacesOfThePicture) {
  for (const auto& [world, cells] : {std::pair("PointMaze", 5.0), std::pair("PointMaze[maze=large]", 12.0)}) {
    const auto env = make_env(world);
    const auto places = places_in(*env);
    ASSERT_TRUE(places) << world;
    EXPECT_NEAR(places->x_scale, 1 / cells, 1e-5);
    EXPECT_NEAR(places->y_scale, 1 / cells, 1e-5);
    EXPECT_NEAR(places->x_at, 0.5 / cells, 1e-5);
  }
}

TEST_F(ForcingPlannerRun, ThePublishedSizeHasThePublishedConstants) {
  PlannerRunOptions options;
  options.size = PlannerSize::published;
  set_size(options);
  EXPECT_EQ(options.planner.net.width, 128);
  EXPECT_EQ(options.planner.net.layers, 12);
  EXPECT_EQ(options.planner.stack * options.planner.tokens, 300);
  EXPECT_EQ(options.planner.steps, 50);
  EXPECT_EQ(options.planner.guidance, 2);
  EXPECT_EQ(options.planner.replan, 50);
  EXPECT_EQ(options.optimiser.learning_rate, 5e-4);
  EXPECT_EQ(options.optimiser.warm_up, 10000);
  EXPECT_EQ(options.train.batch, 1024);
  EXPECT_EQ(options.train.updates, 200000);
}

TEST_F(ForcingPlannerRun, SaysWhatIsMissing) {
  const auto refused = message_of<Error>([&] { make("catch", {}, "Pendulum"); });
  EXPECT_NE(refused.find("has no 'x'"), std::string::npos) << refused;
  EXPECT_NE(refused.find("Recipes that serve it"), std::string::npos) << refused;
  EXPECT_NE(message_of<Error>([&] {
              Trainer trainer(make("short", {"collect.max_steps=15"}), {}, false);
              while (trainer.advance()) {
              }
            }).find("planner.tokens times planner.stack must be less"),
            std::string::npos);
}

}  // namespace forcing_planner_run_test
}  // namespace dream
