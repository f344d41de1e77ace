#include "core/data/replay.h"

#include <algorithm>
#include <utility>

#include "api/error.h"

namespace dream {

Replay::Replay(std::size_t budget_bytes, std::size_t state_size) : budget_(budget_bytes), state_size_(state_size) {}

std::size_t Replay::bytes_of(const Episode& episode) const {
  return episode.bytes() + ((episode.length() + 1) * state_size_ - episode.states.size()) * 2;
}

Replay::Lane& Replay::lane_of(int lane) {
  if (lane < 0) throw Error("An episode under way must have a lane.");
  if (lanes_.size() <= static_cast<std::size_t>(lane)) lanes_.resize(static_cast<std::size_t>(lane) + 1);
  return lanes_[static_cast<std::size_t>(lane)];
}

/// For `size` bytes more.
void Replay::make_room(std::size_t size) {
  if (open_bytes_ + size > budget_) {
    throw Error("An episode of " + std::to_string(size) + " bytes" +
                (open_bytes_ > 0 ? " beside " + std::to_string(open_bytes_) + " of those under way" : "") +
                " does not fit into the replay's budget of " + std::to_string(budget_) + " bytes; raise the budget.");
  }
  while (bytes_ + size > budget_) {
    const Episode& oldest = whole_.front().episode;
    bytes_ -= oldest.bytes();
    steps_ -= static_cast<std::int64_t>(oldest.length());
    dropped_ = ends_.front();
    ++numbers_;
    whole_.pop_front();
    ends_.pop_front();
  }
}

/// Its bytes and steps have been counted; `latest` is the episode before it in its stream.
void Replay::join(Episode episode, std::int64_t& latest) {
  const auto before = ends_.empty() ? dropped_ : ends_.back(),
             number = numbers_ + static_cast<std::int64_t>(whole_.size());
  ends_.push_back(before + static_cast<std::int64_t>(episode.length()) + 1);
  if (latest < numbers_) latest = none;  // it is gone
  whole_.push_back({std::move(episode), latest, none});
  if (latest != none) whole_[static_cast<std::size_t>(latest - numbers_)].after = number;
  latest = number;
}

void Replay::add(Episode episode) {
  episode.states.resize((episode.length() + 1) * state_size_);
  const std::size_t size = episode.bytes();
  make_room(size);
  bytes_ += size;
  steps_ += static_cast<std::int64_t>(episode.length());
  auto& latest = episode.lane < 0 ? latest_ : lane_of(episode.lane).latest;
  join(std::move(episode), latest);
}

void Replay::extend(const Episode& piece) {
  auto& lane = lane_of(piece.lane);
  auto& open = lane.open;
  const auto frames = static_cast<std::int64_t>(piece.length()) + (lane.begun ? 0 : 1);
  const auto grows = piece.bytes() - piece.states.size() * 2 + static_cast<std::size_t>(frames) * state_size_ * 2;
  make_room(grows);
  if (!lane.begun) {
    open = {};
    open.seed = piece.seed, open.lane = piece.lane;
    open.height = piece.height, open.width = piece.width, open.channels = piece.channels;
    open.action_size = piece.action_size, open.vector_size = piece.vector_size;
    lane.begun = true, lane.known = 0;
  }
  const auto before = open.bytes();
  open.append(piece);
  open.states.resize((open.length() + 1) * state_size_);
  const auto told = std::min(piece.states.size(), open.states.size() - lane.known);
  std::copy_n(piece.states.begin(), told, open.states.begin() + static_cast<std::ptrdiff_t>(lane.known));
  lane.known += told;
  const auto grown = open.bytes() - before;
  bytes_ += grown, open_bytes_ += grown;
  steps_ += static_cast<std::int64_t>(piece.length());
  open_frames_ += frames, lane.fresh += frames;
  if (!open.ended()) return;
  open_bytes_ -= open.bytes();
  open_frames_ -= static_cast<std::int64_t>(open.length()) + 1;
  lane.begun = false;
  join(std::move(open), lane.latest);
}

void Replay::clear() {
  *this = Replay(budget_, state_size_);
}

std::int64_t Replay::whole_frames() const {
  return ends_.empty() ? 0 : ends_.back() - dropped_;
}

const Episode& Replay::episode(std::size_t index) const {
  return index < whole_.size() ? whole_[index].episode : lanes_[index - whole_.size()].open;
}

Replay::Position Replay::position(std::int64_t index) const {
  if (index < 0 || index >= frames()) {
    throw Error("The replay has no frame " + std::to_string(index) + "; it holds " + std::to_string(frames()) + ".");
  }
  if (index >= whole_frames()) {
    auto time = static_cast<std::size_t>(index - whole_frames());
    for (std::size_t lane = 0;; ++lane) {
      const auto there = lanes_[lane].begun ? lanes_[lane].open.length() + 1 : 0;
      if (time < there) return {whole_.size() + lane, time};
      time -= there;
    }
  }
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), index + dropped_);
  const auto episode = static_cast<std::size_t>(found - ends_.begin());
  const std::int64_t begin = episode == 0 ? dropped_ : ends_[episode - 1];
  return {episode, static_cast<std::size_t>(index + dropped_ - begin)};
}

