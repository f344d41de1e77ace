#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace dream {

/// One JSON text of a stranger, read field by field; each call throws dream::Error naming origin, field and
/// expectation. Python's NaN and Infinity, which JSON lacks, are read: NaN as null.
class CheckedJson {
 public:
  using Json = nlohmann::json;
  static constexpr std::size_t most_entries = 65536;

  CheckedJson(std::string origin, const std::string& text);  // an object

  const Json& root() const { return root_; }
  [[noreturn]] void fail(const std::string& found) const;

  const Json& member(const Json& object, const char* name) const;
  std::string text(const Json& object, const char* name) const;
  /// Of a field that need not be there, or be null.
  std::string text_or(const Json& object, const char* name, const std::string& fallback) const;
  std::int64_t whole(const Json& object, const char* name, std::int64_t low, std::int64_t high) const;
  std::int64_t whole_number(const Json& value, const std::string& what, std::int64_t low, std::int64_t high) const;
  const Json& list(const Json& object, const char* name, std::size_t most) const;
  std::vector<std::string> texts(const Json& object, const char* name) const;
  float real(const Json& value, const char* name) const;  // too large for a float: infinite
  /// Lists within lists count as one after another.
  std::vector<float> reals(const Json& object, const char* name) const;

 private:
  void add_reals(const Json& value, const char* name, std::vector<float>& out) const;

  std::string origin_;
  Json root_;
};

}  // namespace dream
