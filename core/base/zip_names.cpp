#include "core/base/zip_names.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string_view>

namespace dream {
namespace {

constexpr std::uint64_t longest_tail = 22 + 65535 + 76;       // the end of the directory with its comment, and what zip64 puts before
constexpr std::uint64_t largest_directory = 64 << 20;
constexpr std::string_view end_mark("PK\5\6", 4), end64_mark("PK\6\6", 4), entry_mark("PK\1\2", 4);

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

}  // namespace

std::vector<std::string> zip_names(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return {};  // a pipe would be waited for
  const auto size = std::filesystem::file_size(path, failure);
  std::ifstream in(path, std::ios::binary);
  if (failure || !in) return {};
  const auto tail_size = std::min<std::uint64_t>(size, longest_tail);
  const auto tail = part_of(in, size - tail_size, tail_size);
  const auto end = tail.rfind(end_mark);
  if (end == std::string::npos) return {};
  auto length = number_at(tail, end + 12, 4), from = number_at(tail, end + 16, 4);
  if (const auto end64 = tail.rfind(end64_mark, end); end64 != std::string::npos && (length == 0xffffffff || from == 0xffffffff))
    length = number_at(tail, end64 + 40, 8), from = number_at(tail, end64 + 48, 8);
  if (length > largest_directory || from > size || length > size - from) return {};
  const auto directory = part_of(in, from, length);
  std::vector<std::string> names;
  for (std::size_t at = 0; directory.substr(at, 4) == entry_mark && directory.size() - at >= 46;) {
    const auto name = number_at(directory, at + 28, 2), rest = number_at(directory, at + 30, 2) + number_at(directory, at + 32, 2);
    if (46 + name > directory.size() - at) break;
    names.push_back(directory.substr(at + 46, name));
    at += 46 + name + rest;
    if (at > directory.size()) break;
  }
  return names;
}

}  // namespace dream
