#include "core/config/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"

namespace dream {
namespace {

constexpr std::uint64_t max_toml_bytes = 1u << 20;
constexpr std::size_t max_dots_per_line = 64;

std::string number(double value) {
  char text[64];
  const auto result = std::to_chars(text, text + sizeof text, value);  // the shortest that reads back the same
  return std::string(text, result.ptr);
}

std::string show(const FieldValue& value) {
  struct Show {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return number(v); }
    std::string operator()(const std::string& v) const { return '"' + v + '"'; }
  };
  return std::visit(Show{}, value);
}

/// A number that has been through a text file may differ in its last digit.
bool same(const FieldValue& a, const FieldValue& b) {
  const auto *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  return x && y ? std::abs(*x - *y) <= 1e-9 * std::max(std::abs(*x), std::abs(*y)) : a == b;
}

const char* kind(const FieldValue& value) {
  constexpr const char* names[] = {"true or false", "a whole number", "a number", "a text"};
  return names[value.index()];
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string range(const Field& field) {
  const bool low = field.low > -1e299, high = field.high < 1e299;
  if (low && high) return "between " + number(field.low) + " and " + number(field.high);
  if (low) return "at least " + number(field.low);
  return "at most " + number(field.high);
}

std::string trimmed(const std::string& text) {
  const char* blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// A whole number that a double holds exactly ("1e6"), if it is one.
bool whole(double value, std::int64_t& out) {
  if (!(std::abs(value) <= 9007199254740992.0) || value != std::floor(value)) return false;
  out = static_cast<std::int64_t>(value);
  return true;
}

template <typename Number>
bool read_number(const std::string& text, Number& out) {
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(begin, text.data() + text.size(), out);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// Basic TOML string: quotes, backslashes and control characters escaped.
std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (code < 0x20 || code == 0x7f) {
      constexpr char digits[] = "0123456789ABCDEF";
      out += std::string("\\u00") + digits[code >> 4] + digits[code & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_value(const FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return toml_text(*text);
  if (const auto* real = std::get_if<double>(&value)) {
    std::string text = number(*real);
    if (text.find_first_of(".einf") == std::string::npos) text += ".0";
    return text;
  }
  return show(value);
}

/// One value of a TOML text with its place.
struct Found {
  std::string key;
  std::size_t line;
  FieldValue value;
};

[[noreturn]] void fail_at(const std::string& origin, std::size_t line, const std::string& what) {
  throw Error(origin + ", line " + std::to_string(line) + ": " + what);
}

void flatten(const toml::table& table, const std::string& prefix, const std::string& origin, std::vector<Found>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    const std::size_t line = name.source().begin.line;
    if (const toml::table* inner = node.as_table()) {
      flatten(*inner, key, origin, out);
    } else if (const auto* boolean = node.as_boolean()) {
      out.push_back({key, line, boolean->get()});
    } else if (const auto* integer = node.as_integer()) {
      out.push_back({key, line, integer->get()});
    } else if (const auto* real = node.as_floating_point()) {
      out.push_back({key, line, real->get()});
    } else if (const auto* text = node.as_string()) {
      out.push_back({key, line, text->get()});
    } else {
      fail_at(origin, line, "'" + key + "' is a list or a date; a number, a text, true or false was expected.");
    }
  }
}

/// What the parser (toml++ 3.3) must not see: keys of very many dots, which it nests without a bound, and letters
/// outside ASCII where neither a text nor a comment is, on which its tables of Unicode blanks are undefined. Texts over
/// several lines can hide those, and no setting needs one.
void check_characters(const std::string& text, const std::string& origin) {
  const bool marked = text.compare(0, 3, "\xef\xbb\xbf") == 0;  // a byte order mark
  std::size_t line = 1, dots = 0;
  char within = 0;  // the quote that ends the present text, '#' in a comment, 0 elsewhere
  for (std::size_t i = marked ? 3 : 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      dots = 0;
      within = 0;  // an open text is an error that the parser reports
    } else if (within == '"' && c == '\\') {
      ++i;
    } else if (within != 0) {
      if (c == within && c != '#') within = 0;
    } else if (c == '#' || c == '"' || c == '\'') {
      within = c;
      if (c != '#' && text.compare(i, 3, std::string(3, c)) == 0) {
        fail_at(origin, line, "a text over several lines; a text in one line was expected.");
      }
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      fail_at(origin, line, "a letter outside ASCII that is in no text; texts stand in quotes.");
    } else if (c == '.' && ++dots > max_dots_per_line) {
      fail_at(origin, line, "more than " + std::to_string(max_dots_per_line) + " dots.");
    }
  }
}

/// "v.learning_rate" -> "learning rate".
std::string words_of_key(const std::string& key) {
  auto words = key.substr(key.find('.') + 1);
  std::ranges::replace(words, '_', ' ');
  std::ranges::replace(words, '.', ' ');
  return words;
}

}  // namespace

void Config::add(const std::string& key, bool& target, Traits traits) {
  append(
      key, target, std::move(traits), [&target](const FieldValue& v) { target = std::get<bool>(v); },
      [&target]() -> FieldValue { return target; });
}

void Config::add(const std::string& key, std::int64_t& target, Traits traits) {
  append(
      key, target, std::move(traits), [&target](const FieldValue& v) { target = std::get<std::int64_t>(v); },
      [&target]() -> FieldValue { return target; });
}

void Config::add(const std::string& key, double& target, Traits traits) {
  append(
      key, target, std::move(traits), [&target](const FieldValue& v) { target = std::get<double>(v); },
      [&target]() -> FieldValue { return target; });
}

void Config::add(const std::string& key, std::string& target, Traits traits) {
  append(
      key, target, std::move(traits), [&target](const FieldValue& v) { target = std::get<std::string>(v); },
      [&target]() -> FieldValue { return target; });
}

void Config::append(const std::string& key, FieldValue value, Traits traits,
                    std::function<void(const FieldValue&)> write, std::function<FieldValue()> read) {
  for (const Entry& entry : entries_) {
    if (entry.field.key == key) throw Error("The setting '" + key + "' is declared twice.");
  }
  Entry entry;
  entry.field = {key,
                 traits.title.empty() ? words_of_key(key) : std::move(traits.title),
                 std::move(traits.help),
                 std::move(traits.unit),
                 value,
                 value,
                 traits.low,
                 traits.high,
                 traits.logarithmic,
                 traits.live,
                 !traits.live,
                 std::move(traits.choices)};
  entry.formerly = std::move(traits.formerly);
  entry.write = std::move(write);
  entry.read = std::move(read);
  entries_.push_back(std::move(entry));
}

const Config::Entry& Config::find(const std::string& key) const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.field.key == key || std::ranges::find(entry.formerly, key) != entry.formerly.end()) return entry;
    names.push_back(entry.field.key);
  }
  const std::string near = nearest(key, names);
  throw Error("There is no setting '" + key + "'" + (near.empty() ? "." : "; did you mean '" + near + "'?"));
}

