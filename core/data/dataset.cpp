#include "core/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/base/isolated.h"
#include "core/data/episode_reader.h"
#include "core/data/hdf5_file.h"
#include "core/data/minari.h"

namespace dream {
namespace {

/// Where an episode lies: a file below the data folder and a group in it.
struct Place {
  std::string file;
  std::string group;
};

/// What a dataset's files hold.
struct Contents {
  std::vector<Place> places;
  std::int64_t steps = 0;
  bool inside_main = false;  // some episodes lie in main_data.hdf5 itself, as another program writes them
};

// HDF5 before 1.14 crashes or hangs on about one in five hundred damaged files of the older format, so a process of
// its own looks at the structures first. Seconds that it may take.
constexpr int read_seconds = 120, least_walk_seconds = 30, most_walk_seconds = 600, episodes_per_second = 100;

// -- values on their way from that process --------------------------------------------------------------------------

template <typename T>
void put(std::string& out, const std::vector<T>& values) {
  const std::uint64_t count = values.size();
  out.append(reinterpret_cast<const char*>(&count), sizeof count);
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
void take(const std::string& in, std::size_t& at, std::vector<T>& values) {
  std::uint64_t count = 0;
  if (in.size() - at < sizeof count) throw Error("An episode came back incomplete.");
  std::memcpy(&count, in.data() + at, sizeof count);
  at += sizeof count;
  if (count > (in.size() - at) / sizeof(T)) throw Error("An episode came back incomplete.");
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), in.data() + at, count * sizeof(T));
  at += count * sizeof(T);
}

std::string packed(const Episode& e) {
  std::string out;
  out.reserve(e.bytes() + 256);
  put(out, std::vector<std::uint64_t>{e.seed});
  put(out, std::vector<int>{e.height, e.width, e.channels, e.action_size, e.vector_size, e.lane});
  put(out, e.frames);
  put(out, e.vectors);
  put(out, e.actions);
  put(out, e.rewards);
  put(out, e.terminated);
  put(out, e.truncated);
  put(out, std::vector<std::uint64_t>{e.extra.size()});
  for (const auto& [name, column] : e.extra) {
    put(out, std::vector<char>(name.begin(), name.end()));
    put(out, std::vector<std::int64_t>{column.width, column.per_frame});
    put(out, column.values);
  }
  return out;
}

Episode unpacked(const std::string& in) {
  Episode e;
  std::size_t at = 0;
  std::vector<std::uint64_t> seed;
  std::vector<int> sizes;
  take(in, at, seed);
  take(in, at, sizes);
  if (seed.size() != 1 || sizes.size() != 6) throw Error("An episode came back incomplete.");
  e.seed = seed[0];
  e.height = sizes[0];
  e.width = sizes[1];
  e.channels = sizes[2];
  e.action_size = sizes[3];
  e.vector_size = sizes[4];
  e.lane = sizes[5];
  take(in, at, e.frames);
  take(in, at, e.vectors);
  take(in, at, e.actions);
  take(in, at, e.rewards);
  take(in, at, e.terminated);
  take(in, at, e.truncated);
  std::vector<std::uint64_t> columns;
  take(in, at, columns);
  for (std::uint64_t i = 0; i < columns.at(0); ++i) {
    std::vector<char> name;
    std::vector<std::int64_t> shape;
    take(in, at, name);
    take(in, at, shape);
    auto& column = e.extra[std::string(name.begin(), name.end())];
    column.width = shape.at(0), column.per_frame = shape.at(1) != 0;
    take(in, at, column.values);
  }
  return e;
}

std::string packed(const Contents& contents) {
  std::string names;
  for (const Place& place : contents.places) names += place.file + '\0' + place.group + '\0';
  std::string out(reinterpret_cast<const char*>(&contents.steps), sizeof contents.steps);
  return out + (contents.inside_main ? '1' : '0') + names;
}

Contents unpacked_contents(const std::string& in) {
  Contents contents;
  if (in.size() < sizeof contents.steps + 1) throw Error("A dataset's list of episodes came back incomplete.");
  std::memcpy(&contents.steps, in.data(), sizeof contents.steps);
  contents.inside_main = in[sizeof contents.steps] == '1';
  for (std::size_t at = sizeof contents.steps + 1; at < in.size();) {
    Place place;
    place.file = in.c_str() + at;
    at += place.file.size() + 1;
    place.group = in.c_str() + at;
    at += place.group.size() + 1;
    contents.places.push_back(std::move(place));
  }
  return contents;
}

// -- what there is ---------------------------------------------------------------------------------------------------

const char* const main_name = "main_data.hdf5";

std::optional<Place> place_in_main(const Hdf5Reader& main, std::size_t index) {
  const std::string name = minari::episode_name(index);
  switch (main.link(name)) {
    case Hdf5Reader::Link::none:
      return std::nullopt;
    case Hdf5Reader::Link::hard:
      return Place{main_name, name};
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
      return Place{file, object};
    }
    case Hdf5Reader::Link::other:
      break;
  }
  main.fail(name, "a link that this program does not follow");
}

