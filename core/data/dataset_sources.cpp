#include "core/data/dataset_sources.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
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

void refuse_unreadable(const Config& config) {
  for (const Field& field : config.fields()) {
    const auto* list = std::get_if<std::string>(&field.value);
    if (!list || !(field.key == "datasets" || field.key.ends_with(".datasets"))) continue;
    for (const auto& folder : folders_of(*list)) {
      try {
        Dataset(folder, Damage::skip);
      } catch (const Error& error) {
        throw Error(field.key + ": " + error.what());
      }
    }
  }
}

Scored score_of(const Episode& episode, std::size_t index) {
  return {episode.world, std::accumulate(episode.rewards.begin(), episode.rewards.end(), 0.0), index};
}

std::vector<std::size_t> best_of(const std::vector<Scored>& episodes, double share) {
  std::map<std::string, std::vector<Scored>> by_world;
  for (const auto& episode : episodes) by_world[episode.world].push_back(episode);
  std::vector<std::size_t> best;
  for (auto& [world, scored] : by_world) {
    std::ranges::stable_sort(scored, std::greater<>(), &Scored::reward);
    const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(scored.size())));
    for (std::size_t i = 0; i < count; ++i) best.push_back(scored[i].index);
  }
  return best;
}

DatasetSources::DatasetSources(const std::vector<std::filesystem::path>& folders, const Fitting& fitting, Damage damage)
    : damage_(damage) {
  std::vector<std::deque<Place>> unread;
  for (const auto& folder : folders) {
    Dataset dataset(folder, damage);
    const auto fit = fitting(dataset.info());
    if (!fit.refusal.empty()) throw Error(folder.string() + ' ' + fit.refusal);
    if (!fit.note.empty()) notes_.push_back(folder.string() + ' ' + fit.note);
    for (const auto& text : dataset.skipped()) notes_.push_back("left out: " + text);
    const auto held_out = held_out_of(folder);
    std::deque<Place> places;
    for (std::size_t i = 0; i < dataset.episodes(); ++i)
      if (!held_out.contains(dataset.name(i))) places.push_back({sources_.size(), i});
    if (const auto kept = dataset.episodes() - places.size(); kept > 0)
      notes_.push_back(folder.string() + ": " + std::to_string(kept) + " of " + std::to_string(dataset.episodes()) +
                       " episodes are held out, and nothing is learned from them");
    if (places.empty()) continue;
    unread.push_back(std::move(places));
    sources_.push_back({std::move(dataset), fit.apply});
  }
  for (auto turn = unread.begin(); turn != unread.end();) {
    if (turn->empty()) {
      ++turn;
      continue;
    }
    order_.push_back(turn->front());
    turn->pop_front();
    std::rotate(unread.begin(), unread.begin() + 1, unread.end());
    turn = unread.begin();
  }
}

std::int64_t DatasetSources::steps() const {
  return std::accumulate(sources_.begin(), sources_.end(), std::int64_t{0},
                         [](std::int64_t sum, const Source& s) { return sum + s.dataset.steps(); });
}

std::optional<Episode> DatasetSources::read(std::size_t index) {
  const auto [from, number] = order_.at(index);
  const auto& source = sources_[from];
  try {
    auto episode = source.dataset.read(number);
    episode.lane = -1;  // of the run that collected it
    episode.world = source.dataset.info().environment;
    if (source.fit) source.fit(episode);
    return episode;
  } catch (const Error& error) {
    if (damage_ == Damage::refuse) throw;
    const auto note = std::string("left out: ") + error.what();
    if (std::ranges::find(notes_, note) == notes_.end()) notes_.push_back(note);
    return std::nullopt;
  }
}

void DatasetSources::keep(const std::vector<std::size_t>& indices) {
  std::vector<Place> kept;
  for (const auto i : indices) kept.push_back(order_.at(i));
  order_ = std::move(kept);
  next_ = 0;
}

std::vector<std::string> DatasetSources::left_out(const Replay& replay, const std::string& setting) const {
  if (all_read()) return {};
  return {"of " + std::to_string(order_.size()) + " given episodes " + std::to_string(replay.episodes()) +
          " fit into memory, and the others are not learned from: " + setting + " says how much it may take"};
}

bool DatasetSources::read_into(Replay& replay) {
  for (; next_ < order_.size(); ++next_) {
    auto episode = read(next_);
    if (!episode) continue;
    if (replay.bytes() + replay.bytes_of(*episode) > replay.budget()) return false;
    replay.add(std::move(*episode));
    ++next_;
    return true;
  }
  return false;
}

}  // namespace dream
