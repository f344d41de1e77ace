#include "core/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/data/encoded_image.h"
#include "core/data/hdf5_file.h"
#include "core/data/minari.h"

namespace dream {
namespace {

using Array = Hdf5Reader::Array;

constexpr std::uint64_t block_rows = 256;  // frames that are unpacked at a time

/// The arrays of one episode, opened and with shapes that agree.
struct Arrays {
  Hdf5Id group, observations;
  Array image, vector, actions, rewards, terminations, truncations;
  std::uint64_t steps = 0, seed = 0;
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

/// Runs `action`; what the standard library or HDF5's limits throw becomes a sentence about `path`.
template <typename Action>
auto guarded(const std::filesystem::path& path, Action action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    throw Error("'" + path.string() + "' does not fit into the memory.");
  } catch (const std::length_error&) {
    throw Error("'" + path.string() + "' does not fit into the memory.");
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("'" + path.string() + "' cannot be read: " + error.code().message() + ".");
  }
}

}  // namespace

struct Dataset::Parts {
  struct Place {
    std::filesystem::path file;
    std::string group;
  };
  std::filesystem::path directory;
  minari::Metadata metadata;
  std::vector<Place> places;
  std::int64_t steps = 0;
  std::size_t inside_main = 0;

  void find_places();
  std::optional<Place> place_in_main(const Hdf5Reader& main, std::size_t index) const;
  void count_steps();
};

std::optional<Dataset::Parts::Place> Dataset::Parts::place_in_main(const Hdf5Reader& main, std::size_t index) const {
  const std::string name = minari::episode_name(index);
  switch (main.link(name)) {
    case Hdf5Reader::Link::none:
      return std::nullopt;
    case Hdf5Reader::Link::hard:
      return Place{minari::main_file(directory), name};
    case Hdf5Reader::Link::external: {
      // A link may lead to another file of the dataset, and nowhere else on this machine.
      auto [file, object] = main.external_target(name);
      const std::filesystem::path target(file);
      const bool outside = target.is_absolute() || std::find(target.begin(), target.end(), "..") != target.end();
      if (outside || target.empty()) main.fail(name, "its link leads out of the dataset, to '" + file + "'");
      if (!object.empty() && object[0] == '/') object.erase(0, 1);
      if (object.empty() || object.find('/') != std::string::npos) {
        main.fail(name, "its link leads to '" + object + "'; a group at the top of the file was expected");
      }
      return Place{minari::data_folder(directory) / target, object};
    }
    case Hdf5Reader::Link::other:
      break;
  }
  main.fail(name, "a link that this program does not follow");
}

void Dataset::Parts::find_places() {
  std::optional<Hdf5Reader> main;
  std::error_code code;
  const bool own_files = std::filesystem::exists(minari::episode_file(directory, 0), code);
  const std::filesystem::path main_file = minari::main_file(directory);
  if (!metadata.own || std::filesystem::exists(main_file, code)) {
    try {
      main.emplace(main_file);
    } catch (const Error&) {
      // Our own index is made from the episodes' files; they suffice.
      if (!own_files) throw;
    }
  }
  for (std::size_t i = 0;; ++i) {
    const std::filesystem::path own = minari::episode_file(directory, i);
    if (std::filesystem::exists(own, code)) {
      places.push_back({own, minari::episode_name(i)});
      continue;
    }
    std::optional<Place> place = main ? place_in_main(*main, i) : std::nullopt;
    if (!place) break;
    if (place->file == main_file) ++inside_main;
    places.push_back(std::move(*place));
  }
  if (places.size() < metadata.episodes) {
    throw Error("'" + directory.string() + "': " + minari::episode_name(places.size()) +
                " is missing; metadata.json says " + std::to_string(metadata.episodes) + " episodes.");
  }
}

void Dataset::Parts::count_steps() {
  std::optional<Hdf5Reader> file;
  for (std::size_t i = 0; i < places.size(); ++i) {
    try {
      if (!file || file->path() != places[i].file) file.emplace(places[i].file);
      steps += static_cast<std::int64_t>(open_arrays(*file, places[i].group, metadata).steps);
    } catch (const Error&) {
      // Beyond what metadata.json counts lies what a crash of the program that wrote the one big file left behind.
      const bool tail = i >= metadata.episodes && places[i].file == minari::main_file(directory);
      if (!tail) throw;
      places.resize(i);
    }
  }
}

Dataset::Dataset(const std::filesystem::path& directory) : parts_(std::make_unique<Parts>()) {
  guarded(directory, [&] {
    parts_->directory = directory;
    parts_->metadata = minari::read_metadata(directory);
    const Hdf5Access access;
    parts_->find_places();
    parts_->count_steps();
  });
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

const DatasetInfo& Dataset::info() const {
  return parts_->metadata.info;
}
std::size_t Dataset::episodes() const {
  return parts_->places.size();
}
std::int64_t Dataset::steps() const {
  return parts_->steps;
}
bool Dataset::appendable() const {
  return parts_->metadata.own && parts_->inside_main == 0;
}

Episode Dataset::read(std::size_t index) const {
  if (index >= parts_->places.size()) {
    throw Error("'" + parts_->directory.string() + "' has no episode " + std::to_string(index) + "; it holds " +
                std::to_string(parts_->places.size()) + ".");
  }
  const Parts::Place& place = parts_->places[index];
  return guarded(place.file, [&] {
    const Hdf5Access access;
    const Hdf5Reader file(place.file);
    const Arrays arrays = open_arrays(file, place.group, parts_->metadata);
    const Spaces& spaces = parts_->metadata.info.spaces;
    Episode episode;
    episode.seed = arrays.seed;
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
    return episode;
  });
}

}  // namespace dream
