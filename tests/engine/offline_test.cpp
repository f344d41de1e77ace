// Learning from given episodes alone: which of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/data/dataset.h"
#include "core/engine/collector.h"
#include "core/engine/decision_transformer/decision_transformer_recipe.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/system.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace offline_test {

/// The Decision Transformer knows the returns of what it learned from.
TEST(Offline, LearnsFromTheBestShareOfTheEpisodes) {
  torch::set_num_threads(1);
  const test::TempFolder folder;
  {
    Collector collector({folder / "data", 4, 40, 2, Rng(1), 0}, "Pendulum", [] { return make_env("Pendulum"); }, nullptr, "random");
    while (collector.written() < 4) collector.step();
  }
  double best = -1e9;
  const Dataset dataset(folder / "data");
  for (std::size_t i = 0; i < 4; ++i) {
    const auto rewards = dataset.read(i).rewards;
    best = std::max(best, std::accumulate(rewards.begin(), rewards.end(), 0.0));
  }
  for (const bool all : {true, false}) {
    RunSpec spec;
    spec.recipe = "decision-transformer", spec.environment = "Pendulum", spec.directory = folder / (all ? "all" : "best");
    spec.settings = {"policy.width=16", "policy.layers=1", "policy.context=3", "train.batch=4", "train.updates=1",
                     "train.datasets=" + (folder / "data").string(), std::string("train.best_share=") + (all ? "1" : "0.25")};
    Trainer trainer(make_system(spec), {60, "learn"}, false);
    while (trainer.advance()) {
    }
    const auto asked = trainer.system().behaviour->knobs()[0];
    EXPECT_NEAR(asked.default_value, best, 1e-3);
    EXPECT_EQ(asked.minimum < best - 0.1, all) << "of the best quarter of four there is one";
  }
}

/// A third of the episodes fits at a time. They all come, and where training was torn nothing is otherwise.
TEST(Offline, LearnsFromMoreThanFitsIntoMemory) {
  torch::set_num_threads(1);
  const test::TempFolder folder;
  constexpr std::int64_t episodes = 9;
  {
    Collector collector({folder / "data", episodes, 20, 1, Rng(1), 0}, "Pendulum", [] { return make_env("Pendulum"); }, nullptr, "random");
    while (collector.written() < episodes) collector.step();
  }
  const auto budget = 3.5e-9 * static_cast<double>(Dataset(folder / "data").read(0).bytes());
  const auto begun = [&](const std::string& name, const std::string& best) {
    RunSpec spec;
    spec.recipe = "decision-transformer", spec.environment = "Pendulum", spec.directory = folder / name;
    spec.settings = {"policy.width=16", "policy.layers=1", "policy.context=3", "train.batch=16", "train.updates=120", "train.evaluate_episodes=1",
                     "train.datasets=" + (folder / "data").string(), "train.best_share=" + best};
    auto trainer = std::make_unique<Trainer>(make_system(spec), Trainer::Options{1e9, "learn"}, true);
    const auto parts = std::static_pointer_cast<DecisionParts>(trainer->system().parts);
    // Less than the setting allows, which is read when the phase begins and then put back.
    const auto allowed = std::exchange(parts->options.train.budget_gb, budget);
    trainer->advance();
    parts->options.train.budget_gb = allowed;
    return std::pair{std::move(trainer), parts};
  };
  for (const auto& [name, every] : {std::pair{"whole", std::int64_t{1000}}, {"torn", std::int64_t{50}}}) {
    for (bool more = true; more;) {
      auto [trainer, parts] = begun(name, "1");
      const auto before = parts->updates;
      while (more && parts->updates < before + every) {
        more = trainer->advance();
        EXPECT_LE(parts->feed->replay().episodes(), 4u);
        if (parts->updates == 119 && before == 0) {
          EXPECT_GT(parts->feed->replay().added(), 15) << "a pass and more";
          ASSERT_FALSE(parts->feed->notes().empty());
          EXPECT_NE(parts->feed->notes().back().find("9 episodes, more than fit"), std::string::npos);
        }
      }
      trainer->close();
    }
  }
  const auto whole = Checkpoint::load(folder / "whole" / "checkpoint.safetensors"), torn = Checkpoint::load(folder / "torn" / "checkpoint.safetensors");
  ASSERT_TRUE(whole.tensors.contains("learn.draws_stream"));
  for (const auto& [name, tensor] : whole.tensors) EXPECT_TRUE(torch::equal(tensor, torn.tensors.at(name))) << name;
  // Of too many, too, the best are the best of all.
  auto [trainer, parts] = begun("best", "0.2");
  for (int i = 0; i < 40; ++i) trainer->advance();
  EXPECT_EQ(parts->feed->replay().episodes(), 2u);
  std::vector<double> returns;
  const Dataset dataset(folder / "data");
  for (std::size_t i = 0; i < dataset.episodes(); ++i) {
    const auto rewards = dataset.read(i).rewards;
    returns.push_back(std::accumulate(rewards.begin(), rewards.end(), 0.0));
  }
  std::ranges::sort(returns, std::greater<>());
  EXPECT_NEAR(trainer->system().behaviour->knobs()[0].default_value, returns[0], 1e-3);
}

/// Episodes come and go while a Dreamer learns from them alone. One that is torn ends as one that was left alone.
TEST(Offline, ADreamerLearnsFromMoreThanFitsIntoMemory) {
  torch::set_num_threads(1);
  const test::TempFolder folder;
  constexpr std::int64_t episodes = 9;
  {
    Collector collector({folder / "data", episodes, 20, 1, Rng(1), 0}, "Catch", [] { return make_env("Catch"); }, nullptr, "random");
    while (collector.written() < episodes) collector.step();
  }
  const Dataset dataset(folder / "data");
  for (const std::string context : {"false", "true"}) {
    const test::DreamerRun v3 = {"dreamer-v3", "Catch", {"train.datasets=" + (folder / "data").string(), "train.prefill=0", "train.replay_context=" + context,
                                                         "train.steps=" + std::to_string(dataset.steps()), "train.train_ratio=12"}};
    for (const bool torn : {false, true}) {
      const auto run = folder / (context + (torn ? "_torn" : "_whole"));
      for (bool more = true; more;) {
        Trainer trainer(test::tiny_dreamer(v3, run), {1e9, "learn"}, true);
        const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
        // Less memory than the setting allows, which is read when the phase begins and then put back.
        auto& train = const_cast<InterleavedOptions&>(*parts->train);
        const auto allowed = std::exchange(train.budget_gb, 3.5e-9 * static_cast<double>(dataset.read(0).bytes()));
        more = trainer.advance();
        train.budget_gb = allowed;
        for (const auto begun = parts->updates; more && (!torn || parts->updates < begun + 20);) {
          more = trainer.advance();
          EXPECT_LE(parts->feed->replay().episodes(), 4u);
        }
        trainer.close();
      }
    }
    ASSERT_TRUE(test::all_of(folder / (context + "_whole")).contains("learn.draws_stream"));
    test::expect_same(folder / (context + "_whole"), folder / (context + "_torn"));
  }
}

}  // namespace offline_test
}  // namespace dream
