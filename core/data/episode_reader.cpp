#include "core/data/episode_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/data/encoded_image.h"

namespace dream {
namespace {

using Array = Hdf5Reader::Array;

constexpr std::uint64_t block_rows = 256;  // frames that are unpacked at a time
constexpr float most_outside = 0.1f;       // of a picture's range, which what has been resized may pass
constexpr std::uint64_t no_lane = ~std::uint64_t{0}, most_lanes = 4096;

/// The arrays of one episode, opened and with shapes that agree.
struct Arrays {
  std::vector<Hdf5Id> groups;  // that lead to them
  Array image, rewards, terminations, truncations;
  std::vector<Array> vector, actions;  // of the layout's parts
  std::map<std::string, Array> extra;
  std::uint64_t steps = 0, seed = 0;
  int lane = -1;
};

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

void expect(const Hdf5Reader& file, const Array& array, const std::vector<std::vector<std::uint64_t>>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), array.shape) != allowed.end()) return;
  std::string text;
  for (const auto& shape : allowed) text += (text.empty() ? "" : " or ") + shape_text(shape);
  file.fail(array.name, "its shape is " + shape_text(array.shape) + ", and " + text + " was expected");
}

/// Encoded pictures, one per row: Minari's way since 0.5.3. Rows of a fixed length may be padded.
bool is_encoded(const Hdf5Reader& file, const Array& image, const minari::Part& part) {
  if (file.is_byte_sequences(image)) return true;
  const bool flat = part.shape.size() == 1;
  return file.is_bytes(image) && image.shape.size() == 2 && !flat;
}

/// `rows` of a part, which may have left away axes of one.
void check_rows(const Hdf5Reader& file, const Array& array, const minari::Part& part, std::uint64_t rows) {
  std::vector<std::vector<std::uint64_t>> allowed = {{rows}};
  allowed[0].insert(allowed[0].end(), part.shape.begin(), part.shape.end());
  if (!part.shape.empty() && part.shape.back() == 1) allowed.emplace_back(allowed[0].begin(), allowed[0].end() - 1);
  if (part.shape.empty() || part.kind == minari::Part::Kind::picture) {
    allowed.push_back(allowed[0]);
    allowed.back().push_back(1);
  }
  expect(file, array, allowed);
}

void check_image(const Hdf5Reader& file, const Array& image, const minari::Part& part, std::uint64_t frames) {
  if (is_encoded(file, image, part)) {
    if (image.shape[0] != frames) {
      file.fail(image.name, "it has " + std::to_string(image.shape[0]) + " frames, and " + std::to_string(frames) +
                                " were expected (one more than rewards)");
    }
    return;
  }
  if (!file.is_bytes(image) && !(part.floats && (image.type_class == H5T_FLOAT || image.type_class == H5T_INTEGER))) {
    file.fail(image.name, part.floats ? "pictures of numbers were expected" : "pictures of unsigned bytes were expected");
  }
  check_rows(file, image, part, frames);
}

/// What lies at a part's path below `name` of the episode.
Array open_part(const Hdf5Reader& file, Arrays& arrays, const std::string& episode, const std::string& name,
                const minari::Part& part) {
  hid_t parent = arrays.groups.front();
  std::string parent_name = episode, last = name;
  for (const auto& step : part.path) {
    arrays.groups.push_back(file.child_group(parent, last, parent_name));
    parent = arrays.groups.back();
    parent_name += "/" + last;
    last = step;
  }
  return file.child_array(parent, last, parent_name);
}

