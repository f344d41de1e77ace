#include "core/data/dataset_edit.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/fit.h"
#include "core/data/held_out_label.h"
#include "core/data/minari.h"

namespace dream {
namespace {

using Path = std::filesystem::path;

std::string quoted(const Path& path) {
  return "'" + path.string() + "'";
}

std::string counted_episodes(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " episode" : " episodes");
}

/// Without a slash at its end, so that it has a name.
Path plain_folder(const Path& folder) {
  return (folder / "").lexically_normal().parent_path();
}

/// Their numbers; all must be there.
std::vector<std::size_t> numbers_of(const Dataset& dataset, const Path& path, const EpisodeNames& names) {
  std::vector<std::size_t> numbers;
  EpisodeNames missing = names;
  for (std::size_t i = 0; i < dataset.episodes(); ++i) {
    if (names.contains(dataset.name(i))) numbers.push_back(i), missing.erase(dataset.name(i));
  }
  if (names.empty()) throw Error("no episode was named of " + quoted(path));
  if (!missing.empty()) throw Error(quoted(path) + " has no episode '" + *missing.begin() + "' that can be read");
  return numbers;
}

EditProgress part_of(const EditProgress& progress, double from, double to) {
  return [=](double share) { return !progress || progress(from + share * (to - from)); };
}

/// Appends these episodes of a dataset; `labels` gets the new names of those that are held out.
void append_episodes(DatasetWriter& writer, EpisodeNames& labels, const Dataset& from, const Path& path,
                     const std::vector<std::size_t>& numbers, const EditProgress& progress) {
  const auto held_out = held_out_of(path);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    auto episode = from.read(numbers[i]);
    if (!episode.ended() && episode.length() > 0) episode.truncated.back() = 1;  // as others leave what is cut
    if (held_out.contains(from.name(numbers[i]))) labels.insert(minari::episode_name(writer.episodes()));
    writer.append(episode);
    if (progress && !progress(static_cast<double>(i + 1) / static_cast<double>(numbers.size())))
      throw Error("the work on " + quoted(path) + " was stopped; nothing was changed");
  }
}

/// A whole dataset of these episodes; what others have added to the metadata of `like` stays there.
void write_dataset(const Path& to, const DatasetInfo& info, const Dataset& from, const Path& path,
                   const std::vector<std::size_t>& numbers, const std::string& like, const EditProgress& progress) {
  EpisodeNames labels;
  {
    DatasetWriter writer(to, info);
    append_episodes(writer, labels, from, path, numbers, progress);
  }
  label_held_out(to, labels);
  if (like.empty()) return;
  double bytes = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) bytes += static_cast<double>(std::filesystem::file_size(minari::episode_file(to, i)));
  write_file(minari::metadata_file(to), minari::metadata_text(minari::read_metadata(to), bytes / 1e6, like));
}

/// A place of its own in the dataset's folder .deleted.
Path bin_of(const Path& folder) {
  make_folder(folder / ".deleted");
  return free_folder(folder / ".deleted" / "data");
}

/// `data` takes the place of the dataset's. Gives where that lies now. Whenever it is broken off, one of the two is in place
/// and the other one kept.
Path put_in_place(const Path& folder, const Path& data) {
  const auto kept = bin_of(folder);
  move_folder(data, kept);
  try {
    exchange_folders(kept, minari::data_folder(folder));
  } catch (const Error&) {
    move_folder(kept, data);
    throw;
  }
  return kept;
}

/// Who writes into it, or trains the run whose data it is.
std::string busy_with(const Path& folder) {
  const auto whole = std::filesystem::absolute(plain_folder(folder));
  for (const auto& each : {minari::data_folder(whole), whole, whole.parent_path(), whole.parent_path().parent_path()})
    if (const auto by = writer_of(each); !by.empty()) return by;
  return "";
}

void require_editable(const Dataset& dataset, const Path& path) {
  if (const auto why = why_fixed(dataset, path); !why.empty()) throw Error(why);
}

std::vector<std::size_t> all_of(const Dataset& dataset) {
  std::vector<std::size_t> numbers(dataset.episodes());
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

/// What is wrong with the file system becomes a sentence.
template <typename Work>
auto edited(const Path& path, Work&& work) {
  try {
    return work();
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(quoted(path) + " cannot be changed: " + reason_of(error.code().value()));
  }
}

}  // namespace

std::string why_fixed(const Dataset& dataset, const Path& path) {
  if (!dataset.appendable())
    return quoted(path) + " was made by another program and stays as it is: copy episodes of it into a dataset of your own (split)";
  const auto by = busy_with(minari::dataset_folder(path));
  return by.empty() ? "" : quoted(path) + " is being written, or belongs to a run that is being trained (" + by + "): stop that first";
}

