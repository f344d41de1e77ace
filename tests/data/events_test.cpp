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

namespace dream {
namespace events_test {

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

struct ReadEvent {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version, tag;
  std::optional<float> value;
};

/// A reader of the wire format that shares nothing with the writer.
class Wire {
 public:
  explicit Wire(std::string bytes) : bytes_(std::move(bytes)) {}
  bool done() const { return at_ == bytes_.size(); }
  std::uint64_t fixed(int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes_.at(at_++))} << (8 * i);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string text(std::uint64_t count) {
    if (count > bytes_.size() - at_) throw std::out_of_range("text");
    const std::string out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

ReadEvent read_event(const std::string& bytes) {
  ReadEvent event;
  Wire wire(bytes);
  while (!wire.done()) {
    switch (wire.varint()) {
      case 1 << 3 | 1:
        event.wall_time = std::bit_cast<double>(wire.fixed(8));
        break;
      case 2 << 3 | 0:
        event.step = static_cast<std::int64_t>(wire.varint());
        break;
      case 3 << 3 | 2:
        event.version = wire.text(wire.varint());
        break;
      case 5 << 3 | 2: {
        Wire summary(wire.text(wire.varint()));
        EXPECT_EQ(summary.varint(), 1u << 3 | 2);
        Wire value(summary.text(summary.varint()));
        EXPECT_TRUE(summary.done());
        EXPECT_EQ(value.varint(), 1u << 3 | 2);
        event.tag = value.text(value.varint());
        EXPECT_EQ(value.varint(), 2u << 3 | 5);
        event.value = std::bit_cast<float>(static_cast<std::uint32_t>(value.fixed(4)));
        EXPECT_TRUE(value.done());
        break;
      }
      default:
        ADD_FAILURE() << "an unknown field";
        return event;
    }
  }
  return event;
}

std::vector<ReadEvent> read_file(const std::filesystem::path& path) {
  Wire wire(test::read_bytes(path));
  std::vector<ReadEvent> events;
  while (!wire.done()) {
    const std::string length = wire.text(8);
    EXPECT_EQ(wire.fixed(4), masked_crc32c(length));
    const std::string payload = wire.text(Wire(length).fixed(8));
    EXPECT_EQ(wire.fixed(4), masked_crc32c(payload));
    events.push_back(read_event(payload));
  }
  return events;
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  return files;
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