Arrays open_arrays(const Hdf5Reader& file, const std::string& name, const minari::Metadata& metadata) {
  Arrays arrays;
  arrays.groups.push_back(file.group(name));
  const hid_t group = arrays.groups.front();
  arrays.rewards = file.child_array(group, "rewards", name);
  if (arrays.rewards.shape.size() != 1) file.fail(arrays.rewards.name, "one number per step was expected");
  arrays.steps = arrays.rewards.shape[0];
  if (arrays.steps == 0) file.fail(arrays.rewards.name, "the episode has no steps");
  const std::uint64_t frames = arrays.steps + 1;
  if (file.attribute(group, "total_steps", arrays.steps) != arrays.steps) {
    file.fail(name, "the attribute 'total_steps' differs from the " + std::to_string(arrays.steps) + " rewards");
  }
  arrays.seed = file.attribute(group, "seed", 0);
  if (const auto lane = file.attribute(group, "lane", no_lane); metadata.own && lane != no_lane) {
    if (lane >= most_lanes) file.fail(name, "the attribute 'lane' must be below " + std::to_string(most_lanes));
    arrays.lane = static_cast<int>(lane);
  }

  arrays.terminations = file.child_array(group, "terminations", name);
  expect(file, arrays.terminations, {{arrays.steps}});
  arrays.truncations = file.child_array(group, "truncations", name);
  expect(file, arrays.truncations, {{arrays.steps}});

  for (const auto& part : metadata.layout.action) {
    arrays.actions.push_back(open_part(file, arrays, name, "actions", part));
    check_rows(file, arrays.actions.back(), part, arrays.steps);
  }
  if (const auto& picture = metadata.layout.picture) {
    arrays.image = open_part(file, arrays, name, "observations", *picture);
    check_image(file, arrays.image, *picture, frames);
  }
  for (const auto& part : metadata.layout.vector) {
    arrays.vector.push_back(open_part(file, arrays, name, "observations", part));
    check_rows(file, arrays.vector.back(), part, frames);
  }
  // What other programs keep there may be anything; ours are columns.
  if (metadata.own && file.has(group, "infos")) {
    arrays.groups.push_back(file.child_group(group, "infos", name));
    const hid_t infos = arrays.groups.back();
    for (const auto& column : file.child_names(infos, name + "/infos", most_columns)) {
      if (!is_column_name(column)) file.fail(name + "/infos", "the name of an entry is unusable");
      auto array = file.child_array(infos, column, name + "/infos");
      const auto& shape = array.shape;
      if (shape.size() != 2 || (shape[0] != arrays.steps && shape[0] != frames) || shape[1] < 1 ||
          shape[1] > most_column_width) {
        file.fail(array.name, "its shape is " + shape_text(shape) + ", and " + std::to_string(arrays.steps) + " or " +
                                  std::to_string(frames) + " rows of numbers were expected");
      }
      arrays.extra.emplace(column, std::move(array));
    }
  }
  return arrays;
}

std::vector<float> read_finite(const Hdf5Reader& file, const Array& array) {
  std::vector<float> values = file.read_floats(array);
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    file.fail(array.name, "it holds a number that is not finite");
  }
  return values;
}

/// The digit of a choice, from 0.
std::int64_t digit(const Hdf5Reader& file, const Array& array, const minari::Part& part, std::size_t place, float value) {
  const auto n = part.choices[place];
  const double from_zero = static_cast<double>(value) - static_cast<double>(part.starts[place]);
  if (from_zero < 0 || from_zero >= static_cast<double>(n) || from_zero != std::floor(from_zero))
    file.fail(array.name, "it holds a number that is none of the " + std::to_string(n) + " choices");
  return static_cast<std::int64_t>(from_zero);
}

/// Puts the numbers of a part into `rows` [T, total] from column `at` on.
void read_part(const Hdf5Reader& file, const Array& array, const minari::Part& part, std::size_t at, std::size_t total,
               std::vector<float>& rows) {
  const auto values = read_finite(file, array);
  const auto given = part.count(), width = part.width();
  for (std::size_t t = 0; t * total < rows.size(); ++t) {
    const float* const from = values.data() + t * given;
    float* const to = rows.data() + t * total + at;
    switch (part.kind) {
      case minari::Part::Kind::index: {
        auto index = static_cast<std::int64_t>(*to);  // what parts that are joined to it have counted
        for (std::size_t i = 0; i < given; ++i) index = index * part.choices[i] + digit(file, array, part, i, from[i]);
        *to = static_cast<float>(index);
        break;
      }
      case minari::Part::Kind::one_hot:
        for (std::int64_t i = 0, first = 0; i < std::ssize(part.choices); first += part.choices[static_cast<std::size_t>(i++)])
          to[first + digit(file, array, part, static_cast<std::size_t>(i), from[i])] = 1;
        break;
      default:
        std::copy_n(from, width, to);
    }
  }
}

std::vector<float> read_parts(const Hdf5Reader& file, const std::vector<Array>& arrays, const std::vector<minari::Part>& parts,
                              std::size_t rows, std::size_t total) {
  std::vector<float> values(rows * total, 0.0f);
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); at += parts[i++].width()) read_part(file, arrays[i], parts[i], at, total, values);
  return values;
}

std::vector<std::uint8_t> read_encoded(const Hdf5Reader& file, const Array& image, const Spaces& spaces) {
  const std::uint64_t frames = image.shape[0];
  const std::size_t bytes = spaces.image_bytes();
  const std::string header = minari::frame_header(spaces);
  std::vector<std::uint8_t> out(frames * bytes);
  const auto decode = [&](const std::uint8_t* row, std::size_t size, std::size_t index) {
    std::uint8_t* const place = out.data() + index * bytes;
    if (size == header.size() + bytes && std::memcmp(row, header.data(), header.size()) == 0) {
      std::memcpy(place, row + header.size(), bytes);  // ours
      return;
    }
    const std::string problem =
        decode_image({row, size}, spaces.image_width, spaces.image_height, spaces.image_channels, {place, bytes});
    if (!problem.empty()) file.fail(image.name, "frame " + std::to_string(index) + ": " + problem);
  };
  if (file.is_byte_sequences(image)) {
    const std::vector<std::vector<std::uint8_t>> rows = file.read_sequences(image);
    for (std::size_t i = 0; i < rows.size(); ++i) decode(rows[i].data(), rows[i].size(), i);
    return out;
  }
  const std::size_t row_bytes = image.shape[1];
  std::vector<std::uint8_t> block(std::min(frames, block_rows) * row_bytes);
  for (std::uint64_t first = 0; first < frames; first += block_rows) {
    const std::uint64_t count = std::min(block_rows, frames - first);
    file.read_bytes(image, first, count, block.data());
    for (std::uint64_t i = 0; i < count; ++i) decode(block.data() + i * row_bytes, row_bytes, first + i);
  }
  return out;
}

