#include "core/data/dataset_sources.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "api/error.h"
#include "core/data/held_out_label.h"

namespace dream {

std::vector<std::filesystem::path> folders_of(const std::string& list) {
  std::vector<std::filesystem::path> folders;
  std::error_code code;
  for (std::size_t from = 0; from < list.size();) {
    const auto first = std::min(list.find(':', from), list.size());
    auto end = first;
    // The shortest piece that is there; where none is, up to the first ':', so that the message names it.
    while (end < list.size() && !std::filesystem::exists(list.substr(from, end - from), code)) end = std::min(list.find(':', end + 1), list.size());
    if (!std::filesystem::exists(list.substr(from, end - from), code)) end = first;
    if (end > from) folders.emplace_back(list.substr(from, end - from));
    from = end + 1;
  }
  return folders;
}

void GivenDatasets::fields(Config& config, const std::string& prefix, const std::string& help) {
  config.add(prefix + "datasets", folders, {.help = help});
  config.add(prefix + "skip_damaged", skip_damaged,
             {.help = "Leave episodes of given datasets out that cannot be read, and say which; off: they are an error", .live = true});
}

DatasetSources::DatasetSources(const std::vector<std::filesystem::path>& folders, const Fitting& fitting, Damage damage)
    : damage_(damage) {
  for (const auto& folder : folders) {
    Dataset dataset(folder, damage);
    const auto fit = fitting(dataset.info());
    if (!fit.refusal.empty()) throw Error(folder.string() + ' ' + fit.refusal);
    if (!fit.note.empty()) notes_.push_back(folder.string() + ' ' + fit.note);
    for (const auto& text : dataset.skipped()) notes_.push_back("left out: " + text);
    auto held_out = held_out_of(folder);
    std::size_t unread = 0;
    for (std::size_t i = 0; i < dataset.episodes(); ++i) unread += held_out.contains(dataset.name(i));
    if (unread > 0)
      notes_.push_back(folder.string() + ": " + std::to_string(unread) + " of " + std::to_string(dataset.episodes()) +
                       " episodes are held out, and nothing is learned from them");
    if (dataset.episodes() > unread) sources_.push_back({std::move(dataset), fit.apply, std::move(held_out), unread, 0});
  }
}

std::size_t DatasetSources::episodes() const {
  return std::accumulate(sources_.begin(), sources_.end(), std::size_t{0},
                         [](std::size_t sum, const Source& s) { return sum + s.dataset.episodes() - s.unread; });
}

std::optional<Episode> DatasetSources::next_of(Source& source) {
  while (source.next < source.dataset.episodes()) {
    const auto number = source.next++;
    if (source.held_out.contains(source.dataset.name(number))) continue;
    try {
      auto episode = source.dataset.read(number);
      episode.lane = -1;  // of the run that collected it
      episode.world = source.dataset.info().environment;
      if (source.fit) source.fit(episode);
      return episode;
    } catch (const Error& error) {
      if (damage_ == Damage::refuse) throw;
      notes_.push_back(std::string("left out: ") + error.what());
    }
  }
  return std::nullopt;
}

bool DatasetSources::read_into(Replay& replay) {
  for (auto& source : sources_) {
    auto episode = next_of(source);
    if (!episode) continue;
    if (replay.bytes() + replay.bytes_of(*episode) > replay.budget()) break;
    replay.add(std::move(*episode));
    std::rotate(sources_.begin(), sources_.begin() + 1, sources_.end());
    return true;
  }
  return false;
}

}  // namespace dream
