#pragma once
#include <memory>

#include "core/data/dataset.h"

namespace dream {

/// A dataset in one of the layouts that can be read: what Dataset hands on. The constructors of its kinds find out everything
/// but the episodes.
class DatasetFiles {
 public:
  virtual ~DatasetFiles() = default;
  virtual Episode read(std::size_t index) const = 0;

  DatasetInfo info;
  std::vector<std::string> names;  // of the episodes
  std::int64_t steps = 0;
  bool appendable = false;
  std::vector<std::string> skipped, left_out;
};

/// A folder of .npz files, or one of them, as Dreamer V1 to V3 keep their replay (each an episode, or a chunk of a stream) and
/// as ctallec/world-models its rollouts: see docs/data.md.
bool is_npz(const std::filesystem::path& path);
std::unique_ptr<DatasetFiles> open_npz(const std::filesystem::path& path, Damage damage);

/// A video, or a folder in which most files are some: by the endings of their names alone. Files that may lie beside videos
/// (*.csv, *.toml, hidden ones) do not count. See docs/data.md.
bool is_video(const std::filesystem::path& path);
std::unique_ptr<DatasetFiles> open_videos(const std::filesystem::path& path, Damage damage);

}  // namespace dream
