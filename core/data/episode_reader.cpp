#include "core/data/episode_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "core/data/encoded_image.h"

namespace dream {
namespace {

using Array = Hdf5Reader::Array;

constexpr std::uint64_t block_rows = 256;  // frames that are unpacked at a time
constexpr std::uint64_t no_lane = ~std::uint64_t{0}, most_lanes = 4096;

/// The arrays of one episode, opened and with shapes that agree.
struct Arrays {
  Hdf5Id group, observations, infos;
  Array image, vector, actions, rewards, terminations, truncations;
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

void check_image(const Hdf5Reader& file, const Array& image, const Spaces& spaces, std::uint64_t frames) {
  if (file.is_byte_sequences(image) || (file.is_bytes(image) && image.shape.size() == 2)) {
    // Encoded pictures, one per row: Minari's way since 0.5.3. Rows of a fixed length may be padded.
    if (image.shape[0] != frames) {
      file.fail(image.name, "it has " + std::to_string(image.shape[0]) + " frames, and " + std::to_string(frames) +
                                " were expected (one more than rewards)");
    }
    return;
  }
  if (!file.is_bytes(image)) file.fail(image.name, "pictures of unsigned bytes were expected");
  const auto h = static_cast<std::uint64_t>(spaces.image_height), w = static_cast<std::uint64_t>(spaces.image_width),
             c = static_cast<std::uint64_t>(spaces.image_channels);
  if (c == 1) {
    expect(file, image, {{frames, h, w}, {frames, h, w, c}});
  } else {
    expect(file, image, {{frames, h, w, c}});
  }
}

Arrays open_arrays(const Hdf5Reader& file, const std::string& name, const minari::Metadata& metadata) {
  Arrays arrays;
  arrays.group = file.group(name);
  const Spaces& spaces = metadata.info.spaces;
  arrays.rewards = file.child_array(arrays.group, "rewards", name);
  if (arrays.rewards.shape.size() != 1) file.fail(arrays.rewards.name, "one number per step was expected");
  arrays.steps = arrays.rewards.shape[0];
  if (arrays.steps == 0) file.fail(arrays.rewards.name, "the episode has no steps");
  const std::uint64_t frames = arrays.steps + 1;
  if (file.attribute(arrays.group, "total_steps", arrays.steps) != arrays.steps) {
    file.fail(name, "the attribute 'total_steps' differs from the " + std::to_string(arrays.steps) + " rewards");
  }
  arrays.seed = file.attribute(arrays.group, "seed", 0);
  if (const auto lane = file.attribute(arrays.group, "lane", no_lane); metadata.own && lane != no_lane) {
    if (lane >= most_lanes) file.fail(name, "the attribute 'lane' must be below " + std::to_string(most_lanes));
    arrays.lane = static_cast<int>(lane);
  }

  arrays.terminations = file.child_array(arrays.group, "terminations", name);
  expect(file, arrays.terminations, {{arrays.steps}});
  arrays.truncations = file.child_array(arrays.group, "truncations", name);
  expect(file, arrays.truncations, {{arrays.steps}});

  arrays.actions = file.child_array(arrays.group, "actions", name);
  const std::uint64_t size = spaces.action.size();
  if (size == 1) {
    expect(file, arrays.actions, {{arrays.steps}, {arrays.steps, 1}});
  } else {
    expect(file, arrays.actions, {{arrays.steps, size}});
  }

  hid_t parent = arrays.group;
  std::string parent_name = name, image_key = "observations", vector_key = "observations";
  if (metadata.layout.dictionary) {
    arrays.observations = file.child_group(arrays.group, "observations", name);
    parent = arrays.observations;
    parent_name += "/observations";
    image_key = metadata.layout.image_key;
    vector_key = metadata.layout.vector_key;
  }
  if (spaces.image_bytes() > 0) {
    arrays.image = file.child_array(parent, image_key, parent_name);
    check_image(file, arrays.image, spaces, frames);
  }
  if (!spaces.vector_names.empty()) {
    arrays.vector = file.child_array(parent, vector_key, parent_name);
    expect(file, arrays.vector, {{frames, spaces.vector_names.size()}});
  }
  // What other programs keep there may be anything; ours are columns.
  if (metadata.own && file.has(arrays.group, "infos")) {
    arrays.infos = file.child_group(arrays.group, "infos", name);
    for (const auto& column : file.child_names(arrays.infos, name + "/infos", most_columns)) {
      if (!is_column_name(column)) file.fail(name + "/infos", "the name of an entry is unusable");
      auto array = file.child_array(arrays.infos, column, name + "/infos");
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

std::vector<float> read_actions(const Hdf5Reader& file, const Array& array, const ActionSpace& space) {
  std::vector<float> actions = read_finite(file, array);
  if (space.discrete()) {
    const auto choices = static_cast<float>(space.choices.size());
    for (const float a : actions) {
      if (a < 0 || a >= choices || a != std::floor(a)) {
        file.fail(array.name, "an action that is none of the " + std::to_string(space.choices.size()) + " choices");
      }
    }
  }
  return actions;
}

std::vector<std::uint8_t> read_frames(const Hdf5Reader& file, const Array& image, const Spaces& spaces) {
  const std::uint64_t frames = image.shape[0];
  const std::size_t bytes = spaces.image_bytes();
  const std::string header = minari::frame_header(spaces);
  std::vector<std::uint8_t> out;
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
    out.resize(frames * bytes);
    for (std::size_t i = 0; i < rows.size(); ++i) decode(rows[i].data(), rows[i].size(), i);
    return out;
  }
  out.resize(frames * bytes);
  const bool encoded = image.shape.size() == 2;
  const std::size_t row_bytes = encoded ? image.shape[1] : bytes;
  std::vector<std::uint8_t> block(encoded ? std::min(frames, block_rows) * row_bytes : 0);
  for (std::uint64_t first = 0; first < frames; first += block_rows) {
    const std::uint64_t count = std::min(block_rows, frames - first);
    file.read_bytes(image, first, count, encoded ? block.data() : out.data() + first * bytes);
    if (!encoded) continue;
    for (std::uint64_t i = 0; i < count; ++i) decode(block.data() + i * row_bytes, row_bytes, first + i);
  }
  return out;
}

}  // namespace

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
    episode.frames = read_frames(file, arrays.image, spaces);
  }
  if (!spaces.vector_names.empty()) {
    episode.vector_size = static_cast<int>(spaces.vector_names.size());
    episode.vectors = read_finite(file, arrays.vector);
  }
  episode.actions = read_actions(file, arrays.actions, spaces.action);
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