DatasetEdit delete_episodes(const Path& path, const EpisodeNames& names, const EditProgress& progress) {
  return edited(path, [&] {
    const auto folder = minari::dataset_folder(path);
    const Dataset dataset(folder, Damage::skip);
    require_editable(dataset, path);
    const FolderLock lock(minari::data_folder(folder));
    const auto gone = numbers_of(dataset, path, names);
    auto left = all_of(dataset);
    std::erase_if(left, [&](std::size_t i) { return std::ranges::binary_search(gone, i); });
    const Unfinished part(folder / ".edit");
    write_dataset(part.folder, dataset.info(), dataset, folder, left, minari::metadata_before(folder), progress);
    DatasetEdit edit{std::to_string(gone.size()) + " of " + counted_episodes(dataset.episodes()) + " deleted", folder};
    if (!dataset.skipped().empty()) edit.said += ", and " + std::to_string(dataset.skipped().size()) + " damaged ones with them";
    edit.kept = put_in_place(folder, minari::data_folder(part.folder));
    return edit;
  });
}

DatasetEdit split_dataset(const Path& path, const EpisodeNames& names, const Path& to, const EditProgress& progress) {
  return edited(path, [&] {
    const Dataset dataset(path, Damage::skip);
    const bool own = dataset.appendable();
    if (own) require_editable(dataset, path);
    const auto numbers = numbers_of(dataset, path, names);
    const auto target = plain_folder(to);
    if (target.empty()) throw Error("no folder was named for the episodes of " + quoted(path));
    require_free(target);
    if (target.has_parent_path()) make_folder(target.parent_path());
    Unfinished part(target.parent_path() / ("." + target.filename().string() + ".edit"));
    write_dataset(part.folder, dataset.info(), dataset, path, numbers, "", part_of(progress, 0, own ? 0.5 : 1));
    DatasetEdit edit{"", minari::dataset_folder(path)};
    if (own) edit = delete_episodes(path, names, part_of(progress, 0.5, 1));
    try {
      move_folder(part.folder, target);
    } catch (const Error&) {
      if (own) take_back(edit);
      throw;
    }
    part.folder.clear();
    edit.made = target;
    edit.said = counted_episodes(numbers.size()) + (own ? " moved to " : " copied to ") + target.string();
    return edit;
  });
}

DatasetEdit merge_datasets(const Path& path, const Path& from, const EditProgress& progress) {
  return edited(path, [&] {
    const auto folder = minari::dataset_folder(path);
    const Dataset dataset(folder), more(from);
    require_editable(dataset, path);
    std::error_code ignored;
    if (std::filesystem::weakly_canonical(folder / "", ignored) == std::filesystem::weakly_canonical(minari::dataset_folder(from) / "", ignored))
      throw Error(quoted(from) + " is the dataset that is open: another one was expected");
    const auto& have = dataset.info();
    if (more.info().environment != have.environment)
      throw Error(quoted(from) + " holds episodes of " + more.info().environment + ", and " + quoted(path) + " those of " + have.environment);
    const auto fit = fit_to(have.spaces, have.environment)(more.info());
    if (!fit.refusal.empty() || !fit.note.empty())
      throw Error(quoted(from) + ' ' + (fit.refusal.empty() ? fit.note + ": only episodes of the same shapes are added" : fit.refusal));
    DatasetWriter writer(folder, have);
    const auto before = writer.episodes();
    auto labels = held_out_of(folder);
    try {
      append_episodes(writer, labels, more, from, all_of(more), progress);
      label_held_out(folder, labels);
    } catch (...) {
      writer.keep(before);
      throw;
    }
    DatasetEdit edit{counted_episodes(more.episodes()) + " of " + from.string() + " added", folder};
    edit.before = before, edit.after = writer.episodes();
    return edit;
  });
}

DatasetEdit hold_out(const Path& path, const EpisodeNames& names, bool on) {
  return edited(path, [&] {
    const Dataset dataset(path, Damage::skip);
    numbers_of(dataset, path, names);
    const auto before = held_out_of(path);
    auto labels = before;
    for (const auto& name : names) on ? void(labels.insert(name)) : void(labels.erase(name));
    label_held_out(path, labels);
    DatasetEdit edit{counted_episodes(names.size()) + (on ? " held out" : " learned from again"), minari::dataset_folder(path)};
    edit.labels = before;
    return edit;
  });
}

void take_back(const DatasetEdit& edit) {
  edited(edit.dataset, [&] {
    const auto& folder = edit.dataset;
    for (const auto& changed : {edit.kept.empty() ? Path() : folder, edit.made})
      if (const auto by = changed.empty() ? "" : busy_with(changed); !by.empty()) throw Error(quoted(changed) + " is being written (" + by + "): stop that first");
    if (edit.labels) label_held_out(folder, *edit.labels);
    if (edit.after > 0) {
      DatasetWriter writer(folder, Dataset(folder).info());
      if (writer.episodes() != edit.after)
        throw Error(quoted(folder) + " holds " + counted_episodes(writer.episodes()) + " by now, and not " + std::to_string(edit.after) +
                    " as when they were added: nothing is taken back");
      writer.keep(edit.before);
    }
    if (!edit.kept.empty()) {
      const FolderLock lock(minari::data_folder(folder));
      put_in_place(folder, edit.kept);
    }
    if (!edit.made.empty()) {
      make_folder(edit.made.parent_path() / ".deleted");
      move_folder(edit.made, free_folder(edit.made.parent_path() / ".deleted" / edit.made.filename()));
    }
  });
}

}  // namespace dream
