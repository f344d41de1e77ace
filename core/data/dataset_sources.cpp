#include "core/data/dataset_sources.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "api/error.h"

namespace dream {

std::vector<std::filesystem::path> folders_of(const std::string& list) {
  std::vector<std::filesystem::path> folders;
  std::istringstream text(list);
  for (std::string folder; std::getline(text, folder, ':');) {
    if (!folder.empty()) folders.emplace_back(folder);
  }
  return folders;
}

Refusal other_shapes(const Spaces& wanted, const std::string& environment) {
  const auto shapes = [](const Spaces& s) {
    return std::vector<std::size_t>{static_cast<std::size_t>(s.image_height),
                                    static_cast<std::size_t>(s.image_width),
                                    static_cast<std::size_t>(s.image_channels),
                                    s.vector_names.size(),
                                    s.action.size(),
                                    s.action.choices.size()};
  };
  return [shapes, environment, expected = shapes(wanted)](const DatasetInfo& info) -> std::string {
    if (shapes(info.spaces) == expected) return "";
    return "holds pictures, vectors or actions of another shape than " + environment + " has in this recipe";
  };
}

DatasetSources::DatasetSources(const std::vector<std::filesystem::path>& folders, const Refusal& refusal) {
  for (const auto& folder : folders) {
    Dataset dataset(folder);
    if (const auto reason = refusal(dataset.info()); !reason.empty()) throw Error(folder.string() + ' ' + reason);
    if (dataset.episodes() > 0) sources_.push_back({std::move(dataset), 0});
  }
}

std::size_t DatasetSources::episodes() const {
  return std::accumulate(sources_.begin(), sources_.end(), std::size_t{0},
                         [](std::size_t sum, const Source& s) { return sum + s.dataset.episodes(); });
}

bool DatasetSources::read_into(Replay& replay) {
  for (auto& source : sources_) {
    if (source.next == source.dataset.episodes()) continue;
    auto episode = source.dataset.read(source.next++);
    episode.lane = -1;  // of the run that collected it
    episode.world = source.dataset.info().environment;
    if (replay.bytes() + replay.bytes_of(episode) > replay.budget()) break;
    replay.add(std::move(episode));
    std::rotate(sources_.begin(), sources_.begin() + 1, sources_.end());
    return true;
  }
  return false;
}

}  // namespace dream
