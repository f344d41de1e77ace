#include "core/base/entries.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace dream {
namespace entries_test {

TEST(Entries, OfAFolderAndOfNone) {
  const auto folder = std::filesystem::temp_directory_path() / ("dreamscope_entries_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()));
  std::filesystem::create_directories(folder / "b");
  std::ofstream(folder / "a") << "x";
  auto found = entries_of(folder);
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::filesystem::path>{folder / "a", folder / "b"}));
  EXPECT_TRUE(entries_of(folder / "a").empty()) << "a file";
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(entries_of(folder).empty()) << "gone";
}

}  // namespace entries_test
}  // namespace dream
