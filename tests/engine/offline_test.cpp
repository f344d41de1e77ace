// Learning from given episodes alone: which of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/data/dataset.h"
#include "core/engine/collector.h"
#include "core/engine/system.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "tests/data/temp_folder.h"

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

}  // namespace offline_test
}  // namespace dream
