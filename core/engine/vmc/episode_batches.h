#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/rng.h"

namespace dream {

/// Whole episodes in batches: each once an epoch, beside others of about its length, so that little of a batch is padding.
class EpisodeBatches {
 public:
  /// Where it stands: all that it takes to go on from there.
  struct Place {
    std::int64_t epoch = 0, batch = 0;
  };

  EpisodeBatches() = default;
  /// `lengths` in steps. Everything random comes from `rng`, for every epoch anew.
  EpisodeBatches(std::vector<std::int64_t> lengths, const Rng& rng, Place place) : lengths_(std::move(lengths)), rng_(rng), place_(place) {}

  bool empty() const { return lengths_.empty(); }
  /// The episodes of the next batch: as many as it takes for `steps`. Another number counts from the next epoch on.
  const std::vector<std::size_t>& next(std::int64_t steps);
  Place place() const { return place_; }

 private:
  void plan(std::int64_t steps);

  std::vector<std::int64_t> lengths_;
  Rng rng_;
  Place place_;
  std::vector<std::vector<std::size_t>> batches_;  // of the epoch under way; empty before the first
};

}  // namespace dream
