#include "core/data/episode_stream.h"

#include <numeric>
#include <utility>

#include "api/error.h"

namespace dream {

EpisodeStream::EpisodeStream(std::unique_ptr<DatasetSources> from, const Rng& order, const StreamPlace& place, double draws)
    : from_(std::move(from)), seed_(order), place_(place), draws_(draws), notes_(from_->notes()), filled_at_(place.next) {
  place_.next = place_.oldest;
}

std::vector<std::string> EpisodeStream::notes() const {
  auto all = notes_;
  all.push_back("the datasets hold " + std::to_string(episodes()) +
                " episodes, more than fit into memory at once: a part is there at a time, and is exchanged while it learns");
  return all;
}

EpisodeStream::~EpisodeStream() {
  if (ahead_.valid()) ahead_.wait();  // it reads from what goes now
}

/// Which of the sources' episodes the stream's number `number` is.
std::size_t EpisodeStream::index_of(std::int64_t number) {
  const auto count = static_cast<std::int64_t>(from_->episodes());
  if (const auto pass = number / count; pass != pass_) {
    pass_ = pass;
    order_.resize(from_->episodes());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    auto rng = seed_.fork(static_cast<std::uint64_t>(pass));
    for (auto last = order_.size(); last > 1; --last) std::swap(order_[last - 1], order_[rng.integers(last)]);
  }
  return order_[static_cast<std::size_t>(number % count)];
}

const std::optional<Episode>& EpisodeStream::next() {
  if (!next_) {
    const auto read = [this](std::size_t index) { return from_->read(index); };
    next_ = ahead_.valid() ? ahead_.get() : read(index_of(place_.next));
    if (from_->notes().size() > notes_.size()) notes_ = from_->notes();
    ahead_ = std::async(std::launch::async, read, index_of(place_.next + 1));
  }
  return *next_;
}

/// On to the one after next(), which goes into `replay`, or nowhere.
void EpisodeStream::move(Replay* replay) {
  if (replay) {
    replay->add(std::move(**next_));
    numbers_.push_back(place_.next);
    while (numbers_.size() > replay->episodes()) numbers_.pop_front();
    place_.oldest = numbers_.front();
  }
  next_.reset();
  ++place_.next;
}

bool EpisodeStream::fill(Replay& replay) {
  if (filled_at_ > 0 && place_.next >= filled_at_) return false;
  for (std::size_t tried = 0; tried < from_->episodes(); ++tried) {
    const auto& episode = next();
    if (!episode) {
      move(nullptr);
      continue;
    }
    if (filled_at_ == 0 && replay.episodes() > 0 && replay.bytes() + replay.bytes_of(*episode) > replay.budget()) {
      filled_at_ = place_.next;
      return false;
    }
    move(&replay);
    return true;
  }
  throw Error("of " + std::to_string(from_->episodes()) + " given episodes not one can be read");
}

void EpisodeStream::learned(Replay& replay, double frames) {
  place_.learned += frames;
  for (std::size_t left_out = 0; left_out < from_->episodes();) {
    const auto due = draws_ * static_cast<double>(replay.episode(0).length() + 1);
    if (place_.learned < due) return;
    if (!next()) {
      move(nullptr), ++left_out;
      continue;
    }
    place_.learned -= due;
    move(&replay);
  }
}

}  // namespace dream
