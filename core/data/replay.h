#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "core/data/episode.h"

namespace dream {

/// Episodes in memory within a byte budget: when a new one does not fit, the oldest go. Not thread-safe.
class Replay {
 public:
  /// `state_size`: numbers of a model's memory that are kept beside every frame, as the model last saw it (the replay
  /// context of Dreamer V3); 0: none.
  explicit Replay(std::size_t budget_bytes, std::size_t state_size = 0);

  void add(Episode episode);
  void clear();

  std::size_t bytes() const { return bytes_; }
  std::size_t budget() const { return budget_; }
  /// What an episode takes here, bytes.
  std::size_t bytes_of(const Episode& episode) const;
  std::size_t episodes() const { return episodes_.size(); }
  std::int64_t steps() const { return steps_; }      // sum of T
  std::int64_t frames() const;                       // sum of T + 1
  std::int64_t dropped() const { return dropped_; }  // frames of episodes that are gone
  const Episode& episode(std::size_t index) const { return episodes_[index]; }

  /// Where frame `index` of all frames (0 … frames()-1, in order of age) lies.
  struct Place {
    std::size_t episode, time;
  };
  Place place(std::int64_t index) const;
  /// The frame after it: of the next episode where one ends, of the first after the last.
  Place after(Place place) const;

  /// bf16 [state_size]; zeros until something is known.
  std::size_t state_size() const { return state_size_; }
  std::span<const std::uint16_t> state(Place place) const;
  std::span<std::uint16_t> state(Place place);

 private:
  std::size_t budget_, state_size_, bytes_ = 0;
  std::int64_t steps_ = 0;
  std::deque<Episode> episodes_;
  std::deque<std::int64_t> ends_;  // running count of frames ever added, for place()
  std::int64_t dropped_ = 0;       // of them, those of episodes that are gone
};

}  // namespace dream
