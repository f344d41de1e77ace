#include "core/base/zip_names.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "api/error.h"
#include "core/base/text.h"

namespace dream {
namespace {

constexpr std::uint64_t longest_tail = 22 + 65535 + 76;       // the end of the directory with its comment, and what zip64 puts before
constexpr std::uint64_t largest_directory = 64 << 20;
constexpr std::uint64_t beyond_32_bits = 0xffffffff;          // where it stands, the number is in a field for 64 bits
constexpr std::size_t entry_size = 46, local_size = 30, block_size = 1 << 18;
constexpr std::string_view end_mark("PK\5\6", 4), end64_mark("PK\6\6", 4), entry_mark("PK\1\2", 4), local_mark("PK\3\4", 4);

/// A little-endian number; 0 beyond the end.
std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  if (at > bytes.size() || width > bytes.size() - at) return 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string part_of(std::ifstream& in, std::uint64_t from, std::uint64_t count) {
  std::string bytes(static_cast<std::size_t>(count), '\0');
  in.clear();
  in.seekg(static_cast<std::streamoff>(from));
  if (!in.read(bytes.data(), static_cast<std::streamsize>(count))) return "";
  return bytes;
}

/// What the directory says of one file in the archive.
struct ZipEntry {
  std::string name;
  std::uint64_t method = 0, crc = 0, packed = 0, size = 0, local = 0;
};

struct ZipDirectory {
  bool there = false;  // its end was found
  bool whole = false;  // and it has as many entries as that says
  std::vector<ZipEntry> entries;
};

/// Numbers that take more than 32 bits stand in the field 1, in this order.
void take_wide(std::string_view extra, ZipEntry& entry) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const auto id = number_at(extra, at, 2), length = number_at(extra, at + 2, 2);
    at += 4;
    if (id == 1) {
      auto from = at;
      for (auto* value : {&entry.size, &entry.packed, &entry.local})
        if (*value == beyond_32_bits) *value = number_at(extra, std::exchange(from, from + 8), 8);
    }
    at += length;
  }
}

ZipDirectory directory_of(std::ifstream& in, std::uint64_t size) {
  ZipDirectory found;
  const auto tail_size = std::min<std::uint64_t>(size, longest_tail);
  const auto tail = part_of(in, size - tail_size, tail_size);
  const auto end = tail.rfind(end_mark);
  if (end == std::string::npos || tail.size() - end < 22) return found;
  found.there = true;
  auto count = number_at(tail, end + 10, 2), length = number_at(tail, end + 12, 4), from = number_at(tail, end + 16, 4);
  if (const auto end64 = tail.rfind(end64_mark, end);
      end64 != std::string::npos && (length == beyond_32_bits || from == beyond_32_bits || count == 0xffff))
    count = number_at(tail, end64 + 32, 8), length = number_at(tail, end64 + 40, 8), from = number_at(tail, end64 + 48, 8);
  if (length > largest_directory || from > size || length > size - from) return found;
  const auto directory = part_of(in, from, length);
  for (std::size_t at = 0; directory.substr(at, 4) == entry_mark && directory.size() - at >= entry_size;) {
    const auto name = number_at(directory, at + 28, 2), extra = number_at(directory, at + 30, 2), comment = number_at(directory, at + 32, 2);
    if (entry_size + name > directory.size() - at) break;
    ZipEntry entry{directory.substr(at + entry_size, name),   number_at(directory, at + 10, 2), number_at(directory, at + 16, 4),
                   number_at(directory, at + 20, 4), number_at(directory, at + 24, 4), number_at(directory, at + 42, 4)};
    take_wide(std::string_view(directory).substr(std::min(directory.size(), at + entry_size + name), extra), entry);
    found.entries.push_back(std::move(entry));
    at += entry_size + name + extra + comment;
    if (at > directory.size()) break;
  }
  found.whole = found.entries.size() == count;
  return found;
}

/// The CRC-32 of what is packed from `from` on; nothing where it cannot be unpacked to so many bytes.
std::optional<std::uint64_t> crc_of(std::ifstream& in, std::uint64_t from, const ZipEntry& entry) {
  z_stream stream{};
  const bool packed = entry.method == 8;
  if (packed && inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  std::array<Bytef, block_size / 4> out;  // NOLINT: written before it is read
  auto crc = crc32_z(0, nullptr, 0);
  std::uint64_t left = entry.packed, made = 0;
  int state = Z_OK;
  in.clear();
  in.seekg(static_cast<std::streamoff>(from));
  std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size)), '\0');
  while (left > 0) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size));
    if (!in.read(block.data(), static_cast<std::streamsize>(now))) break;
    left -= now;
    if (!packed) {
      crc = crc32_z(crc, reinterpret_cast<const Bytef*>(block.data()), now), made += now;
      continue;
    }
    stream.next_in = reinterpret_cast<Bytef*>(block.data()), stream.avail_in = static_cast<uInt>(now);
    do {
      stream.next_out = out.data(), stream.avail_out = static_cast<uInt>(out.size());
      state = inflate(&stream, Z_NO_FLUSH);
      const auto count = out.size() - stream.avail_out;
      crc = crc32_z(crc, out.data(), count), made += count;
    } while (state == Z_OK && stream.avail_out == 0 && made <= entry.size);
    if (state != Z_OK && state != Z_BUF_ERROR) break;
  }
  if (packed) inflateEnd(&stream);
  if (left > 0 || made != entry.size || (packed && state != Z_STREAM_END)) return std::nullopt;
  return crc;
}

}  // namespace

std::vector<std::string> zip_names(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return {};  // a pipe would be waited for
  const auto size = std::filesystem::file_size(path, failure);
  std::ifstream in(path, std::ios::binary);
  if (failure || !in) return {};
  std::vector<std::string> names;
  for (auto& entry : directory_of(in, size).entries) names.push_back(std::move(entry.name));
  return names;
}

void check_zip(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return;
  const auto size = std::filesystem::file_size(path, failure);
  std::ifstream in(path, std::ios::binary);
  const auto file = "'" + path.string() + "'";
  if (failure || !in) throw Error(file + " cannot be read");
  if (part_of(in, 0, 4) != local_mark) return;
  const auto directory = directory_of(in, size);
  if (!directory.there) throw Error(file + " is cut off: it begins as a zip archive, and the list of its entries, with which such a file ends, is missing");
  if (!directory.whole) throw Error(file + " is damaged: the list of its entries, with which a zip archive ends, cannot be read");
  for (const auto& entry : directory.entries) {
    const auto fail = [&](const std::string& what) { throw Error(file + " is damaged: its entry '" + printable(entry.name, 80) + "' " + what); };
    if (entry.method != 0 && entry.method != 8) fail("is packed by the method " + std::to_string(entry.method) + ", and 0 (stored) or 8 (deflated) was expected");
    const auto head = entry.local <= size ? part_of(in, entry.local, local_size) : "";
    if (head.substr(0, 4) != local_mark) fail("is not where the list of entries says");
    const auto name = number_at(head, 26, 2), begin = entry.local + local_size + name + number_at(head, 28, 2);
    if (part_of(in, entry.local + local_size, name) != entry.name) fail("is called otherwise where it lies");
    if (begin > size || entry.packed > size - begin) fail("is cut off");
    const auto crc = crc_of(in, begin, entry);
    // PyTorch writes 0 where it was told to compute none (torch.serialization.set_crc32_options).
    if (!crc || (entry.crc != 0 && *crc != entry.crc)) fail("is not what was written: its checksum (CRC-32) differs");
  }
}

}  // namespace dream
