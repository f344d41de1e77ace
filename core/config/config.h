#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "api/field.h"
#include "core/base/choice.h"
#include "core/base/nearest.h"

namespace dream {

/// Settings bound to the members of option structs: declared once (key, range, default = the member's value, help),
/// and from there the TOML file, `--set key=value` and the window's sliders. An options struct offers
/// `void fields(Config& config, const std::string& prefix)`. The structs must outlive the Config.
class Config {
 public:
  struct Traits {
    std::string help = {}, unit = {};
    double low = -1e300, high = 1e300;
    bool logarithmic = false, live = false;
    std::vector<std::string> choices = {};
    std::vector<std::string> formerly = {};  // other names of this setting, in files of before it was renamed
    std::string title = {};                  // with the paper's symbol: "representation scale β_rep"; else the key's words
  };
  void add(const std::string& key, bool& target, Traits traits);
  void add(const std::string& key, std::int64_t& target, Traits traits);
  void add(const std::string& key, double& target, Traits traits);
  void add(const std::string& key, std::string& target, Traits traits);
  /// An enum whose names stand beside it (core/base/choice.h): a text with its choices for everyone outside.
  template <NamedEnum E>
  void add(const std::string& key, E& target, Traits traits) {
    if (traits.choices.empty()) traits.choices = names_of<E>();  // otherwise those that make sense here
    append(
        key, name_of(target), std::move(traits),
        [&target](const FieldValue& v) { target = choice_of<E>(std::get<std::string>(v)); },
        [&target]() -> FieldValue { return name_of(target); });
  }

  /// A run may go on with another value of these: how long, how many, how much memory. All others that are not live are
  /// fixed once it has begun.
  void resumable(std::initializer_list<const char*> keys);

  /// Throws dream::Error for an unknown key (with the nearest known one), a wrong type or a value out of range;
  /// the target keeps its value then.
  void set(const std::string& key, const FieldValue& value);
  void set_text(const std::string& assignment);  // "v.learning_rate=1e-4"

  /// Reads a TOML file or text. All or nothing: an error (naming file, line, key) changes no target.
  void load(const std::filesystem::path& file);
  void parse(const std::string& toml, const std::string& origin);
  std::string to_toml() const;  // sections by the part before the first dot, help as comments

  std::vector<Field> fields() const;  // with present values
  /// The present values are the defaults from here on: a recipe's published constants.
  void take_as_default();
  /// The keys whose values in this TOML text are others than the present ones, with those values as text.
  std::vector<std::pair<std::string, std::string>> differences(const std::string& toml,
                                                               const std::string& origin) const;
  /// "behaviour.entropy = 0.003 (0.0003)" for every setting that is not at its default, with the default behind it.
  std::vector<std::string> departures() const;

 private:
  struct Entry {
    Field field;
    std::vector<std::string> formerly;
    std::function<void(const FieldValue&)> write;
    std::function<FieldValue()> read;
  };
  void append(const std::string& key, FieldValue value, Traits traits, std::function<void(const FieldValue&)> write,
              std::function<FieldValue()> read);
  const Entry& find(const std::string& key) const;
  FieldValue checked(const Entry& entry, const FieldValue& value) const;
  std::vector<std::pair<const Entry*, FieldValue>> read(const std::string& toml, const std::string& origin) const;
  std::vector<Entry> entries_;
};

}  // namespace dream
