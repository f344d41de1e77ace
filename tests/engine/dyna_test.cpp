// Tabular Dyna against a reference of its own (tests/golden/make_dyna.py), and its recipes as a whole on the mazes.
#include "core/engine/dyna/dyna.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/dream/player.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace dyna_test {

using test::expect_same;
using test::message_of;
using test::TempFolder;

class DynaTest : public ::testing::Test {
 protected:
  DynaTest() { torch::set_num_threads(1); }

  static std::unique_ptr<System> dyna(const char* recipe, const char* world, const std::filesystem::path& directory,
                                      std::vector<std::string> settings = {}) {
    RunSpec spec;
    spec.recipe = recipe, spec.environment = world, spec.directory = directory;
    spec.settings = {"train.evaluate_episodes=2"};
    spec.settings.insert(spec.settings.end(), settings.begin(), settings.end());
    return make_system(spec);
  }
  /// Trains to the end, and leaves the system.
  static std::unique_ptr<Trainer> trained(std::unique_ptr<System> system) {
    auto trainer = std::make_unique<Trainer>(std::move(system), Trainer::Options{1e9, ""}, false);
    while (trainer->advance()) {
    }
    return trainer;
  }
  TempFolder folder_;
};

/// The same random numbers: the same walk, step by step, and the same Q.
TEST_F(DynaTest, WalksAndLearnsAsTheReference) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/dyna/dyna.npz");
  const std::map<std::string, DynaOptions> variants = {
      {"q0", {.planning_steps = 0}},
      {"q5", {.planning_steps = 5}},
      {"q50", {.planning_steps = 50}},
      {"plus", {.planning_steps = 10, .bonus = true}},
      {"sweep", {.planning_steps = 5, .step_size = 0.5, .sweep = Sweep::prioritised}}};
  for (const auto& [name, options] : variants) {
    SCOPED_TRACE(name);
    const auto states = golden.at(name + "/states").view<double>(name), actions = golden.at(name + "/actions").view<double>(name);
    const auto env = make_env("DynaMaze");
    TableModel model(env->spaces());
    TablePolicy policy(model.states(), model.columns(), env->spaces().action);
    policy.set(options.epsilon, options.discount);
    TabularDyna dyna(model, policy, options);
    auto rng = make_generator(torch::kCPU, 7);
    const auto look = [&] {
      auto seen = torch::zeros({1, 1});
      env->observe_vector({seen.data_ptr<float>(), 1});
      return model.observe(model.initial(1), {}, {{}, seen}, rng);
    };
    env->reset(1);
    auto carry = look();
    for (std::size_t t = 0; t < states.size(); ++t) {
      const auto state = carry.at("state").item<float>();
      ASSERT_EQ(state, static_cast<float>(states[t])) << "step " << t;
      const float action = policy.decide({&model, carry}, {}, Mode::collect, rng).action.item<float>();
      ASSERT_EQ(action, static_cast<float>(actions[t])) << "step " << t;
      const auto result = env->step({&action, 1});
      carry = look();
      dyna.learn(static_cast<std::int64_t>(state), static_cast<std::int64_t>(action), static_cast<double>(result.reward),
                 static_cast<std::int64_t>(carry.at("state").item<float>()), result.terminated);
      dyna.plan(rng);
      if (result.done()) {
        env->reset(1);
        carry = look();
      }
    }
    const auto wanted = golden.at(name + "/q");
    const auto q = torch::tensor(std::vector<double>(wanted.view<double>(name).begin(), wanted.view<double>(name).end()),
                                 torch::kFloat64);
    EXPECT_LT((policy.q().flatten() - q).abs().max().item<double>(), 1e-12);
  }
}

