#include "core/engine/collector.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/env/registry.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace collector_test {

/// Whatever cuts an episode, its last step says so: Pendulum's would have gone on to its 200th.
TEST(Collector, AnEpisodeThatIsCutIsTruncated) {
  const test::TempFolder folder;
  {
    Collector collector({folder / "cut", 3, 7, 2, Rng(1), 0}, "Pendulum", [] { return make_env("Pendulum"); }, nullptr,
                        "random");
    while (collector.written() < 3) collector.step();
  }
  const Dataset dataset(folder / "cut");
  ASSERT_EQ(dataset.episodes(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto episode = dataset.read(i);
    EXPECT_EQ(episode.terminated, std::vector<std::uint8_t>(7, 0));
    EXPECT_EQ(episode.truncated, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 1}));
  }
}

TEST(Collector, TheExpertDrivesAndCanBeShaken) {
  const test::TempFolder folder;
  const auto driven = [&](const char* name, double noise) {
    Collector::Options options{folder / name, 2, 150, 2, Rng(1), noise};
    options.expert = true;
    Collector collector(options, "CarRacing", [] { return make_env("CarRacing"); }, nullptr, "expert");
    double sum = 0;
    while (collector.written() < 2) {
      collector.step();
      for (const double each : collector.new_rewards()) sum += each;
    }
    return sum;
  };
  const double well = driven("well", 0), shaken = driven("shaken", 1);
  EXPECT_GT(well, 2 * 60) << "150 steps of somebody who can drive";
  EXPECT_NE(shaken, well);
  Collector::Options none{folder / "none", 1, 10, 1, Rng(1)};
  none.expert = true;
  Collector lost(none, "CartPoleSwingUp", [] { return make_env("CartPoleSwingUp"); }, nullptr, "expert");
  EXPECT_THROW(lost.step(), Error);
}

/// Choices cannot be mixed with others: a share of them is random.
TEST(Collector, ChoicesAreWeakened) {
  const test::TempFolder folder;
  const auto others = [&](const char* name, double weaken) {  // than the expert's
    {
      Collector::Options options{folder / name, 10, 9, 4, Rng(1), 0, weaken};
      options.expert = true;
      Collector collector(options, "Catch", [] { return make_env("Catch"); }, nullptr, "expert");
      while (collector.written() < 10) collector.step();
    }
    const Dataset dataset(folder / name);
    int count = 0;
    for (std::size_t i = 0; i < dataset.episodes(); ++i) {
      const auto episode = dataset.read(i);
      const auto env = make_env("Catch");
      env->reset(episode.seed);
      for (const float action : episode.actions) {
        float best = 0;
        env->expert({&best, 1});
        count += action != best ? 1 : 0;
        env->step({&action, 1});
      }
    }
    return count;
  };
  EXPECT_EQ(others("well", 0), 0);
  const int weak = others("weak", 1);
  EXPECT_GT(weak, 10);
  EXPECT_LT(weak, 60) << "of 90";
}

}  // namespace collector_test
}  // namespace dream
