#include "core/data/events.h"

#include <bit>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/data/crc32c.h"

namespace dream {
namespace {

void little_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// The wire format of protocol buffers: a key (field number and kind) and a value.
void varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void key(std::string& out, unsigned field, unsigned kind) {
  varint(out, field << 3 | kind);
}
void text(std::string& out, unsigned field, const std::string& value) {
  key(out, field, 2);
  varint(out, value.size());
  out += value;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// An Event with its time; what it tells is appended by the caller. Fields as in tensorflow's event.proto.
std::string event_now() {
  std::string event;
  key(event, 1, 1);  // wall_time, double
  little_endian(event, std::bit_cast<std::uint64_t>(wall_time()), 8);
  return event;
}

std::filesystem::path unused_name(const std::filesystem::path& directory) {
  const std::string name = "events.out.tfevents." + std::to_string(std::time(nullptr)) + "." + host_name();
  std::filesystem::path path = directory / name;
  for (int i = 1; std::filesystem::exists(path); ++i) path = directory / (name + "." + std::to_string(i));
  return path;
}

}  // namespace

EventWriter::EventWriter(const std::filesystem::path& directory) {
  try {
    std::filesystem::create_directories(directory);
    path_ = unused_name(directory);
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("Cannot write events into '" + directory.string() + "': " + reason_of(error.code().value()) + ".");
  }
  file_.open(path_, std::ios::binary);
  if (!file_) throw Error("Cannot create '" + path_.string() + "': " + reason_of(errno) + ".");
  std::string event = event_now();
  text(event, 3, "brain.Event:2");  // file_version; readers want it first
  record(event);
}

void EventWriter::session_start(std::int64_t step) {
  std::string log;  // SessionLog
  key(log, 1, 0);   // status
  varint(log, 1);   // START
  std::string event = event_now();
  key(event, 2, 0);
  varint(event, static_cast<std::uint64_t>(step));
  text(event, 7, log);
  record(event);
}

void EventWriter::scalar(const std::string& tag, std::int64_t step, double value) {
  std::string entry;  // Summary.Value
  text(entry, 1, tag);
  key(entry, 2, 5);  // simple_value, float
  little_endian(entry, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  std::string summary;
  text(summary, 1, entry);
  std::string event = event_now();
  key(event, 2, 0);  // step, int64
  varint(event, static_cast<std::uint64_t>(step));
  text(event, 5, summary);
  record(event);
}

/// TFRecord: length (8 bytes), its checksum, the payload, its checksum.
void EventWriter::record(const std::string& payload) {
  std::string length;
  little_endian(length, payload.size(), 8);
  std::string out = length;
  little_endian(out, masked_crc32c(length), 4);
  out += payload;
  little_endian(out, masked_crc32c(payload), 4);
  file_.write(out.data(), static_cast<std::streamsize>(out.size()));
  file_.flush();
  if (!file_) throw Error("Cannot write '" + path_.string() + "': " + reason_of(errno) + ".");
}

}  // namespace dream
