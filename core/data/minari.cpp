#include "core/data/minari.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "nlohmann/json.hpp"

namespace dream::minari {
namespace {

using nlohmann::json;

constexpr const char* minari_version = "0.5.3";
constexpr std::uint64_t max_metadata = 64u << 20;
constexpr int max_side = 8192;
constexpr std::size_t max_axes = 65536;
constexpr int max_depth = 64;
// JSON has no infinity, Python writes one all the same; this stands for it while a text is read.
constexpr double infinity_stand_in = 1e300;

// -- writing JSON: numbers as Python reads them ----------------------------------------------------------------------

std::string json_number(double value) {
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return std::string(text.data(), end);
}

/// `value` in nested lists of the shape.
std::string filled(const std::string& value, const std::vector<int>& shape, std::size_t axis = 0) {
  if (axis == shape.size()) return value;
  const std::string inner = filled(value, shape, axis + 1);
  std::string text = "[";
  for (int i = 0; i < shape[axis]; ++i) text += (i > 0 ? "," : "") + inner;
  return text + "]";
}

std::string listed(const std::vector<float>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i > 0 ? "," : "") + json_number(values[i]);
  return text + "]";
}

std::string box(const std::string& dtype, const std::vector<int>& shape, const std::string& low,
                const std::string& high) {
  return R"({"type": "Box", "dtype": ")" + dtype + R"(", "shape": )" + json(shape).dump() + R"(, "low": )" + low +
         R"(, "high": )" + high + "}";
}

std::vector<int> image_shape(const Spaces& spaces) {
  if (spaces.image_channels == 1) return {spaces.image_height, spaces.image_width};
  return {spaces.image_height, spaces.image_width, spaces.image_channels};
}

std::string observation_space(const Spaces& spaces) {
  const std::vector<int> image = image_shape(spaces), vector = {static_cast<int>(spaces.vector_names.size())};
  const std::string image_box = box("uint8", image, filled("0", image), filled("255", image));
  const std::string vector_box = box("float32", vector, filled("-Infinity", vector), filled("Infinity", vector));
  if (spaces.vector_names.empty()) return image_box;
  if (spaces.image_bytes() == 0) return vector_box;
  return R"({"type": "Dict", "subspaces": {"image": )" + image_box + R"(, "vector": )" + vector_box + "}}";
}

std::string action_space(const ActionSpace& action) {
  if (action.discrete()) {
    return R"({"type": "Discrete", "dtype": "int64", "start": 0, "n": )" + std::to_string(action.choices.size()) + "}";
  }
  return box("float32", {static_cast<int>(action.axes.size())}, listed(action.low), listed(action.high));
}

json bounds(const std::vector<float>& values) {
  json list = json::array();
  for (const float v : values) list.push_back(std::isinf(v) ? std::copysign(infinity_stand_in, v) : double{v});
  return list;
}

json spaces_json(const Spaces& spaces) {
  json keys = json::array();
  for (const KeyBinding& key : spaces.action.keys) {
    keys.push_back({{"key", key.key}, {"axis", key.axis}, {"value", key.value}, {"label", key.label}});
  }
  return {{"image", {spaces.image_height, spaces.image_width, spaces.image_channels}},
          {"vector_names", spaces.vector_names},
          {"max_episode_steps", spaces.max_episode_steps},
          {"action",
           {{"axes", spaces.action.axes},
            {"low", bounds(spaces.action.low)},
            {"high", bounds(spaces.action.high)},
            {"choices", spaces.action.choices},
            {"idle", bounds(spaces.action.idle)},
            {"keys", keys}}}};
}

/// Minari's names hold letters, digits, '_' and '-'.
std::string plain_name(const std::string& text, const std::string& fallback) {
  std::string name;
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += good ? c : '-';
  }
  const std::size_t first = name.find_first_not_of('-');
  return first == std::string::npos ? fallback : name.substr(first, name.find_last_not_of('-') - first + 1);
}

// -- reading JSON ------------------------------------------------------------------------------------------------

/// Python's NaN and infinities, outside of texts, as numbers that JSON knows.
std::string without_infinities(const std::string& text) {
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
    }
    out += text[i];
  }
  return out;
}

