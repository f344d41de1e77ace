#pragma once
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset_sources.h"
#include "core/data/replay.h"

namespace dream {

/// Where a stream of episodes stands: its passes one after the other, counted in episodes.
struct StreamPlace {
  std::int64_t oldest = 0, next = 0;  // in memory; to be read
  double learned = 0;                 // frames that no exchange was made for yet
};

/// Given episodes that do not fit into memory together. A replay holds some of them, and while one learns from these the
/// oldest are exchanged for others, which a thread of its own reads ahead: every pass goes through all of them, in an order
/// drawn anew. What is in memory depends on the seed and on how much was learned alone, not on how fast the disk is.
class EpisodeStream {
 public:
  /// How often a frame is learned from, on average, while it is in memory: what one more frame costs to read is shared
  /// by so many.
  static constexpr double draws_per_frame = 4;

  /// Goes on from `place`, with what was in memory there.
  EpisodeStream(std::unique_ptr<DatasetSources> from, const Rng& order, const StreamPlace& place = {},
                double draws = draws_per_frame);
  ~EpisodeStream();

  /// One more episode into a replay that is filled; false once it is. Throws dream::Error where an episode cannot be read,
  /// and where not one can.
  bool fill(Replay& replay);
  /// `frames` more were learned from: exchanges what is due. Waits for what is still being read.
  void learned(Replay& replay, double frames);

  const StreamPlace& place() const { return place_; }
  std::size_t episodes() const { return from_->episodes(); }
  /// Which episodes were left out so far, what was done to datasets, and that they come and go; a sentence each.
  std::vector<std::string> notes() const;

 private:
  const std::optional<Episode>& next();
  void move(Replay* replay);
  std::size_t index_of(std::int64_t number);

  std::unique_ptr<DatasetSources> from_;
  Rng seed_;
  StreamPlace place_;
  double draws_;
  std::vector<std::string> notes_;
  std::int64_t filled_at_;  // the number at which memory was full; 0: it shows
  std::int64_t pass_ = -1;
  std::vector<std::size_t> order_;    // of that pass
  std::deque<std::int64_t> numbers_;  // of the episodes in memory
  std::optional<std::optional<Episode>> next_;  // read; nothing in it: damaged, and to be left out
  std::future<std::optional<Episode>> ahead_;   // the one after it
};

}  // namespace dream
