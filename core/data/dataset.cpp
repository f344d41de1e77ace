#include "core/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/base/isolated.h"
#include "core/data/dataset_files.h"
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
  std::optional<Greys> greys;                  // of a picture without bounds
  std::vector<minari::NoPicture> no_pictures;  // what could have been one
  bool inside_main = false;  // some episodes lie in main_data.hdf5 itself, as another program writes them
  std::vector<std::string> skipped;
};

// HDF5 before 1.14 crashes or hangs on about one in five hundred damaged files of the older format, so a process of
// its own looks at the structures first. Seconds that it may take.
constexpr int read_seconds = 120, least_walk_seconds = 30, most_walk_seconds = 600, episodes_per_second = 100;
constexpr std::uintmax_t least_episode_bytes = 64;  // that one takes in main_data.hdf5, be it a link alone

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
  std::string out;
  put(out, std::vector<std::int64_t>{contents.steps, contents.inside_main, std::ssize(contents.places), std::ssize(contents.no_pictures)});
  put(out, contents.greys ? std::vector{contents.greys->black, contents.greys->white} : std::vector<float>());
  const auto text = [&](const std::string& t) { put(out, std::vector<char>(t.begin(), t.end())); };
  for (const Place& place : contents.places) text(place.file), text(place.group);
  for (const auto& part : contents.no_pictures) text(part.name), text(part.why);
  for (const auto& sentence : contents.skipped) text(sentence);
  return out;
}

