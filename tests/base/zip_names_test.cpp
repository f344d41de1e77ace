#include "core/base/zip_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
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

/// What check_zip says of these bytes.
std::string said_of(const test::TempFolder& folder, const std::string& bytes) {
  test::write_bytes(folder / "some.pt", bytes);
  return test::message_of<Error>([&] { check_zip(folder / "some.pt"); });
}

TEST(ZipCheck, WhatIsWholePasses) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
    const auto kind = entry.path().extension();
    if (kind == ".pt" || kind == ".npz" || kind == ".pt2") {
      EXPECT_NO_THROW(check_zip(entry.path())) << entry.path();
    }
  }
  EXPECT_NO_THROW(check_zip(golden / "make_script_models.py")) << "no archive";
}

/// Stored by PyTorch, deflated by NumPy: a byte of an entry that is another one is found, and the entry is named.
TEST(ZipCheck, AChangedByteOfAnEntryIsFoundAndNamed) {
  test::TempFolder folder;
  auto bytes = test::read_bytes(golden / "script" / "good.pt");
  const auto code = bytes.find("def observe");
  ASSERT_NE(code, std::string::npos);
  bytes[code + 1] ^= 1;
  EXPECT_NE(said_of(folder, bytes).find("some.pt' is damaged: its entry 'good/code/__torch__/tiny_good.py' is not what was written"), std::string::npos)
      << said_of(folder, bytes);

  const auto packed = test::read_bytes(golden / "npz" / "dreamer_v1" / "20200101T000000-abc-5.npz");
  const auto directory = packed.find("PK\1\2");
  ASSERT_NE(directory, std::string::npos);
  const auto length = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(packed[at]) + 256 * static_cast<unsigned char>(packed[at + 1])); };
  for (std::size_t head = 0; head != directory;) {
    const auto next = std::min(packed.find("PK\3\4", head + 4), directory);
    for (auto at = head + 30 + length(head + 26) + length(head + 28); at + 1 < next; ++at) {  // the last byte has bits that say nothing
      auto changed = packed;
      changed[at] ^= 0x10;
      EXPECT_NE(said_of(folder, changed).find("some.pt' is damaged: its entry '"), std::string::npos) << at;
    }
    head = next;
  }
}

TEST(ZipCheck, WhatIsCutOffIsCalledSo) {
  test::TempFolder folder;
  const auto bytes = test::read_bytes(golden / "script" / "good.pt");
  for (const std::size_t left : {bytes.size() / 2, bytes.size() - 30, bytes.size() - 1, std::size_t{5}})
    EXPECT_NE(said_of(folder, bytes.substr(0, left)).find("some.pt' is cut off"), std::string::npos) << left << ": " << said_of(folder, bytes.substr(0, left));
  const auto directory = bytes.find("PK\1\2");
  auto changed = bytes;
  changed[directory] ^= 1;
  EXPECT_NE(said_of(folder, changed).find("is damaged: the list of its entries"), std::string::npos);
}

/// PyTorch may be told to compute none (torch.serialization.set_crc32_options), and writes 0.
TEST(ZipCheck, AnEntryMayHaveNoChecksum) {
  test::TempFolder folder;
  auto bytes = test::read_bytes(golden / "script" / "good.pt");
  bytes[bytes.find("def observe") + 1] ^= 1;
  for (auto at = bytes.find("PK\1\2"); at != std::string::npos; at = bytes.find("PK\1\2", at + 4)) bytes.replace(at + 16, 4, 4, '\0');
  EXPECT_EQ(said_of(folder, bytes), "");
}

}  // namespace zip_names_test
}  // namespace dream
