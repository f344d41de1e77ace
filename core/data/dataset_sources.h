#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/data/replay.h"

namespace dream {

/// "a:b" -> a, b.
std::vector<std::filesystem::path> folders_of(const std::string& list);

/// Why nobody can learn from a dataset's episodes here, as it goes on after the folder's name; "" where one can.
using Refusal = std::function<std::string(const DatasetInfo&)>;
/// Of what holds other shapes than the `wanted` of `environment`.
Refusal other_shapes(const Spaces& wanted, const std::string& environment);

/// Several datasets that are read into one replay, an episode of each in turn: a replay that is too small for all of
/// them keeps a mixture.
class DatasetSources {
 public:
  /// Throws dream::Error when a dataset cannot be read or is refused.
  DatasetSources(const std::vector<std::filesystem::path>& folders, const Refusal& refusal);

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