FieldValue Config::checked(const Entry& entry, const FieldValue& value) const {
  const Field& field = entry.field;
  FieldValue result = value;
  // A whole number is a number, and 1e6 is a whole number.
  if (std::holds_alternative<double>(field.initial)) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) result = static_cast<double>(*integer);
  } else if (std::holds_alternative<std::int64_t>(field.initial)) {
    std::int64_t integer = 0;
    if (const auto* real = std::get_if<double>(&value); real && whole(*real, integer)) result = integer;
  }
  if (result.index() != field.initial.index()) {
    throw Error("'" + field.key + "' = " + show(value) + ": " + kind(field.initial) + " was expected.");
  }
  if (!std::holds_alternative<bool>(result) && !std::holds_alternative<std::string>(result)) {
    const double v = std::holds_alternative<double>(result) ? std::get<double>(result)
                                                            : static_cast<double>(std::get<std::int64_t>(result));
    if (!std::isfinite(v)) throw Error("'" + field.key + "' = " + show(value) + ": a finite number was expected.");
    if (v < field.low || v > field.high) {
      throw Error("'" + field.key + "' = " + show(value) + " is out of range; a value " + range(field) +
                  " was expected.");
    }
  }
  if (const auto* text = std::get_if<std::string>(&result); text && !field.choices.empty()) {
    if (std::find(field.choices.begin(), field.choices.end(), *text) == field.choices.end()) {
      const std::string near = nearest(*text, field.choices);
      throw Error("'" + field.key + "' = " + show(value) + ": one of " + list(field.choices) + " was expected" +
                  (near.empty() ? "." : "; did you mean '" + near + "'?"));
    }
  }
  return result;
}

void Config::resumable(std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    find(key);
    for (Entry& entry : entries_) {
      if (entry.field.key == key) entry.field.fixed = false;
    }
  }
}