/// One JSON text and the sentence for what is wrong with it.
class Source {
 public:
  Source(std::string origin, const std::string& text) : origin_(std::move(origin)) {
    const auto watch = [&](int depth, json::parse_event_t, json&) {
      if (depth > max_depth) fail("it is nested too deeply");
      return true;
    };
    try {
      root_ = json::parse(without_infinities(text), watch);
    } catch (const json::exception& error) {
      fail(std::string("it is not valid JSON (") + error.what() + ")");
    }
    if (!root_.is_object()) fail("a JSON object was expected");
  }

  const json& root() const { return root_; }
  [[noreturn]] void fail(const std::string& found) const { throw Error(origin_ + ": " + found + "."); }

  const json& member(const json& object, const char* name) const {
    if (!object.is_object() || !object.contains(name)) fail(std::string("'") + name + "' is missing");
    return object[name];
  }
  std::string text(const json& object, const char* name) const {
    const json& value = member(object, name);
    if (!value.is_string()) fail(std::string("'") + name + "' must be a text");
    return value.get<std::string>();
  }
  std::int64_t whole(const json& object, const char* name, std::int64_t low, std::int64_t high) const {
    return whole_number(member(object, name), std::string("'") + name + "'", low, high);
  }
  std::int64_t whole_number(const json& value, const std::string& what, std::int64_t low, std::int64_t high) const {
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                                                 : value.is_number_integer();
    if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
      fail(what + " must be a whole number between " + std::to_string(low) + " and " + std::to_string(high));
    }
    return value.get<std::int64_t>();
  }
  const json& list(const json& object, const char* name, std::size_t most) const {
    const json& value = member(object, name);
    if (!value.is_array() || value.size() > most) {
      fail(std::string("'") + name + "' must be a list of at most " + std::to_string(most) + " entries");
    }
    return value;
  }
  std::vector<std::string> texts(const json& object, const char* name) const {
    std::vector<std::string> out;
    for (const json& item : list(object, name, max_axes)) {
      if (!item.is_string()) fail(std::string("'") + name + "' must be a list of texts");
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  float real(const json& value, const char* name) const {
    if (!value.is_number()) fail(std::string("'") + name + "' must hold numbers");
    const double v = value.get<double>();
    constexpr float most = std::numeric_limits<float>::max();
    if (std::abs(v) > most)
      return std::copysign(std::numeric_limits<float>::infinity(), static_cast<float>(v < 0 ? -1 : 1));
    return static_cast<float>(v);
  }
  std::vector<float> reals(const json& object, const char* name) const {
    std::vector<float> out;
    for (const json& item : list(object, name, max_axes)) out.push_back(real(item, name));
    return out;
  }

 private:
  std::string origin_;
  json root_;
};

/// The part that only we write.
DatasetInfo own_info(const Source& source, const json& own) {
  DatasetInfo info;
  info.environment = source.text(own, "environment");
  info.policy = source.text(own, "policy");
  const json& spaces = source.member(own, "spaces");
  const json& image = source.list(spaces, "image", 3);
  if (image.size() != 3) source.fail("'image' must be height, width, channels");
  info.spaces.image_height = static_cast<int>(source.whole_number(image[0], "the height in 'image'", 0, max_side));
  info.spaces.image_width = static_cast<int>(source.whole_number(image[1], "the width in 'image'", 0, max_side));
  info.spaces.image_channels = static_cast<int>(source.whole_number(image[2], "the channels in 'image'", 0, 4));
  info.spaces.vector_names = source.texts(spaces, "vector_names");
  info.spaces.max_episode_steps =
      static_cast<int>(source.whole(spaces, "max_episode_steps", 0, std::numeric_limits<int>::max()));
  const json& action = source.member(spaces, "action");
  info.spaces.action.axes = source.texts(action, "axes");
  info.spaces.action.low = source.reals(action, "low");
  info.spaces.action.high = source.reals(action, "high");
  info.spaces.action.choices = source.texts(action, "choices");
  info.spaces.action.idle = source.reals(action, "idle");
  for (const json& key : source.list(action, "keys", 1000)) {
    KeyBinding binding;
    binding.key = source.text(key, "key");
    binding.axis = static_cast<int>(source.whole(key, "axis", 0, max_axes));
    binding.value = source.real(source.member(key, "value"), "value");
    binding.label = source.text(key, "label");
    info.spaces.action.keys.push_back(binding);
  }
  return info;
}

std::vector<std::int64_t> box_shape(const Source& source, const json& space) {
  std::vector<std::int64_t> shape;
  for (const json& extent : source.list(space, "shape", 8)) {
    shape.push_back(source.whole_number(extent, "a size in 'shape'", 1, 1 << 30));
  }
  return shape;
}

void numbered(std::vector<std::string>& names, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
}

/// A Box that is a picture or a vector.
void add_observation(const Source& source, const json& space, const std::string& key, Metadata& out) {
  const std::string type = source.text(space, "type");
  const std::string what = key.empty() ? std::string("the observation") : "the observation '" + key + "'";
  if (type == "Discrete") source.fail(what + " is of the type Discrete; a Box was expected");
  if (type != "Box") source.fail(what + " is of the type '" + type.substr(0, 40) + "'; a Box was expected");
  const std::vector<std::int64_t> shape = box_shape(source, space);
  Spaces& spaces = out.info.spaces;
  if (source.text(space, "dtype") == "uint8" && (shape.size() == 2 || shape.size() == 3)) {
    const std::int64_t channels = shape.size() == 3 ? shape[2] : 1;
    if (spaces.image_bytes() > 0) source.fail("there are several pictures in an observation; one was expected");
    if (shape[0] > max_side || shape[1] > max_side || channels > 4) {
      source.fail(what + " must be a picture of height x width x at most 4 channels");
    }
    spaces.image_height = static_cast<int>(shape[0]);
    spaces.image_width = static_cast<int>(shape[1]);
    spaces.image_channels = static_cast<int>(channels);
    out.layout.image_key = key;
  } else if (shape.size() == 1) {
    if (!spaces.vector_names.empty()) source.fail("there are several vectors in an observation; one was expected");
    if (shape[0] > static_cast<std::int64_t>(max_axes)) source.fail(what + " has too many numbers");
    numbered(spaces.vector_names, shape[0]);
    out.layout.vector_key = key;
  } else {
    source.fail(what + " must be a picture (uint8, height x width x channels) or a vector");
  }
}

/// The spaces of a dataset that is not ours.
void foreign_spaces(const std::string& file, const Source& source, Metadata& out) {
  const Source observation(file + ", 'observation_space'", source.text(source.root(), "observation_space"));
  if (observation.text(observation.root(), "type") == "Dict") {
    out.layout.dictionary = true;
    const json& parts = observation.member(observation.root(), "subspaces");
    if (!parts.is_object()) observation.fail("'subspaces' must be an object");
    for (const auto& [key, space] : parts.items()) {
      if (key.empty() || key == "." || key.find('/') != std::string::npos)
        observation.fail("a name in 'subspaces' is not usable");
      add_observation(observation, space, key, out);
    }
  } else {
    add_observation(observation, observation.root(), "", out);
  }

  const Source action(file + ", 'action_space'", source.text(source.root(), "action_space"));
  ActionSpace& space = out.info.spaces.action;
  const std::string type = action.text(action.root(), "type");
  if (type == "Discrete") {
    action.whole(action.root(), "start", 0, 0);
    numbered(space.choices, action.whole(action.root(), "n", 1, max_axes));
    space.idle = {0};
  } else if (type == "Box") {
    const std::vector<std::int64_t> shape = box_shape(action, action.root());
    if (shape.size() != 1) action.fail("a vector of actions was expected, with one size in 'shape'");
    if (shape[0] > static_cast<std::int64_t>(max_axes)) action.fail("there are too many axes");
    numbered(space.axes, shape[0]);
    space.low = action.reals(action.root(), "low");
    space.high = action.reals(action.root(), "high");
    space.idle.assign(space.axes.size(), 0.0f);
  } else {
    action.fail("actions of the type '" + type.substr(0, 40) + "' are not read; Box or Discrete was expected");
  }
}

}  // namespace

