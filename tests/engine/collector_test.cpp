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

}  // namespace collector_test
}  // namespace dream
