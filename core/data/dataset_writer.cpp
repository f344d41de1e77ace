#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/hdf5_file.h"
#include "core/data/held_out_label.h"
#include "core/data/minari.h"

namespace dream {
namespace {

constexpr hsize_t chunk_frames = 32;

bool same_shapes(const Spaces& a, const Spaces& b) {
  return a.image_height == b.image_height && a.image_width == b.image_width && a.image_channels == b.image_channels &&
         a.vector_names.size() == b.vector_names.size() && a.action.axes.size() == b.action.axes.size() &&
         a.action.choices.size() == b.action.choices.size();
}

void check_episode(const Episode& episode, const Spaces& spaces) {
  const auto expect = [](const char* what, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw Error(std::string("The episode's ") + what + " has " + std::to_string(found) + " values, and " +
                std::to_string(expected) + " were expected.");
  };
  const std::size_t steps = episode.length();
  if (steps == 0) throw Error("An episode without a step cannot be kept.");
  expect("'frames'", episode.frames.size(), (steps + 1) * spaces.image_bytes());
  expect("'vectors'", episode.vectors.size(), (steps + 1) * spaces.vector_names.size());
  expect("'actions'", episode.actions.size(), steps * spaces.action.size());
  expect("'terminated'", episode.terminated.size(), steps);
  expect("'truncated'", episode.truncated.size(), steps);
  const auto finite = [](const std::string& what, const std::vector<float>& values) {
    if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
    throw Error("The episode's " + what + " holds a number that is not finite.");
  };
  if (episode.extra.size() > most_columns) {
    throw Error("An episode with more than " + std::to_string(most_columns) + " columns cannot be kept.");
  }
  for (const auto& [name, column] : episode.extra) {
    const std::string what = "column '" + name + "'";
    if (!is_column_name(name)) throw Error("The episode's " + what + " must be named by letters, digits, _, - and .");
    if (column.width < 1 || column.width > static_cast<std::int64_t>(most_column_width))
      throw Error("The episode's " + what + " has rows of " + std::to_string(column.width) + " numbers.");
    expect(what.c_str(), column.values.size(), column.rows(steps) * static_cast<std::size_t>(column.width));
    finite(what, column.values);
  }
  finite("'vectors'", episode.vectors);
  finite("'actions'", episode.actions);
  finite("'rewards'", episode.rewards);
  const auto flags = [](const char* what, const std::vector<std::uint8_t>& values) {
    if (std::all_of(values.begin(), values.end(), [](std::uint8_t v) { return v <= 1; })) return;
    throw Error(std::string("The episode's ") + what + " holds a value that is neither 0 nor 1.");
  };
  flags("'terminated'", episode.terminated);
  flags("'truncated'", episode.truncated);
  if (episode.terminated.back() == 0 && episode.truncated.back() == 0) {
    throw Error("The episode's last step is neither terminated nor truncated; whatever cuts an episode truncates it.");
  }
}

/// The frames as Minari keeps them: one encoded picture per row, or the pixels themselves where they are small.
void write_frames(Hdf5Writer& file, hid_t parent, const std::string& name, const Episode& episode,
                  const Spaces& spaces) {
  const hsize_t frames = episode.length() + 1;
  const std::size_t bytes = spaces.image_bytes();
  if (!minari::encoded_frames(spaces)) {
    std::vector<hsize_t> shape = {frames, static_cast<hsize_t>(spaces.image_height),
                                  static_cast<hsize_t>(spaces.image_width)};
    if (spaces.image_channels > 1) shape.push_back(static_cast<hsize_t>(spaces.image_channels));
    file.write_array(parent, name, shape, H5T_NATIVE_UINT8, H5T_STD_U8LE, episode.frames.data(), chunk_frames);
    return;
  }
  const std::string header = minari::frame_header(spaces);
  const std::size_t row = header.size() + bytes;
  std::vector<std::uint8_t> rows(frames * row);
  for (std::size_t i = 0; i < frames; ++i) {
    std::memcpy(rows.data() + i * row, header.data(), header.size());
    std::memcpy(rows.data() + i * row + header.size(), episode.frames.data() + i * bytes, bytes);
  }
  file.write_array(parent, name, {frames, row}, H5T_NATIVE_UINT8, H5T_STD_U8LE, rows.data(), chunk_frames);
}

/// The file of one episode.
std::string episode_bytes(const std::filesystem::path& path, std::size_t index, const Episode& episode,
                          const DatasetInfo& info) {
  const Hdf5Access access;
  Hdf5Writer file(path);
  const Spaces& spaces = info.spaces;
  const hsize_t steps = episode.length();
  const Hdf5Id group = file.create_group(file.root(), minari::episode_name(index));
  file.write_attribute(group, "id", static_cast<std::int64_t>(index));
  file.write_attribute(group, "seed", episode.seed);
  file.write_attribute(group, "total_steps", static_cast<std::int64_t>(steps));
  file.write_attribute(group, "policy", info.policy);
  if (episode.lane >= 0) file.write_attribute(group, "lane", static_cast<std::int64_t>(episode.lane));

  const minari::Layout layout = minari::layout_of(spaces);
  const bool both = layout.picture && !layout.vector.empty();
  Hdf5Id observations;
  if (both) observations = file.create_group(group, "observations");
  const hid_t parent = both ? static_cast<hid_t>(observations) : static_cast<hid_t>(group);
  const auto key = [&](const minari::Part& part) { return both ? part.name() : std::string("observations"); };
  if (layout.picture) write_frames(file, parent, key(*layout.picture), episode, spaces);
  for (const auto& part : layout.vector) {
    file.write_array(parent, key(part), {steps + 1, spaces.vector_names.size()}, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE,
                     episode.vectors.data());
  }
  if (spaces.action.discrete()) {
    file.write_array(group, "actions", {steps}, H5T_NATIVE_FLOAT, H5T_STD_I64LE, episode.actions.data());
  } else {
    file.write_array(group, "actions", {steps, spaces.action.size()}, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE,
                     episode.actions.data());
  }
  file.write_array(group, "rewards", {steps}, H5T_NATIVE_FLOAT, H5T_IEEE_F64LE, episode.rewards.data());
  const Hdf5Id flag = hdf5_bool_type();
  file.write_array(group, "terminations", {steps}, flag, flag, episode.terminated.data());
  file.write_array(group, "truncations", {steps}, flag, flag, episode.truncated.data());
  if (!episode.extra.empty()) {
    const Hdf5Id infos = file.create_group(group, "infos");
    for (const auto& [name, column] : episode.extra) {
      file.write_array(infos, name, {column.rows(steps), static_cast<hsize_t>(column.width)}, H5T_NATIVE_FLOAT,
                       H5T_IEEE_F32LE, column.values.data());
    }
  }
  return file.finish();
}

}  // namespace

struct DatasetWriter::Parts {
  std::filesystem::path directory;
  DatasetInfo info;
  std::unique_ptr<FolderLock> lock;
  std::size_t episodes = 0, listed = 0;  // listed: those that main_data.hdf5 and metadata.json know of
  std::int64_t steps = 0;
  double bytes = 0;

