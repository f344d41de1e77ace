#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/data/dataset.h"
#include "core/data/fit.h"
#include "core/data/replay.h"

namespace dream {

/// "a:b" -> a, b. A ':' within a path is kept where that leads to something that is there.
std::vector<std::filesystem::path> folders_of(const std::string& list);

/// Given episodes, as settings name them.
struct GivenDatasets {
  std::string folders;        // see folders_of
  bool skip_damaged = false;  // episodes that cannot be read are left out, and told of

  bool empty() const { return folders.empty(); }
  Damage damage() const { return skip_damaged ? Damage::skip : Damage::refuse; }
  /// `prefix`datasets and `prefix`skip_damaged.
  void fields(Config& config, const std::string& prefix, const std::string& help);
};

/// Several datasets that are read into one replay, an episode of each in turn: a replay that is too small for all of
/// them keeps a mixture. What is held out (held_out_label.h) is not read.
class DatasetSources {
 public:
  /// Throws dream::Error when a dataset cannot be read or is refused. `damage`: what becomes of episodes that cannot be read.
  DatasetSources(const std::vector<std::filesystem::path>& folders, const Fitting& fitting, Damage damage = Damage::refuse);

  bool empty() const { return sources_.empty(); }
  /// What was done to datasets and which episodes were left out, a sentence each, so far.
  const std::vector<std::string>& notes() const { return notes_; }
  std::size_t episodes() const;  // of all together
  /// Reads one more episode; false when all that fits is there.
  bool read_into(Replay& replay);

 private:
  struct Source {
    Dataset dataset;
    std::function<void(Episode&)> fit;
    std::set<std::string> held_out;  // nobody learns from these
    std::size_t unread = 0, next = 0;  // how many that are; the one to be read
  };
  std::optional<Episode> next_of(Source& source);

  Damage damage_;
  std::vector<std::string> notes_;
  std::vector<Source> sources_;
};

}  // namespace dream