std::vector<std::uint8_t> read_frames(const Hdf5Reader& file, const Array& image, const minari::Part& part,
                                      const Spaces& spaces) {
  if (is_encoded(file, image, part)) return read_encoded(file, image, spaces);
  const std::uint64_t frames = image.shape[0];
  const std::size_t bytes = spaces.image_bytes(), stored = part.count();
  std::vector<std::uint8_t> out(frames * bytes);
  if (!file.is_bytes(image)) {
    const auto values = read_finite(file, image);
    const auto [black, white] = part.greys;
    const float range = white - black, scale = 255 / range;
    const auto outside = std::ranges::find_if(values, [&, black = black](float v) { return std::abs(v - (black + range / 2)) > range * (0.5f + most_outside); });
    if (outside != values.end()) {
      file.fail(image.name, "it holds " + number_text(double{*outside}) + ", and a picture's numbers from " + range_of(part.greys) + " were expected, as " +
                                (part.bounded ? "'observation_space' says" : "the first episode's are"));
    }
    for (std::uint64_t i = 0; i < frames; ++i) {
      take_pixels(values.data() + i * stored, part.pixels, out.data() + i * bytes, [&, black = black](float v) {
        return static_cast<std::uint8_t>(std::lround(std::clamp((v - black) * scale, 0.0f, 255.0f)));
      });
    }
    return out;
  }
  const bool whole = stored == bytes && !part.pixels.channels_first;
  std::vector<std::uint8_t> block(whole ? 0 : std::min(frames, block_rows) * stored);
  for (std::uint64_t first = 0; first < frames; first += block_rows) {
    const std::uint64_t count = std::min(block_rows, frames - first);
    file.read_bytes(image, first, count, whole ? out.data() + first * bytes : block.data());
    for (std::uint64_t i = 0; !whole && i < count; ++i)
      take_pixels(block.data() + i * stored, part.pixels, out.data() + (first + i) * bytes, [](std::uint8_t v) { return v; });
  }
  return out;
}

}  // namespace

FoundGreys read_greys(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata) {
  const auto arrays = open_arrays(file, group, metadata);
  const auto& image = arrays.image;
  FoundGreys found{.greys = Greys(), .array = image.name, .why = ""};
  if (file.is_bytes(image) || file.is_byte_sequences(image)) return found;
  const auto values = file.read_floats(image);
  if (found.greys = greys_of(values, image.type_class == H5T_FLOAT); found.greys) return found;
  const bool finite = std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
  const auto [low, high] = std::ranges::minmax(values);
  found.why = (finite ? "its numbers go from " + range_of({low, high}) : "it holds a number that is not finite") +
              ", and 'observation_space' has no bounds for them; from 0 to 1, from -1 to 1 or whole ones from 0 to 255 were expected";
  return found;
}

std::uint64_t read_length(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata) {
  return open_arrays(file, group, metadata).steps;
}

Episode read_episode(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata) {
  const Arrays arrays = open_arrays(file, group, metadata);
  const Spaces& spaces = metadata.info.spaces;
  Episode episode;
  episode.seed = arrays.seed;
  episode.lane = arrays.lane;
  episode.action_size = static_cast<int>(spaces.action.size());
  if (spaces.image_bytes() > 0) {
    episode.height = spaces.image_height;
    episode.width = spaces.image_width;
    episode.channels = spaces.image_channels;
    episode.frames = read_frames(file, arrays.image, *metadata.layout.picture, spaces);
  }
  if (const auto width = spaces.vector_names.size(); width > 0) {
    episode.vector_size = static_cast<int>(width);
    episode.vectors = read_parts(file, arrays.vector, metadata.layout.vector, arrays.steps + 1, width);
  }
  episode.actions = read_parts(file, arrays.actions, metadata.layout.action, arrays.steps, spaces.action.size());
  episode.rewards = read_finite(file, arrays.rewards);
  episode.terminated = file.read_flags(arrays.terminations);
  episode.truncated = file.read_flags(arrays.truncations);
  for (const auto& [name, array] : arrays.extra) {
    episode.extra[name] = {static_cast<std::int64_t>(array.shape[1]), array.shape[0] > arrays.steps,
                           read_finite(file, array)};
  }
  return episode;
}

}  // namespace dream
