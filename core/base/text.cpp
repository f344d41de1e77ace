#include "core/base/text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

namespace dream {
namespace {

/// The code point that begins at `at`, and how many bytes it takes; 0 bytes when it is no UTF-8.
char32_t decode(std::string_view text, std::size_t at, std::size_t& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  bytes = first < 0x80 ? 1 : first >> 5 == 0x6 ? 2 : first >> 4 == 0xe ? 3 : first >> 3 == 0x1e ? 4 : 0;
  if (bytes > text.size() - at) bytes = 0;
  if (bytes == 0) return 0;
  if (bytes == 1) return first;
  char32_t code = first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (byte(at + i) >> 6 != 2) {
      bytes = 0;
      return 0;
    }
    code = code << 6 | (byte(at + i) & 0x3fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) bytes = 0;
  return code;
}

/// Control characters of both tables, what ends lines, and what changes the direction or cannot be seen.
bool hidden(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xe0000 && code <= 0xe0fff);
}

std::string escaped(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

template <typename Number>
std::optional<Number> read(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  std::vector<std::string> characters;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t bytes = 0;
    const char32_t code = decode(text, at, bytes);
    if (bytes == 0) {
      characters.push_back(escaped("\\x%02x", static_cast<unsigned char>(text[at])));
    } else if (!hidden(code)) {
      characters.emplace_back(text.substr(at, bytes));
    } else if (code == '\n') {
      characters.emplace_back("\\n");
    } else if (code == '\t') {
      characters.emplace_back("\\t");
    } else {
      characters.push_back(escaped(code < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(code)));
    }
    at += bytes == 0 ? 1 : bytes;
  }
  std::string out;
  const bool cut = characters.size() > most;
  const std::size_t head = cut ? most - most / 3 : characters.size();
  for (std::size_t i = 0; i < head; ++i) out += characters[i];
  if (!cut) return out;
  out += "…";
  for (std::size_t i = characters.size() - most / 3; i < characters.size(); ++i) out += characters[i];
  return out;
}

std::string typed_path(std::string_view text, std::string_view home) {
  const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back()) && !text.ends_with("\\ ")) text.remove_suffix(1);
  std::string path;
  if (!home.empty() && (text == "~" || text.starts_with("~/"))) {
    path = home;
    text.remove_prefix(1);
  }
  char quote = 0;  // which one is open
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      const char next = text[++i];
      if (quote == '"' && next != '"' && next != '\\' && next != '$' && next != '`') path += c;
      path += next;
    } else {
      path += c;
    }
  }
  return path;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  if (const auto whole = read<std::int64_t>(text)) return whole;
  constexpr double exact = 9007199254740992.0;  // up to here a double holds every whole number
  const auto real = finite_number(text);
  if (!real || std::abs(*real) > exact || *real != std::floor(*real)) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::optional<double> finite_number(std::string_view text) {
  const auto number = read<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string number_text(double value) {
  char text[64];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return std::string(text, result.ptr);
}

}  // namespace dream
