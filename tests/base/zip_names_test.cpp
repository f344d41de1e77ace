#include "core/base/zip_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace zip_names_test {

const std::filesystem::path golden = std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden";

TEST(ZipNames, WhatTorchHasWritten) {
  const auto names = zip_names(golden / "script" / "good.pt");
  EXPECT_EQ(std::ranges::count(names, "good/constants.pkl"), 1);
  EXPECT_EQ(std::ranges::count(names, "good/code/__torch__/tiny_good.py"), 1);
  EXPECT_EQ(std::ranges::count(zip_names(golden / "state_dict" / "plain.pt"), "plain/data.pkl"), 1);
}

TEST(ZipNames, NoArchiveHasNone) {
  EXPECT_TRUE(zip_names(golden / "make_script_models.py").empty());
  EXPECT_TRUE(zip_names(golden).empty());
  EXPECT_TRUE(zip_names(golden / "nothing").empty());
}

TEST(ZipNames, DamagedOnesAreReadWithoutHarm) {
  test::TempFolder folder;
  const auto whole = test::read_bytes(golden / "script" / "good.pt");
  const auto most = zip_names(golden / "script" / "good.pt").size();
  Rng rng(1);
  for (int i = 0; i < 400; ++i) {
    auto bytes = whole.substr(0, i % 2 == 0 ? whole.size() : static_cast<std::size_t>(rng.uniform(0, static_cast<double>(whole.size()))));
    for (int k = 0; k < 6 && !bytes.empty(); ++k)  // the directory lies at the end
      bytes[bytes.size() - 1 - static_cast<std::size_t>(rng.uniform(0, static_cast<double>(std::min<std::size_t>(bytes.size(), 900))))] = static_cast<char>(rng.uniform(0, 256));
    test::write_bytes(folder / "damaged", bytes);
    EXPECT_LE(zip_names(folder / "damaged").size(), most);
  }
}

}  // namespace zip_names_test
}  // namespace dream
