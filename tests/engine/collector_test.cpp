#include "core/engine/collector.h"

#include <gtest/gtest.h>

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

}  // namespace collector_test
}  // namespace dream
