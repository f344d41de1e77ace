#pragma once
#include <filesystem>
#include <functional>
#include <optional>
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
  /// `prefix`datasets and `prefix`skip_damaged. A run is not begun with one that cannot be opened: refuse_unreadable().
  void fields(Config& config, const std::string& prefix, const std::string& help);
};

/// Throws dream::Error, naming setting and folder, where a setting of these names what is no dataset.
void refuse_unreadable(const Config& config);

/// What an episode brought.
struct Scored {
  std::string world;
  double reward = 0;
  std::size_t index = 0;  // whose it is
};
Scored score_of(const Episode& episode, std::size_t index);
/// The episodes of the highest returns, this share of each world's, at least one: their indices.
std::vector<std::size_t> best_of(const std::vector<Scored>& episodes, double share);

/// Several datasets that are read one episode of each in turn. What is held out (held_out_label.h) is not read.
class DatasetSources {
 public:
  /// Throws dream::Error when a dataset cannot be read or is refused. `damage`: what becomes of episodes that cannot be read.
  DatasetSources(const std::vector<std::filesystem::path>& folders, const Fitting& fitting, Damage damage = Damage::refuse);

  bool empty() const { return order_.empty(); }
  /// What was done to datasets and which episodes were left out, a sentence each, so far.
  const std::vector<std::string>& notes() const { return notes_; }
  std::size_t episodes() const { return order_.size(); }  // of all together
  std::int64_t steps() const;                             // likewise, with those that are held out
  /// Episode `index` of all in their order; nothing where it is damaged and to be left out.
  std::optional<Episode> read(std::size_t index);
  /// Only these are there from now on, none of them read yet.
  void keep(const std::vector<std::size_t>& indices);

  /// Reads one more episode; false when all that fits is there. A replay that is too small for all holds a mixture of the
  /// datasets' first episodes.
  bool read_into(Replay& replay);
  bool all_read() const { return next_ >= order_.size(); }  // false after read_into() gave up: there are more than fit
  /// Then: how many are left out, in a sentence that names the setting of the memory; else nothing.
  std::vector<std::string> left_out(const Replay& replay, const std::string& setting) const;

 private:
  struct Source {
    Dataset dataset;
    std::function<void(Episode&)> fit;
  };
  struct Place {
    std::size_t source, episode;
  };

  Damage damage_;
  std::vector<std::string> notes_;
  std::vector<Source> sources_;
  std::vector<Place> order_;
  std::size_t next_ = 0;  // in it
};

}  // namespace dream
