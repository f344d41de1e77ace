#include "core/data/minari.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/checked_json.h"
#include "core/data/folder_look.h"
#include "core/data/foreign_spaces.h"
#include "nlohmann/json.hpp"

namespace dream::minari {
namespace {

using nlohmann::json;

constexpr const char* minari_version = "0.5.3";
constexpr std::uint64_t max_metadata = 64u << 20;
constexpr int max_side = 8192;
constexpr std::size_t max_axes = CheckedJson::most_entries;
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

/// The part that only we write.
DatasetInfo own_info(const CheckedJson& source, const json& own) {
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

std::vector<std::uint64_t> episode_files(const std::filesystem::path& dataset) {
  std::vector<std::uint64_t> numbers;
  std::error_code code;
  for (std::filesystem::directory_iterator entry(episodes_folder(dataset), code), end; !code && entry != end; entry.increment(code)) {
    const auto name = entry->path().filename().string();
    const auto digits = name.find_first_of("0123456789");
    std::uint64_t number = 0;
    if (digits != std::string::npos && std::from_chars(name.data() + digits, name.data() + name.size(), number).ec == std::errc{} &&
        "episodes/" + name == episode_link(number))
      numbers.push_back(number);
  }
  return numbers;
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
  const bool both = spaces.image_bytes() > 0 && !spaces.vector_names.empty();
  const auto part = [&](const char* name, Part::Kind kind, std::vector<std::uint64_t> shape) {
    Part made;
    made.kind = kind, made.shape = std::move(shape), made.type = "Box";
    if (both) made.path = {name};
    return made;
  };
  Layout layout;
  if (spaces.image_bytes() > 0) {
    const auto shape = image_shape(spaces);
    layout.picture = part("image", Part::Kind::picture, {shape.begin(), shape.end()});
    auto& pixels = layout.picture->pixels;
    pixels.height = static_cast<std::size_t>(spaces.image_height), pixels.width = static_cast<std::size_t>(spaces.image_width);
    pixels.channels = pixels.stored_channels = static_cast<std::size_t>(spaces.image_channels);
  }
  if (!spaces.vector_names.empty()) layout.vector = {part("vector", Part::Kind::numbers, {spaces.vector_names.size()})};
  Part action;
  action.type = spaces.action.discrete() ? "Discrete" : "Box";
  if (spaces.action.discrete()) {
    action.kind = Part::Kind::index;
    action.choices = {static_cast<std::int64_t>(spaces.action.choices.size())}, action.starts = {0};
  } else {
    action.shape = {spaces.action.axes.size()};
  }
  layout.action = {action};
  return layout;
}

std::string Part::name() const {
  std::string text;
  for (const auto& step : path) text += (text.empty() ? "" : "/") + step;
  return text;
}

std::size_t Part::count() const {
  std::size_t product = 1;
  for (const auto extent : shape) product = extent > (std::size_t{1} << 40) / product ? std::size_t{1} << 40 : product * extent;
  return product;
}

std::size_t Part::width() const {
  if (kind == Kind::index) return joined ? 0 : 1;
  return kind == Kind::one_hot ? static_cast<std::size_t>(std::accumulate(choices.begin(), choices.end(), std::int64_t{0})) : count();
}

std::string Part::kind_and_size() const {
  if (type == "Discrete") return "one of " + std::to_string(choices.front());
  std::string text;
  for (const auto extent : shape) text += (text.empty() ? "" : " × ") + std::to_string(extent);
  return type + (text.empty() ? "" : " of " + text);
}

std::filesystem::path dataset_folder(const std::filesystem::path& path) {
  std::error_code code;
  auto folder = path;
  if (!folder.has_filename()) folder = folder.parent_path();  // "data/"
  if (std::filesystem::is_regular_file(folder, code)) folder = folder.parent_path();
  const bool inner = std::filesystem::exists(folder / "metadata.json", code) && !std::filesystem::exists(folder / "data", code);
  if (!inner) return path;
  return std::filesystem::absolute(folder, code).lexically_normal().parent_path();
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

std::string datasets_within(const std::filesystem::path& path) {
  std::string inside;
  std::error_code code;
  int found = 0;
  for (std::filesystem::recursive_directory_iterator entry(path, code), end; entry != end && found < 3; entry.increment(code)) {
    if (entry.depth() > 3) entry.disable_recursion_pending();
    if (entry->path().filename() != "metadata.json" || entry->path().parent_path().filename() != "data") continue;
    inside += (found++ > 0 ? ", '" : "; there are datasets further in: '") + entry->path().parent_path().parent_path().string() + "'";
  }
  return inside;
}

bool is_dataset(const std::filesystem::path& path) {
  std::error_code code;
  return std::filesystem::exists(metadata_file(dataset_folder(path)), code);
}

Metadata read_metadata(const std::filesystem::path& dataset, const std::vector<NoPicture>& no_pictures) {
  const std::filesystem::path path = metadata_file(dataset);
  const std::string file = "'" + path.string() + "'";
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    throw Error("'" + dataset.string() + "' is not a dataset: there is no data/metadata.json (Minari 0.5 or newer) in it" +
                what_folder_is(dataset) + datasets_within(dataset) + ".");
  }
  const CheckedJson source(file, read_text_file(path, max_metadata));
  const json& root = source.root();
  const std::string format = source.text_or(root, "data_format", "hdf5");
  if (format != "hdf5") source.fail("'data_format' is '" + format.substr(0, 40) + "', and 'hdf5' was expected" +
                                      (format == "arrow" || format == "parquet" ? "; scripts/bring_minari.py FOLDER OUT makes such a dataset of it" : ""));

  Metadata metadata;
  metadata.own = root.contains("dreamscope");
  constexpr std::int64_t most = std::int64_t{1} << 40;
  // What others leave away is counted.
  if (metadata.own || root.contains("total_episodes"))
    metadata.episodes = static_cast<std::size_t>(source.whole(root, "total_episodes", 0, most));
  if (metadata.own || root.contains("total_steps")) metadata.steps = source.whole(root, "total_steps", 0, most);
  auto& info = metadata.info;
  if (metadata.own) {
    info = own_info(source, root["dreamscope"]);
  } else {
    read_foreign_spaces(file, source, no_pictures, info, metadata.layout);
    info.environment = source.text_or(root, "dataset_id", "unknown");
    info.policy = source.text_or(root, "algorithm_name", "unknown");
    if (const auto text = source.text_or(root, "env_spec", ""); !text.empty()) {
      const CheckedJson spec(file + ", 'env_spec'", text);
      info.environment = spec.text_or(spec.root(), "id", info.environment);
      if (const auto& limit = spec.root(); limit.contains("max_episode_steps") && limit["max_episode_steps"].is_number_integer())
        info.spaces.max_episode_steps = static_cast<int>(spec.whole(limit, "max_episode_steps", 0, std::numeric_limits<int>::max()));
    }
  }
  check_spaces(info.spaces, file);
  if (metadata.own) metadata.layout = layout_of(info.spaces);
  return metadata;
}

std::string metadata_before(const std::filesystem::path& dataset) {
  std::error_code code;
  const std::filesystem::path path = metadata_file(dataset);
  return std::filesystem::exists(path, code) ? read_text_file(path, max_metadata) : "";
}

std::string metadata_text(const Metadata& metadata, double megabytes, const std::string& before) {
  const DatasetInfo& info = metadata.info;
  json root = before.empty() ? json::object() : CheckedJson("The dataset's metadata.json", before).root();
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