Contents unpacked_contents(const std::string& in) {
  Contents contents;
  std::vector<std::int64_t> sizes;
  std::size_t at = 0;
  take(in, at, sizes);
  std::vector<float> greys;
  take(in, at, greys);
  if (sizes.size() != 4 || greys.size() == 1) throw Error("A dataset's list of episodes came back incomplete.");
  if (greys.size() == 2) contents.greys = {greys[0], greys[1]};
  const auto text = [&] {
    std::vector<char> t;
    take(in, at, t);
    return std::string(t.begin(), t.end());
  };
  contents.steps = sizes[0], contents.inside_main = sizes[1] != 0;
  for (std::int64_t i = 0; i < sizes[2]; ++i) {
    auto file = text();
    contents.places.push_back({std::move(file), text()});
  }
  for (std::int64_t i = 0; i < sizes[3]; ++i) {
    auto name = text();
    contents.no_pictures.push_back({std::move(name), text()});
  }
  while (at < in.size()) contents.skipped.push_back(text());
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

void find_places(const std::filesystem::path& directory, const minari::Metadata& metadata, Damage damage,
                 Contents& contents) {
  std::optional<Hdf5Reader> main;
  std::set<std::uint64_t> numbers;  // of the episodes that are there; metadata.json may promise any
  std::error_code code;
  const std::filesystem::path main_file = minari::main_file(directory);
  if (!metadata.own || std::filesystem::exists(main_file, code)) {
    try {
      main.emplace(main_file);
      for (const auto number : main->numbered("episode_")) numbers.insert(number);
    } catch (const Error&) {
      // Our own index is made from the episodes' files; they suffice.
      if (!std::filesystem::exists(minari::episode_file(directory, 0), code)) throw;
      main.reset();
    }
  }
  for (const auto number : minari::episode_files(directory)) numbers.insert(number);
  std::uint64_t missing = 0, next = 0;
  std::optional<std::uint64_t> first_missing;
  for (const auto i : numbers) {
    if (i != next && i >= metadata.episodes) break;  // what follows a hole there is no one's
    if (i != next) missing += i - next, first_missing = first_missing.value_or(next);
    next = i + 1;
    if (std::filesystem::exists(minari::episode_file(directory, i), code)) {
      contents.places.push_back({minari::episode_link(i), minari::episode_name(i)});
    } else if (auto place = main ? place_in_main(*main, i) : std::nullopt) {
      contents.inside_main = contents.inside_main || place->file == main_name;
      contents.places.push_back(std::move(*place));
    }
  }
  if (next < metadata.episodes) missing += metadata.episodes - next, first_missing = first_missing.value_or(next);
  if (missing == 0) return;
  const std::string text = "'" + directory.string() + "': " + minari::episode_name(*first_missing) + " is missing" +
                           (missing > 1 ? ", and " + std::to_string(missing - 1) + " more" : "") + "; metadata.json, 'total_episodes', says " +
                           std::to_string(metadata.episodes) + ", and " + std::to_string(contents.places.size()) + " are there.";
  if (damage == Damage::refuse) throw Error(text);
  contents.skipped.push_back(text);
}

void count_steps(const std::filesystem::path& directory, const minari::Metadata& metadata, Damage damage,
                 Contents& contents) {
  std::optional<Hdf5Reader> file;
  std::vector<Place> whole;
  for (std::size_t i = 0; i < contents.places.size(); ++i) {
    const Place& place = contents.places[i];
    const std::filesystem::path path = minari::data_folder(directory) / place.file;
    try {
      if (!file || file->path() != path) file.emplace(path);
      contents.steps += static_cast<std::int64_t>(read_length(*file, place.group, metadata));
      whole.push_back(place);
    } catch (const Error& error) {
      // Beyond what metadata.json counts lies what a crash of the program that wrote the one big file left behind.
      if (i >= metadata.episodes && metadata.episodes > 0 && place.file == main_name) break;
      if (damage == Damage::refuse) throw;
      contents.skipped.emplace_back(error.what());
    }
  }
  contents.places = std::move(whole);
}

/// What is black and white in a picture whose space does not say: by the first episode that can be read. A part with other numbers is no
/// picture, and an error where no other part serves.
void find_greys(const std::filesystem::path& directory, minari::Metadata metadata, Damage damage, Contents& contents) {
  const auto& picture = metadata.layout.picture;
  for (const Place& place : contents.places) {
    try {
      const Hdf5Reader file(minari::data_folder(directory) / place.file);
      while (picture && !picture->bounded) {
        auto found = read_greys(file, place.group, metadata);
        contents.greys = found.greys;
        if (found.greys) return;
        auto others = contents.no_pictures;
        others.push_back({picture->name(), found.why});
        try {
          metadata = minari::read_metadata(directory, others);
        } catch (const Error&) {
          file.fail(found.array, found.why);
        }
        contents.no_pictures = std::move(others);
      }
      return;
    } catch (const Error&) {
      if (damage == Damage::refuse || &place == &contents.places.back()) throw;
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

namespace {

/// Minari's layout.
class MinariFiles : public DatasetFiles {
 public:
  MinariFiles(const std::filesystem::path& path, Damage damage);
  Episode read(std::size_t index) const override;

 private:
  std::filesystem::path directory_;
  minari::Metadata metadata_;
  std::vector<Place> places_;
};

MinariFiles::MinariFiles(const std::filesystem::path& path, Damage damage) : directory_(minari::dataset_folder(path)) {
  metadata_ = guarded(directory_, [&] { return minari::read_metadata(directory_); });
  std::error_code code;
  const auto bytes = std::filesystem::file_size(minari::main_file(directory_), code);
  const std::size_t most = (code ? 0 : bytes / least_episode_bytes) + minari::episode_files(directory_).size();
  const std::size_t seconds = least_walk_seconds + std::min(metadata_.episodes, most) / episodes_per_second;
  const Hdf5Access access;  // held across the fork, so that the copy finds the library at rest
  auto contents = unpacked_contents(run_isolated(
      "'" + directory_.string() + "'", static_cast<int>(std::min<std::size_t>(seconds, most_walk_seconds)), [&] {
        return guarded(directory_, [&] {
          Contents found;
          find_places(directory_, metadata_, damage, found);
          count_steps(directory_, metadata_, damage, found);
          find_greys(directory_, metadata_, damage, found);
          return packed(found);
        });
      }));
  if (!contents.no_pictures.empty()) metadata_ = guarded(directory_, [&] { return minari::read_metadata(directory_, contents.no_pictures); });
  places_ = std::move(contents.places);
  for (const auto& place : places_) names.push_back(place.group);
  info = metadata_.info;
  steps = contents.steps;
  appendable = metadata_.own && !contents.inside_main;
  skipped = std::move(contents.skipped);
  left_out = metadata_.layout.left_out;
  if (!contents.greys) return;
  auto& picture = *metadata_.layout.picture;
  picture.greys = *contents.greys;
  left_out.push_back((picture.path.empty() ? "" : picture.name() + ": ") + "what is finer than 8 bits, of its numbers from " + range_of(picture.greys) +
                     ", as those of the first episode are: no bounds are declared");
}

Episode MinariFiles::read(std::size_t index) const {
  const Place& place = places_[index];
  const std::filesystem::path path = minari::data_folder(directory_) / place.file;
  const auto read = [&] { return guarded(path, [&] { return read_episode(Hdf5Reader(path), place.group, metadata_); }); };
  const Hdf5Access access;
  // The structures of our own files carry checksums and have been looked at; what is left are numbers.
  if (appendable) return read();
  return unpacked(run_isolated("'" + path.string() + "'", read_seconds, [&] { return packed(read()); }));
}

}  // namespace

struct Dataset::Parts {
  std::filesystem::path path;
  std::unique_ptr<DatasetFiles> files;
};

Dataset::Dataset(const std::filesystem::path& path, Damage damage) : parts_(std::make_unique<Parts>()) {
  parts_->path = path;
  if (is_npz(path)) {
    parts_->files = guarded(path, [&] { return open_npz(path, damage); });
  } else if (!minari::is_dataset(path) && is_video(path)) {
    parts_->files = guarded(path, [&] { return open_videos(path, damage); });
  } else {
    parts_->files = std::make_unique<MinariFiles>(path, damage);
  }
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

bool is_dataset(const std::filesystem::path& path) {
  return is_npz(path) || minari::is_dataset(path) || is_video(path);
}

const DatasetInfo& Dataset::info() const {
  return parts_->files->info;
}
std::size_t Dataset::episodes() const {
  return parts_->files->names.size();
}
std::int64_t Dataset::steps() const {
  return parts_->files->steps;
}
const std::vector<std::string>& Dataset::skipped() const {
  return parts_->files->skipped;
}
const std::vector<std::string>& Dataset::left_out() const {
  return parts_->files->left_out;
}
const std::string& Dataset::name(std::size_t index) const {
  return parts_->files->names.at(index);
}
bool Dataset::appendable() const {
  return parts_->files->appendable;
}

Episode Dataset::read(std::size_t index) const {
  if (index >= episodes()) {
    throw Error("'" + parts_->path.string() + "' has no episode " + std::to_string(index) + "; it holds " +
                std::to_string(episodes()) + ".");
  }
  return guarded(parts_->path, [&] { return parts_->files->read(index); });
}

}  // namespace dream
