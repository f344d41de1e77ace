#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "core/data/episode.h"

namespace dream {

/// Episodes in memory within a byte budget: when a new one does not fit, the oldest go. Not thread-safe.
class Replay {
 public:
  explicit Replay(std::size_t budget_bytes);

  void add(Episode episode);
  void clear();

  std::size_t bytes() const { return bytes_; }
  std::size_t budget() const { return budget_; }
  std::size_t episodes() const { return episodes_.size(); }
  std::int64_t steps() const { return steps_; }  // sum of T
  std::int64_t frames() const;                   // sum of T + 1
  const Episode& episode(std::size_t index) const { return *episodes_[index]; }

  /// Where frame `index` of all frames (0 … frames()-1, in order of age) lies.
  struct Place {
    std::size_t episode, time;
  };
  Place place(std::int64_t index) const;

 private:
  std::size_t budget_, bytes_ = 0;
  std::int64_t steps_ = 0;
  std::deque<std::shared_ptr<const Episode>> episodes_;
  std::deque<std::int64_t> ends_;  // running count of frames ever added, for place()
  std::int64_t dropped_ = 0;       // of them, those of episodes that are gone
};

}  // namespace dream