void Config::take_as_default() {
  for (Entry& entry : entries_) entry.field.initial = entry.read();
}

std::vector<std::string> Config::departures() const {
  std::vector<std::string> found;
  for (const Entry& entry : entries_) {
    const FieldValue now = entry.read(), &initial = entry.field.initial;
    if (!same(now, initial)) found.push_back(entry.field.key + " = " + show(now) + " (" + show(initial) + ")");
  }
  return found;
}

void Config::set(const std::string& key, const FieldValue& value) {
  const Entry& entry = find(key);
  entry.write(checked(entry, value));
}

void Config::set_text(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) throw Error("'" + assignment + "' is not a setting; key=value was expected.");
  const std::string key = trimmed(assignment.substr(0, equals));
  const std::string text = trimmed(assignment.substr(equals + 1));
  const Entry& entry = find(key);

  // The declared type says how to read the text; what cannot be read so is shown as the text that it is.
  FieldValue value = text;
  if (std::holds_alternative<bool>(entry.field.initial)) {
    if (text == "true" || text == "false") value = text == "true";
  } else if (std::holds_alternative<std::string>(entry.field.initial)) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') value = text.substr(1, text.size() - 2);
  } else {
    std::int64_t integer = 0;
    double real = 0;
    if (read_number(text, integer)) {
      value = integer;
    } else if (read_number(text, real)) {
      value = real;
    }
  }
  entry.write(checked(entry, value));
}

void Config::load(const std::filesystem::path& file) {
  parse(read_text_file(file, max_toml_bytes), "'" + file.string() + "'");
}

void Config::parse(const std::string& toml, const std::string& origin) {
  for (const auto& [entry, value] : read(toml, origin)) entry->write(value);
}

std::vector<std::pair<std::string, std::string>> Config::differences(const std::string& toml,
                                                                     const std::string& origin) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [entry, value] : read(toml, origin)) {
    if (!same(entry->read(), value)) found.emplace_back(entry->field.key, show(value));
  }
  return found;
}

std::vector<std::pair<const Config::Entry*, FieldValue>> Config::read(const std::string& toml,
                                                                      const std::string& origin) const {
  if (toml.size() > max_toml_bytes)
    throw Error(origin + " has more than " + std::to_string(max_toml_bytes) + " bytes.");
  check_characters(toml, origin);
  std::vector<Found> found;
  try {
    flatten(toml::parse(toml), "", origin, found);
  } catch (const toml::parse_error& error) {
    fail_at(origin, error.source().begin.line, "not valid TOML: " + std::string(error.description()) + ".");
  }
  std::vector<std::pair<const Entry*, FieldValue>> changes;
  std::set<std::string> seen;
  for (const Found& item : found) {
    try {
      const Entry& entry = find(item.key);
      changes.emplace_back(&entry, checked(entry, item.value));
      if (!seen.insert(entry.field.key).second) throw Error("'" + item.key + "' is set twice.");
    } catch (const Error& error) {
      fail_at(origin, item.line, error.what());
    }
  }
  return changes;
}

std::string Config::to_toml() const {
  // Keys without a section must come first; then the sections in the order in which they were declared.
  std::vector<std::string> sections = {""};
  std::map<std::string, std::string> text;
  for (const Entry& entry : entries_) {
    const std::size_t dot = entry.field.key.find('.');
    const std::string section = dot == std::string::npos ? "" : entry.field.key.substr(0, dot);
    const std::string name = dot == std::string::npos ? entry.field.key : entry.field.key.substr(dot + 1);
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) sections.push_back(section);
    std::string& out = text[section];
    if (!entry.field.help.empty()) {
      std::string help = entry.field.help;
      std::replace(help.begin(), help.end(), '\n', ' ');
      out += "# " + help + (entry.field.unit.empty() ? "" : " [" + entry.field.unit + "]") + "\n";
    }
    out += name + " = " + toml_value(entry.read()) + "\n";
  }
  std::string result = text[""];
  for (const std::string& section : sections) {
    if (section.empty()) continue;
    result += (result.empty() ? "[" : "\n[") + section + "]\n" + text[section];
  }
  return result;
}

std::vector<Field> Config::fields() const {
  std::vector<Field> all;
  for (const Entry& entry : entries_) {
    all.push_back(entry.field);
    all.back().value = entry.read();
  }
  return all;
}

}  // namespace dream
