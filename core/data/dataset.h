#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "api/spaces.h"
#include "core/data/episode.h"

namespace dream {

/// What is the same for every episode of a dataset.
struct DatasetInfo {
  std::string environment;  // "CarRacing"
  std::string policy;       // "random", or the run whose controller drove
  Spaces spaces;
};

/// Episodes on disk: HDF5 in Minari's layout (DIR/data/main_data.hdf5 with episode_0, episode_1 …, and
/// DIR/data/metadata.json), so that Minari opens ours and we open theirs. An episode is flushed to the disk when
/// it has been appended: a crash loses at most the episode under way. See core/data/minari.h for the files. One writer
/// per dataset on a machine; readers may read meanwhile and see the episodes that were there when they began.
class DatasetWriter {
 public:
  /// Creates the folder, or goes on with the dataset that is there. Throws dream::Error when what is there is
  /// damaged or of another environment or shape.
  DatasetWriter(const std::filesystem::path& directory, const DatasetInfo& info);
  ~DatasetWriter();
  /// Throws dream::Error when an array does not fit the spaces, holds a number that is not finite, when the last step is
  /// neither terminated nor truncated, or the disk is full.
  void append(const Episode& episode);
  /// Drops the episodes from number `count` on: a run that goes on from before them makes its own.
  void keep(std::size_t count);
  std::size_t episodes() const;
  std::int64_t steps() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What becomes of a dataset with an episode that cannot be read.
enum class Damage { refuse, skip };

/// Whether there is a dataset at this path, in a layout that can be read.
bool is_dataset(const std::filesystem::path& path);

class Dataset {
 public:
  /// `path`: the folder, its `data`, or a file in that. Throws dream::Error naming file, field and expectation. A tail that a
  /// crash left behind is not an error: whole episodes are read, the rest is ignored. With Damage::skip episodes whose
  /// arrays are missing or of other shapes are left out; what is wrong with values shows when one is read.
  explicit Dataset(const std::filesystem::path& path, Damage damage = Damage::refuse);
  ~Dataset();
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  const DatasetInfo& info() const;
  std::size_t episodes() const;
  std::int64_t steps() const;  // sum of the lengths
  bool appendable() const;     // made by DatasetWriter alone
  /// What is wrong with the episodes that were left out, a sentence each.
  const std::vector<std::string>& skipped() const;
  /// Parts of an observation that serve no model: "mission: Text".
  const std::vector<std::string>& left_out() const;
  /// "episode_3", as its file calls it: with left out ones the numbers differ.
  const std::string& name(std::size_t index) const;
  /// Throws dream::Error as above. Thread-safe; calls wait for one another, as HDF5 allows one at a time.
  Episode read(std::size_t index) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dream