std::int64_t Replay::index(Position at) const {
  const auto time = static_cast<std::int64_t>(at.time);
  if (at.episode < whole_.size()) return time + (at.episode == 0 ? 0 : ends_[at.episode - 1] - dropped_);
  auto before = whole_frames();
  for (std::size_t lane = 0; lane < at.episode - whole_.size(); ++lane) {
    if (lanes_[lane].begun) before += static_cast<std::int64_t>(lanes_[lane].open.length()) + 1;
  }
  return before + time;
}

Replay::Position Replay::after(Position at) const {
  const auto& here = episode(at.episode);
  if (at.time < here.length()) return {at.episode, at.time + 1};
  if (at.episode < whole_.size()) {
    if (const auto next = whole_[at.episode].after; next != none) {
      return {static_cast<std::size_t>(next - numbers_), 0};
    }
    const auto lane = static_cast<std::size_t>(here.lane);
    if (here.lane >= 0 && lanes_[lane].begun) return {whole_.size() + lane, 0};
  }
  return this->position(0);
}

void Replay::set_fresh(std::int64_t lane, std::int64_t frames) {
  auto& mine = lane_of(static_cast<int>(lane));
  auto there = mine.begun ? static_cast<std::int64_t>(mine.open.length()) + 1 : 0;
  for (auto number = mine.latest; number >= numbers_ && there < frames;) {
    const auto& whole = whole_[static_cast<std::size_t>(number - numbers_)];
    there += static_cast<std::int64_t>(whole.episode.length()) + 1;
    number = whole.before;
  }
  mine.fresh = std::clamp<std::int64_t>(frames, 0, there);
}

Replay::Position Replay::first_fresh(std::int64_t lane) const {
  const auto index = static_cast<std::size_t>(lane);
  const auto& mine = lanes_[index];
  auto left = mine.fresh;
  if (mine.begun) {
    const auto there = static_cast<std::int64_t>(mine.open.length()) + 1;
    if (left <= there) return {whole_.size() + index, static_cast<std::size_t>(there - left)};
    left -= there;
  }
  for (auto number = mine.latest;;) {
    const auto at = static_cast<std::size_t>(number - numbers_);
    const auto there = static_cast<std::int64_t>(whole_[at].episode.length()) + 1;
    if (left <= there) return {at, static_cast<std::size_t>(there - left)};
    left -= there;
    number = whole_[at].before;
  }
}

std::span<const std::uint16_t> Replay::state(Position at) const {
  return {episode(at.episode).states.data() + at.time * state_size_, state_size_};
}

std::span<std::uint16_t> Replay::state(Position at) {
  const auto known = std::as_const(*this).state(at);
  return {const_cast<std::uint16_t*>(known.data()), known.size()};
}

}  // namespace dream