  void remove_leftovers() const;
  void go_on();
  void write_index();
};

/// What a crash left half written.
void DatasetWriter::Parts::remove_leftovers() const {
  for (const auto& folder : {minari::data_folder(directory), minari::episodes_folder(directory)}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".tmp") std::filesystem::remove(entry.path());
    }
  }
}

void DatasetWriter::Parts::go_on() {
  const Dataset present(directory);
  const std::string name = "'" + directory.string() + "'";
  if (!present.appendable()) {
    throw Error(name + " holds episodes of another program; choose another folder to collect into.");
  }
  if (present.info().environment != info.environment) {
    throw Error(name + " holds episodes of " + present.info().environment + ", and those of " + info.environment +
                " would be added; choose another folder.");
  }
  if (!same_shapes(present.info().spaces, info.spaces)) {
    throw Error(name + " holds observations or actions of another shape; choose another folder.");
  }
  episodes = present.episodes();
  steps = present.steps();
  for (std::size_t i = 0; i < episodes; ++i) {
    bytes += static_cast<double>(std::filesystem::file_size(minari::episode_file(directory, i)));
  }
}

/// main_data.hdf5 and metadata.json, each replaced as a whole; metadata.json last, so it never promises too much.
void DatasetWriter::Parts::write_index() {
  const auto main = minari::main_file(directory);
  const auto links = [&] {
    const Hdf5Access access;
    Hdf5Writer file(main);
    for (std::size_t i = 0; i < episodes; ++i) {
      file.link_external(minari::episode_name(i), minari::episode_link(i), "/" + minari::episode_name(i));
    }
    return file.finish();
  };
  write_file(main, links());
  minari::Metadata metadata;
  metadata.info = info;
  metadata.episodes = episodes;
  metadata.steps = steps;
  write_file(minari::metadata_file(directory),
             minari::metadata_text(metadata, bytes / 1e6, minari::metadata_before(directory)));
  listed = episodes;
}