std::string episode_name(std::size_t index) {
  return "episode_" + std::to_string(index);
}

std::string episode_link(std::size_t index) {
  const std::string digits = std::to_string(index);
  return "episodes/episode_" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + ".hdf5";
}

std::filesystem::path episode_file(const std::filesystem::path& dataset, std::size_t index) {
  return data_folder(dataset) / episode_link(index);
}

bool encoded_frames(const Spaces& spaces) {
  return spaces.image_height >= 32 && spaces.image_width >= 32 &&
         (spaces.image_channels == 1 || spaces.image_channels == 3);
}

std::string frame_header(const Spaces& spaces) {
  return std::string(spaces.image_channels == 1 ? "P5\n" : "P6\n") + std::to_string(spaces.image_width) + " " +
         std::to_string(spaces.image_height) + "\n255\n";
}

Layout layout_of(const Spaces& spaces) {
  if (spaces.image_bytes() > 0 && !spaces.vector_names.empty()) return {"image", "vector", true};
  return {};
}

void check_spaces(const Spaces& spaces, const std::string& origin) {
  const auto fail = [&](const std::string& found) { throw Error(origin + ": " + found + "."); };
  const int sides[] = {spaces.image_height, spaces.image_width, spaces.image_channels};
  const bool none = std::all_of(std::begin(sides), std::end(sides), [](int s) { return s == 0; });
  if (!none && (std::any_of(std::begin(sides), std::end(sides), [](int s) { return s < 1 || s > max_side; }) ||
                spaces.image_channels > 4)) {
    fail("a picture must have 1 to " + std::to_string(max_side) + " pixels on each side and 1 to 4 channels");
  }
  if (none && spaces.vector_names.empty()) fail("an observation must have a picture or a vector, and it has neither");
  const ActionSpace& action = spaces.action;
  if (action.size() == 0) fail("an action must have axes or choices, and it has neither");
  if (!action.discrete() && (action.low.size() != action.axes.size() || action.high.size() != action.axes.size())) {
    fail("an action of " + std::to_string(action.axes.size()) + " axes must have as many bounds 'low' and 'high'");
  }
  if (std::max({spaces.vector_names.size(), action.axes.size(), action.choices.size()}) > max_axes) {
    fail("more than " + std::to_string(max_axes) + " numbers in an observation or action");
  }
}

