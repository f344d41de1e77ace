#include "core/engine/vmc/episode_batches.h"

#include <algorithm>
#include <numeric>

namespace dream {

const std::vector<std::size_t>& EpisodeBatches::next(std::int64_t steps) {
  if (batches_.empty()) plan(steps);
  if (place_.batch >= static_cast<std::int64_t>(batches_.size())) {
    place_ = {place_.epoch + 1, 0};
    plan(steps);
  }
  return batches_[static_cast<std::size_t>(place_.batch++)];
}

void EpisodeBatches::plan(std::int64_t steps) {
  auto rng = rng_.fork(static_cast<std::uint64_t>(place_.epoch));
  // Lengths are blurred before they are sorted: the company of an episode changes from epoch to epoch.
  std::vector<double> blurred;
  for (const auto length : lengths_) blurred.push_back(static_cast<double>(length) * rng.uniform(0.8, 1.25));
  std::vector<std::size_t> order(lengths_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t episode) { return blurred[episode]; });
  batches_.clear();
  std::int64_t full = steps;
  for (const auto episode : order) {
    if (full >= steps) batches_.emplace_back(), full = 0;
    batches_.back().push_back(episode);
    full += lengths_[episode];
  }
  for (auto left = batches_.size(); left > 1; --left) std::swap(batches_[left - 1], batches_[rng.integers(left)]);
}

}  // namespace dream
