#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "core/data/dataset.h"

namespace dream {

// What is done to a dataset as a whole. Nothing is ever lost: data that is replaced is moved to the folder .deleted in the
// dataset's own, and what fails or is stopped leaves all as it was. Everything throws dream::Error in one sentence. Labels
// (held_out_label.h) go along with their episodes.

/// What an edit did, and so what takes it back.
struct DatasetEdit {
  std::string said;                      // "2 of 10 episodes were deleted"
  std::filesystem::path dataset;         // that was edited
  std::filesystem::path kept = {};       // its data as it was; empty: none was moved
  std::filesystem::path made = {};       // a dataset that came into being
  std::size_t before = 0, after = 0;     // episodes, where some were added
  std::optional<std::set<std::string>> labels = {};  // that were held out, where that was changed
};

/// Told the share that is done; false ends the work.
using EditProgress = std::function<bool(double share)>;
using EpisodeNames = std::set<std::string>;

/// Why a dataset's episodes can neither be deleted nor added to: another program has made it, somebody writes into it, or
/// trains the run that it belongs to. "" = they can.
std::string why_fixed(const Dataset& dataset, const std::filesystem::path& path);

/// The others are written anew, with numbers that follow one another.
DatasetEdit delete_episodes(const std::filesystem::path& dataset, const EpisodeNames& names, const EditProgress& progress = {});

/// These become a dataset of this program's at `to`, which must not exist; another program's are copied, and its dataset stays
/// as it is.
DatasetEdit split_dataset(const std::filesystem::path& dataset, const EpisodeNames& names, const std::filesystem::path& to,
                          const EditProgress& progress = {});

/// The episodes of `from`, whoever made it, are added: of the same world and shapes.
DatasetEdit merge_datasets(const std::filesystem::path& dataset, const std::filesystem::path& from, const EditProgress& progress = {});

/// Nobody learns from these episodes any more; with `on` false they do again.
DatasetEdit hold_out(const std::filesystem::path& dataset, const EpisodeNames& names, bool on);

/// All is as it was. What has been added to the dataset since then is moved to .deleted with it, or the edit stays.
void take_back(const DatasetEdit& edit);

}  // namespace dream