Metadata read_metadata(const std::filesystem::path& dataset) {
  const std::filesystem::path path = metadata_file(dataset);
  const std::string file = "'" + path.string() + "'";
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    throw Error("'" + dataset.string() +
                "' is not a dataset: there is no data/metadata.json (Minari 0.5 or newer) in it.");
  }
  const Source source(file, read_text_file(path, max_metadata));
  const json& root = source.root();
  const std::string format = source.text(root, "data_format");
  if (format != "hdf5") source.fail("'data_format' is '" + format.substr(0, 40) + "', and 'hdf5' was expected");

  Metadata metadata;
  constexpr std::int64_t most = std::int64_t{1} << 40;
  metadata.episodes = static_cast<std::size_t>(source.whole(root, "total_episodes", 0, most));
  metadata.steps = source.whole(root, "total_steps", 0, most);
  if (root.contains("dreamscope")) {
    metadata.info = own_info(source, root["dreamscope"]);
    metadata.own = true;
    metadata.layout = layout_of(metadata.info.spaces);
  } else {
    foreign_spaces(file, source, metadata);
    metadata.info.environment = root.contains("dataset_id") ? source.text(root, "dataset_id") : "unknown";
    metadata.info.policy = root.contains("algorithm_name") ? source.text(root, "algorithm_name") : "unknown";
    if (root.contains("env_spec")) {
      const Source spec(file + ", 'env_spec'", source.text(root, "env_spec"));
      if (spec.root().contains("id")) metadata.info.environment = spec.text(spec.root(), "id");
    }
  }
  check_spaces(metadata.info.spaces, file);
  return metadata;
}

std::string metadata_before(const std::filesystem::path& dataset) {
  std::error_code code;
  const std::filesystem::path path = metadata_file(dataset);
  return std::filesystem::exists(path, code) ? read_text_file(path, max_metadata) : "";
}

std::string metadata_text(const Metadata& metadata, double megabytes, const std::string& before) {
  const DatasetInfo& info = metadata.info;
  json root = before.empty() ? json::object() : Source("The dataset's metadata.json", before).root();
  const json own = {
      {"dataset_id", plain_name(info.environment, "environment") + "/" + plain_name(info.policy, "policy") + "-v0"},
      {"minari_version", minari_version},
      {"data_format", "hdf5"},
      {"total_episodes", metadata.episodes},
      {"total_steps", metadata.steps},
      {"dataset_size", std::round(megabytes * 10) / 10},
      {"observation_space", observation_space(info.spaces)},
      {"action_space", action_space(info.spaces.action)},
      {"algorithm_name", info.policy},
      {"description", "Collected by Dreamscope in " + info.environment + "; policy: " + info.policy + "."},
      {"dreamscope",
       {{"environment", info.environment}, {"policy", info.policy}, {"spaces", spaces_json(info.spaces)}}}};
  root.update(own);
  try {
    return root.dump(1);
  } catch (const json::exception& error) {
    throw Error("A dataset's names must be UTF-8 (" + std::string(error.what()) + ").");
  }
}

}  // namespace dream::minari
