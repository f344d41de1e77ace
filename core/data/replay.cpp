#include "core/data/replay.h"

#include <algorithm>
#include <utility>

#include "api/error.h"

namespace dream {

Replay::Replay(std::size_t budget_bytes, std::size_t state_size) : budget_(budget_bytes), state_size_(state_size) {}

std::size_t Replay::bytes_of(const Episode& episode) const {
  return episode.bytes() + ((episode.length() + 1) * state_size_ - episode.states.size()) * 2;
}

void Replay::add(Episode episode) {
  episode.states.resize((episode.length() + 1) * state_size_);
  const std::size_t size = episode.bytes();
  if (size > budget_) {
    throw Error("An episode of " + std::to_string(size) + " bytes does not fit into the replay's budget of " +
                std::to_string(budget_) + " bytes; raise the budget.");
  }
  while (bytes_ + size > budget_) {
    const Episode& oldest = episodes_.front();
    bytes_ -= oldest.bytes();
    steps_ -= static_cast<std::int64_t>(oldest.length());
    dropped_ = ends_.front();
    episodes_.pop_front();
    ends_.pop_front();
  }
  bytes_ += size;
  steps_ += static_cast<std::int64_t>(episode.length());
  const std::int64_t before = ends_.empty() ? dropped_ : ends_.back();
  ends_.push_back(before + static_cast<std::int64_t>(episode.length()) + 1);
  episodes_.push_back(std::move(episode));
}

void Replay::clear() {
  episodes_.clear();
  ends_.clear();
  bytes_ = 0;
  steps_ = 0;
  dropped_ = 0;
}

std::int64_t Replay::frames() const {
  return ends_.empty() ? 0 : ends_.back() - dropped_;
}

Replay::Place Replay::place(std::int64_t index) const {
  if (index < 0 || index >= frames()) {
    throw Error("The replay has no frame " + std::to_string(index) + "; it holds " + std::to_string(frames()) + ".");
  }
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), index + dropped_);
  const auto episode = static_cast<std::size_t>(found - ends_.begin());
  const std::int64_t begin = episode == 0 ? dropped_ : ends_[episode - 1];
  return {episode, static_cast<std::size_t>(index + dropped_ - begin)};
}

Replay::Place Replay::after(Place place) const {
  if (place.time < episodes_[place.episode].length()) return {place.episode, place.time + 1};
  return {(place.episode + 1) % episodes_.size(), 0};
}

std::span<const std::uint16_t> Replay::state(Place place) const {
  return {episodes_[place.episode].states.data() + place.time * state_size_, state_size_};
}

std::span<std::uint16_t> Replay::state(Place place) {
  return {episodes_[place.episode].states.data() + place.time * state_size_, state_size_};
}

}  // namespace dream
