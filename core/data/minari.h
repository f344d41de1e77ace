#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/data/picture_shape.h"

namespace dream::minari {

// The folder of a dataset, as Minari 0.5.3 lays it out (https://github.com/Farama-Foundation/Minari). Each of our
// episodes is a file of its own, and main_data.hdf5 holds external links to them, which h5py and Minari follow:
// every file is written once and renamed into place, so a crash cannot damage what is there.
//
//   data/metadata.json                     data/main_data.hdf5  (episode_0 -> episodes/episode_000000.hdf5 …)
//   data/episodes/episode_000000.hdf5      (group episode_0: observations, actions, rewards, terminations, truncations; infos/<name>: further columns)

inline std::filesystem::path data_folder(const std::filesystem::path& dataset) {
  return dataset / "data";
}
inline std::filesystem::path metadata_file(const std::filesystem::path& dataset) {
  return dataset / "data" / "metadata.json";
}
inline std::filesystem::path main_file(const std::filesystem::path& dataset) {
  return dataset / "data" / "main_data.hdf5";
}
inline std::filesystem::path episodes_folder(const std::filesystem::path& dataset) {
  return dataset / "data" / "episodes";
}
std::string episode_name(std::size_t index);  // "episode_12", its group in main_data.hdf5
std::string episode_link(std::size_t index);  // "episodes/episode_000012.hdf5", seen from main_data.hdf5
std::filesystem::path episode_file(const std::filesystem::path& dataset, std::size_t index);
std::vector<std::uint64_t> episode_files(const std::filesystem::path& dataset);  // the numbers of those that are there

/// A part of an observation or an action, as it lies in the file.
struct Part {
  enum class Kind { picture, numbers, index, one_hot };
  Kind kind = Kind::numbers;
  std::vector<std::string> path;     // groups and array below "observations" or "actions"; empty: that array itself
  std::vector<std::uint64_t> shape;  // of one observation or action, as it lies there
  /// Of whole numbers: how many each may be, and the least. An index counts them all as one number, the last digit
  /// fastest; one_hot has so many numbers of each, of which one is 1.
  std::vector<std::int64_t> choices, starts;
  bool joined = false;           // of an index: the next part goes on counting, in the same number
  PictureShape pixels;           // of a picture
  bool floats = false;           // likewise: it is no bytes, but numbers
  bool bounded = true;           // with floats: by the space; else the first episode's numbers tell which are black and white
  Greys greys;                   // with floats

  std::string name() const;    // "robot/arm"; "" for what has no parts
  std::size_t count() const;   // numbers in `shape`
  std::size_t width() const;   // numbers that it gives to a vector or an action
  std::string kind_and_size() const;  // "96 × 96 × 3, uint8"
  std::string type;            // Gymnasium's: "Box", "Discrete" …
};

/// Where observations and actions of an episode lie and how.
struct Layout {
  std::optional<Part> picture;
  std::vector<Part> vector;  // whose numbers are put one after another
  std::vector<Part> action;  // likewise
  std::vector<std::string> left_out;  // "mission: Text", parts of an observation that serve no model
};

/// A part without bounds whose numbers are no picture's.
struct NoPicture {
  std::string name, why;
};

struct Metadata {
  DatasetInfo info;
  Layout layout;
  bool own = false;  // written by this program
  std::size_t episodes = 0;
  std::int64_t steps = 0;
};

/// Whether Minari keeps pictures of this shape as one encoded image per frame (its rule: RGB or grey, 32 pixels or
/// more on each side). Ours are then PPM, which Pillow reads as it reads JPEG, without the loss.
bool encoded_frames(const Spaces& spaces);
/// The header of a binary PPM (or PGM) of the spaces' pictures: "P6\n64 64\n255\n".
std::string frame_header(const Spaces& spaces);

/// The layout that we write for these spaces.
Layout layout_of(const Spaces& spaces);

/// Throws dream::Error for spaces that cannot be kept: no observation, no action, absurd sizes, bounds that do not fit.
void check_spaces(const Spaces& spaces, const std::string& origin);

/// The folder of the dataset that a path means: the folder itself, its `data`, or a file in that.
std::filesystem::path dataset_folder(const std::filesystem::path& path);
bool is_dataset(const std::filesystem::path& path);  // whether metadata.json lies there
/// "; there are datasets further in: 'a', 'b'" of a folder, up to three; or "".
std::string datasets_within(const std::filesystem::path& path);
/// metadata.json. Throws dream::Error naming file and field.
Metadata read_metadata(const std::filesystem::path& dataset, const std::vector<NoPicture>& no_pictures = {});
/// `before` is the text that is to be replaced, or ""; what others have added to it is kept.
std::string metadata_text(const Metadata& metadata, double megabytes, const std::string& before);
/// The present text of metadata.json, or "" when there is none.
std::string metadata_before(const std::filesystem::path& dataset);

}  // namespace dream::minari
