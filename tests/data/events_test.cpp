#include "core/data/events.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <ctime>
#include <optional>
#include <vector>

#include "api/error.h"
#include "core/data/crc32c.h"
#include "tests/data/temp_folder.h"
#include "tests/support/event_reader.h"

namespace dream {
namespace events_test {

using test::files_in;
using test::read_file;
using test::ReadEvent;

TEST(Crc32c, AgreesWithThePublishedVectors) {
  // RFC 3720, appendix B.4, and the check value of CRC-32/ISCSI.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending += static_cast<char>(i);
    descending += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(descending), 0x113fdb5cu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  // (0xe3069283 >> 15 | 0xe3069283 << 17) + 0xa282ead8: 0x2507c60d + 0xa282ead8.
  EXPECT_EQ(masked_crc32c("123456789"), 0xc78ab0e5u);
}

TEST(EventWriter, ASessionStartSaysFromWhichStep) {
  const test::TempFolder folder;
  EventWriter(folder.path()).session_start(300);
  const auto events = read_file(files_in(folder.path()).at(0));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[1].session_start);
  EXPECT_EQ(events[1].step, 300);
}

TEST(EventWriter, ScalarsAreReadBackWhileItIsOpen) {
  const test::TempFolder folder;
  EventWriter writer(folder / "run");
  writer.scalar("v/loss", 0, 1.5);
  writer.scalar("v/τ", 300, -0.1);
  writer.scalar("big", std::int64_t{1} << 40, std::numeric_limits<double>::infinity());
  writer.scalar("nan", 1, std::nan(""));
  const auto files = files_in(folder / "run");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].filename().string().rfind("events.out.tfevents.", 0), 0u);
  const std::vector<ReadEvent> events = read_file(files[0]);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_FALSE(events[0].value);
  EXPECT_EQ(events[1].tag, "v/loss");
  EXPECT_EQ(events[1].value, 1.5f);
  EXPECT_EQ(events[2].tag, "v/τ");
  EXPECT_EQ(events[2].step, 300);
  EXPECT_EQ(events[2].value, -0.1f);
  EXPECT_EQ(events[3].step, std::int64_t{1} << 40);
  EXPECT_TRUE(std::isinf(*events[3].value));
  EXPECT_TRUE(std::isnan(*events[4].value));
  for (const ReadEvent& event : events) EXPECT_NEAR(event.wall_time, static_cast<double>(std::time(nullptr)), 60);
}

TEST(EventWriter, ASecondWriterKeepsTheFirstFile) {
  const test::TempFolder folder;
  { EventWriter(folder.path()).scalar("a", 1, 1); }
  { EventWriter(folder.path()).scalar("b", 2, 2); }
  const auto files = files_in(folder.path());
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(read_file(files[0]).size(), 2u);
  EXPECT_EQ(read_file(files[1]).size(), 2u);
}

TEST(EventWriter, AFolderThatCannotBeIsAnError) {
  const test::TempFolder folder;
  test::write_bytes(folder / "file", "x");
  const std::string message = test::message_of<Error>([&] { EventWriter(folder / "file"); });
  EXPECT_NE(message.find("file"), std::string::npos) << message;
}

}  // namespace events_test
}  // namespace dream
