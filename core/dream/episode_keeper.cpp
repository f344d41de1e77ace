#include "core/dream/episode_keeper.h"

#include <algorithm>

namespace dream {
namespace {

Observation of_one_lane(const Observation& seen) {
  const auto first = [](const torch::Tensor& x) { return x.defined() ? x[0].cpu() : x; };
  return {first(seen.image), first(seen.vector)};
}

}  // namespace

void EpisodeKeeper::begin(std::uint64_t seed, const Observation& observation) {
  end();
  recorder_.begin(seed, of_one_lane(observation));
  begun_ = true;
}

void EpisodeKeeper::add(std::int64_t step, const torch::Tensor& action, const StepResult& result, const Observation& observation) {
  if (!begun_) return;
  recorder_.add(action[0].cpu(), result, of_one_lane(observation));
  lived_.push_back(step);
}

void EpisodeKeeper::back_to(std::int64_t step, bool other) {
  if (other) return end();
  while (!lived_.empty() && lived_.back() > step) lived_.pop_back();
  if (begun_) recorder_.cut(steps());
}

void EpisodeKeeper::end() {
  if (begun_ && !lived_.empty()) sink_(recorder_.take());
  lived_.clear();
  begun_ = false;
}

}  // namespace dream