DatasetWriter::DatasetWriter(const std::filesystem::path& directory, const DatasetInfo& info)
    : parts_(std::make_unique<Parts>()) {
  minari::check_spaces(info.spaces, "The environment " + info.environment);
  parts_->directory = directory;
  parts_->info = info;
  try {
    std::filesystem::create_directories(minari::episodes_folder(directory));
    parts_->lock = std::make_unique<FolderLock>(minari::data_folder(directory));
    parts_->remove_leftovers();
    const bool known = std::filesystem::exists(minari::metadata_file(directory));
    if (!known && (std::filesystem::exists(minari::main_file(directory)) ||
                   std::filesystem::exists(minari::episode_file(directory, 0)))) {
      throw Error("'" + directory.string() +
                  "' holds data, and its data/metadata.json is missing; choose another folder.");
    }
    if (known) {
      parts_->go_on();
    } else {
      // First of all what the episodes mean: from here on the folder is a dataset, of no episodes.
      minari::Metadata metadata;
      metadata.info = info;
      write_file(minari::metadata_file(directory), minari::metadata_text(metadata, 0, ""));
    }
    parts_->write_index();
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("Cannot write into '" + directory.string() + "': " + reason_of(error.code().value()) + ".");
  }
}

DatasetWriter::~DatasetWriter() {
  try {
    if (parts_->listed != parts_->episodes) parts_->write_index();
  } catch (const std::exception&) {
    // The episodes are on the disk; the next writer lists them.
  }
}

void DatasetWriter::append(const Episode& episode) {
  Parts& p = *parts_;
  check_episode(episode, p.info.spaces);
  const std::filesystem::path path = minari::episode_file(p.directory, p.episodes);
  write_file(path, episode_bytes(path, p.episodes, episode, p.info));
  std::error_code code;
  const std::uintmax_t size = std::filesystem::file_size(path, code);
  p.bytes += code ? 0.0 : static_cast<double>(size);
  p.steps += static_cast<std::int64_t>(episode.length());
  ++p.episodes;
  // The list is written anew as a whole, so it follows at growing distances; our own reader does not need it.
  if (p.episodes - p.listed >= std::max<std::size_t>(1, p.listed / 16)) p.write_index();
}

void DatasetWriter::keep(std::size_t count) {
  Parts& p = *parts_;
  if (count >= p.episodes) return;
  const Dataset present(p.directory);
  const std::size_t before = std::exchange(p.episodes, count);
  for (std::size_t i = count; i < before; ++i) {
    p.steps -= static_cast<std::int64_t>(present.read(i).length());
    p.bytes -= static_cast<double>(std::filesystem::file_size(minari::episode_file(p.directory, i)));
  }
  p.write_index();  // first, so that the list never promises too much
  for (std::size_t i = before; i-- > count;) std::filesystem::remove(minari::episode_file(p.directory, i));
  try {  // what comes in their places is not what was held out
    auto held_out = held_out_of(p.directory);
    if (std::erase_if(held_out, [&](const auto& name) {
          for (std::size_t i = count; i < before; ++i)
            if (name == minari::episode_name(i)) return true;
          return false;
        }) > 0)
      label_held_out(p.directory, held_out);
  } catch (const Error&) {  // damaged labels are told of where somebody reads them
  }
}

std::size_t DatasetWriter::episodes() const {
  return parts_->episodes;
}
std::int64_t DatasetWriter::steps() const {
  return parts_->steps;
}

}  // namespace dream
