#include "core/data/checked_json.h"

#include <cmath>
#include <limits>
#include <utility>

#include "api/error.h"

namespace dream {
namespace {

constexpr int max_depth = 64;

/// Python's NaN and infinities, outside of texts, as what JSON knows.
std::string plain_json(const std::string& text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\' && i + 1 < text.size()) {
      out += text[i++];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text.compare(i, 8, "Infinity") == 0) {
      out += "1e300";
      i += 7;
      continue;
    } else if (!quoted && text.compare(i, 3, "NaN") == 0) {
      out += "null";
      i += 2;
      continue;
    }
    out += text[i];
  }
  return out;
}

}  // namespace

CheckedJson::CheckedJson(std::string origin, const std::string& text) : origin_(std::move(origin)) {
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > max_depth) fail("it is nested too deeply");
    return true;
  };
  try {
    root_ = Json::parse(plain_json(text), watch);
  } catch (const Json::exception& error) {
    fail(std::string("it is not valid JSON (") + error.what() + ")");
  }
  if (!root_.is_object()) fail("a JSON object was expected");
}

void CheckedJson::fail(const std::string& found) const {
  throw Error(origin_ + ": " + found + ".");
}

const CheckedJson::Json& CheckedJson::member(const Json& object, const char* name) const {
  if (!object.is_object() || !object.contains(name)) fail(std::string("'") + name + "' is missing");
  return object[name];
}

std::string CheckedJson::text(const Json& object, const char* name) const {
  const Json& value = member(object, name);
  if (!value.is_string()) fail(std::string("'") + name + "' must be a text");
  return value.get<std::string>();
}

std::string CheckedJson::text_or(const Json& object, const char* name, const std::string& fallback) const {
  return object.is_object() && object.contains(name) && !object[name].is_null() ? text(object, name) : fallback;
}

std::int64_t CheckedJson::whole(const Json& object, const char* name, std::int64_t low, std::int64_t high) const {
  return whole_number(member(object, name), std::string("'") + name + "'", low, high);
}

std::int64_t CheckedJson::whole_number(const Json& value, const std::string& what, std::int64_t low,
                                       std::int64_t high) const {
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                                               : value.is_number_integer();
  if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    fail(what + " must be a whole number between " + std::to_string(low) + " and " + std::to_string(high));
  }
  return value.get<std::int64_t>();
}

const CheckedJson::Json& CheckedJson::list(const Json& object, const char* name, std::size_t most) const {
  const Json& value = member(object, name);
  if (!value.is_array() || value.size() > most) {
    fail(std::string("'") + name + "' must be a list of at most " + std::to_string(most) + " entries");
  }
  return value;
}

std::vector<std::string> CheckedJson::texts(const Json& object, const char* name) const {
  std::vector<std::string> out;
  for (const Json& item : list(object, name, most_entries)) {
    if (!item.is_string()) fail(std::string("'") + name + "' must be a list of texts");
    out.push_back(item.get<std::string>());
  }
  return out;
}

float CheckedJson::real(const Json& value, const char* name) const {
  if (!value.is_number()) fail(std::string("'") + name + "' must hold numbers");
  const double v = value.get<double>();
  if (std::abs(v) > std::numeric_limits<float>::max()) {
    return std::copysign(std::numeric_limits<float>::infinity(), v < 0 ? -1.0f : 1.0f);
  }
  return static_cast<float>(v);
}

void CheckedJson::add_reals(const Json& value, const char* name, std::vector<float>& out) const {
  if (!value.is_array()) return out.push_back(real(value, name));
  for (const Json& item : value) add_reals(item, name, out);
  if (out.size() > most_entries) fail(std::string("'") + name + "' holds too many numbers");
}

std::vector<float> CheckedJson::reals(const Json& object, const char* name) const {
  std::vector<float> out;
  add_reals(list(object, name, most_entries), name, out);
  return out;
}

}  // namespace dream