/// The way of 14 steps, its value γ^13 at the start, and the sooner the more it plans.
TEST_F(DynaTest, FindsTheShortestWaySoonerTheMoreItPlans) {
  std::vector<double> early;  // mean length of episodes 2 to 10
  for (const auto* n : {"dyna.planning_steps=0", "dyna.planning_steps=5", "dyna.planning_steps=50"}) {
    const auto trainer = trained(dyna("dyna-q", "DynaMaze", folder_ / n, {n, "train.steps=6000"}));
    auto& system = trainer->system();
    const Metrics none({});
    for (const auto& curve : system.metrics.views(nullptr)) {
      if (curve.name == "learn/episode_length" && curve.y.size() > 10)
        early.push_back(std::accumulate(curve.y.begin() + 1, curve.y.begin() + 10, 0.0) / 9);
    }
    if (std::string(n).ends_with("50")) {
      EXPECT_EQ(system.metrics.last("behaviour/greedy"), 14);
      auto& policy = dynamic_cast<TablePolicy&>(*system.behaviour);
      EXPECT_NEAR(policy.q()[18].max().item<double>(), std::pow(0.95, 13), 1e-3);
      EXPECT_NE(system.facts.at("score").find("1.00"), std::string::npos) << system.facts.at("score");
    }
  }
  ASSERT_EQ(early.size(), 3u);
  EXPECT_GT(early[0], 2 * early[1]);
  EXPECT_GT(early[1], early[2]);
}

TEST_F(DynaTest, ResumesBitForBit) {
  for (const auto* recipe : {"dyna-q", "dyna-q-plus"}) {
    const std::vector<std::string> short_run = {"train.steps=300", "dyna.planning_steps=3"};
    const auto name = std::string(recipe);
    // Learning alone: who has learned so little may walk for long while it is evaluated.
    Trainer whole(dyna(recipe, "DynaMaze", folder_ / (name + " whole"), short_run), {1e9, "learn"}, false);
    while (whole.advance()) {
    }
    whole.close();
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(dyna(recipe, "DynaMaze", folder_ / (name + " torn"), short_run), {1e9, "learn"}, true);
      for (int i = 0; i < 70 && more; ++i) more = trainer.advance();
      trainer.close();
    }
    EXPECT_GT(resumptions, 3);
    expect_same(folder_ / (name + " whole"), folder_ / (name + " torn"));
  }
}

/// What it has seen it dreams: the same pictures, rewards and ends as the maze itself.
TEST_F(DynaTest, TheTableIsDreamedIn) {
  const auto trainer = trained(dyna("dyna-q", "DynaMaze", folder_ / "run"));
  auto& model = *trainer->system().model;
  const auto env = make_env("DynaMaze");
  env->reset(1);
  const auto see = [&] {
    auto vector = torch::zeros({1, 1});
    env->observe_vector({vector.data_ptr<float>(), 1});
    auto image = torch::zeros({1, 64, 64, 3}, torch::kUInt8);
    env->observe_image({image.data_ptr<std::uint8_t>(), static_cast<std::size_t>(image.numel())});
    return Observation{image, vector};
  };
  auto rng = make_generator(torch::kCPU, 1);
  auto carry = model.observe(model.initial(1), {}, see(), rng);
  int steps = 0;
  for (bool done = false; !done; ++steps) {
    ASSERT_LT(steps, 14);
    std::vector<float> action(1);
    ASSERT_TRUE(env->expert(action));
    const auto result = env->step(action);
    carry = model.imagine(carry, torch::tensor(action).unsqueeze(0), {}, rng);
    const auto dreamt = model.predict(carry);
    EXPECT_EQ(dreamt.reward.item<float>(), result.reward);
    EXPECT_EQ(dreamt.done.item<float>(), result.terminated ? 1 : 0);
    EXPECT_TRUE(torch::equal((dreamt.frame.permute({0, 2, 3, 1}) * 255).round().to(torch::kUInt8), see().image)) << steps;
    done = result.done();
  }
  EXPECT_EQ(steps, 14);
}

TEST_F(DynaTest, RefusesWorldsWithoutStates) {
  const auto text = message_of<Error>([] { dyna("dyna-q", "Pendulum", {}); });
  EXPECT_NE(text.find("number of states"), std::string::npos) << text;
  const auto lanes = message_of<Error>([] { dyna("dyna-q", "DynaMaze", {}, {"train.lanes=2"}); });
  EXPECT_NE(lanes.find("train.lanes"), std::string::npos) << lanes;
}

}  // namespace dyna_test
}  // namespace dream