void find_places(const std::filesystem::path& directory, const minari::Metadata& metadata, Contents& contents) {
  std::optional<Hdf5Reader> main;
  std::error_code code;
  const std::filesystem::path main_file = minari::main_file(directory);
  if (!metadata.own || std::filesystem::exists(main_file, code)) {
    try {
      main.emplace(main_file);
    } catch (const Error&) {
      // Our own index is made from the episodes' files; they suffice.
      if (!std::filesystem::exists(minari::episode_file(directory, 0), code)) throw;
    }
  }
  for (std::size_t i = 0;; ++i) {
    if (std::filesystem::exists(minari::episode_file(directory, i), code)) {
      contents.places.push_back({minari::episode_link(i), minari::episode_name(i)});
      continue;
    }
    std::optional<Place> place = main ? place_in_main(*main, i) : std::nullopt;
    if (!place) break;
    contents.inside_main = contents.inside_main || place->file == main_name;
    contents.places.push_back(std::move(*place));
  }
  if (contents.places.size() < metadata.episodes) {
    throw Error("'" + directory.string() + "': " + minari::episode_name(contents.places.size()) +
                " is missing; metadata.json says " + std::to_string(metadata.episodes) + " episodes.");
  }
}

void count_steps(const std::filesystem::path& directory, const minari::Metadata& metadata, Contents& contents) {
  std::optional<Hdf5Reader> file;
  for (std::size_t i = 0; i < contents.places.size(); ++i) {
    const Place& place = contents.places[i];
    const std::filesystem::path path = minari::data_folder(directory) / place.file;
    try {
      if (!file || file->path() != path) file.emplace(path);
      contents.steps += static_cast<std::int64_t>(read_length(*file, place.group, metadata));
    } catch (const Error&) {
      // Beyond what metadata.json counts lies what a crash of the program that wrote the one big file left behind.
      if (i < metadata.episodes || place.file != main_name) throw;
      contents.places.resize(i);
    }
  }
}

/// Runs `action`; what the standard library throws becomes a sentence about `path`.
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
  std::filesystem::path directory;
  minari::Metadata metadata;
  Contents contents;
};

Dataset::Dataset(const std::filesystem::path& directory) : parts_(std::make_unique<Parts>()) {
  parts_->directory = directory;
  parts_->metadata = guarded(directory, [&] { return minari::read_metadata(directory); });
  const minari::Metadata& metadata = parts_->metadata;
  const std::size_t seconds = least_walk_seconds + metadata.episodes / episodes_per_second;
  const Hdf5Access access;  // held across the fork, so that the copy finds the library at rest
  parts_->contents = unpacked_contents(run_isolated(
      "'" + directory.string() + "'", static_cast<int>(std::min<std::size_t>(seconds, most_walk_seconds)), [&] {
        return guarded(directory, [&] {
          Contents contents;
          find_places(directory, metadata, contents);
          count_steps(directory, metadata, contents);
          return packed(contents);
        });
      }));
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

const DatasetInfo& Dataset::info() const {
  return parts_->metadata.info;
}
std::size_t Dataset::episodes() const {
  return parts_->contents.places.size();
}
std::int64_t Dataset::steps() const {
  return parts_->contents.steps;
}
bool Dataset::appendable() const {
  return parts_->metadata.own && !parts_->contents.inside_main;
}

Episode Dataset::read(std::size_t index) const {
  const Contents& contents = parts_->contents;
  if (index >= contents.places.size()) {
    throw Error("'" + parts_->directory.string() + "' has no episode " + std::to_string(index) + "; it holds " +
                std::to_string(contents.places.size()) + ".");
  }
  const Place& place = contents.places[index];
  const std::filesystem::path path = minari::data_folder(parts_->directory) / place.file;
  const auto read = [&] {
    return guarded(path, [&] { return read_episode(Hdf5Reader(path), place.group, parts_->metadata); });
  };
  const Hdf5Access access;
  // The structures of our own files carry checksums and have been looked at; what is left are numbers.
  if (appendable()) return read();
  return unpacked(run_isolated("'" + path.string() + "'", read_seconds, [&] { return packed(read()); }));
}

}  // namespace dream
