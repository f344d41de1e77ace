#pragma once
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/data/crc32c.h"
#include "tests/data/temp_folder.h"

namespace dream::test {

struct ReadEvent {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version, tag;
  bool session_start = false;
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

inline ReadEvent read_event(const std::string& bytes) {
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
      case 7 << 3 | 2: {
        Wire log(wire.text(wire.varint()));
        EXPECT_EQ(log.varint(), 1u << 3 | 0);
        event.session_start = log.varint() == 1;
        EXPECT_TRUE(log.done());
        break;
      }
      default:
        ADD_FAILURE() << "an unknown field";
        return event;
    }
  }
  return event;
}

inline std::vector<ReadEvent> read_file(const std::filesystem::path& path) {
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

inline std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

/// The curves as TensorBoard shows a folder: its files in order; what a session's start says was lost is dropped.
inline std::map<std::string, std::vector<std::pair<std::int64_t, float>>> curves_in(
    const std::filesystem::path& folder) {
  auto files = files_in(folder);
  std::erase_if(files, [](const auto& f) { return !f.filename().string().starts_with("events.out.tfevents."); });
  std::sort(files.begin(), files.end());
  std::map<std::string, std::vector<std::pair<std::int64_t, float>>> curves;
  for (const auto& file : files) {
    for (const auto& event : read_file(file)) {
      if (event.session_start) {
        for (auto& [tag, points] : curves) std::erase_if(points, [&](const auto& p) { return p.first >= event.step; });
      } else if (event.value) {
        auto& points = curves[event.tag];
        EXPECT_TRUE(points.empty() || points.back().first <= event.step)
            << event.tag << " is folded back from " << points.back().first << " to " << event.step;
        points.emplace_back(event.step, *event.value);
      }
    }
  }
  return curves;
}

}  // namespace dream::test
