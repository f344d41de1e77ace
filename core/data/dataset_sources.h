#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/data/replay.h"

namespace dream {

/// "a:b" -> a, b.
std::vector<std::filesystem::path> folders_of(const std::string& list);

/// Several datasets that are read into one replay, an episode of each in turn: a replay that is too small for all of
/// them keeps a mixture.
class DatasetSources {
 public:
  /// Throws dream::Error when a dataset cannot be read, or holds other shapes than the `wanted` of `environment`.
  DatasetSources(const std::vector<std::filesystem::path>& folders, const Spaces& wanted,
                 const std::string& environment);

  bool empty() const { return sources_.empty(); }
  std::size_t episodes() const;  // of all together
  /// Reads one more episode; false when all that fits is there.
  bool read_into(Replay& replay);

 private:
  struct Source {
    Dataset dataset;
    std::size_t next = 0;
  };
  std::vector<Source> sources_;
};

}  // namespace dream
