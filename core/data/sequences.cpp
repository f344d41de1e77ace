#include "core/data/sequences.h"

#include <algorithm>
#include <cstring>

namespace dream {

SequenceBatch sequences_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps) {
  const auto lanes = static_cast<std::int64_t>(begins.size());
  const auto& any = replay.episode(0);
  const auto grid = [&](std::vector<std::int64_t> rest, torch::Dtype type) {
    rest.insert(rest.begin(), {steps, lanes});
    return torch::zeros(rest, type);
  };
  SequenceBatch batch;
  if (!any.frames.empty())
    batch.image = torch::empty({steps, lanes, any.height, any.width, any.channels}, torch::kUInt8);
  if (!any.vectors.empty()) batch.vector = grid({any.vector_size}, torch::kFloat32);
  batch.action = grid({any.action_size}, torch::kFloat32);
  batch.reward = grid({}, torch::kFloat32);
  batch.terminated = batch.reward.clone();
  batch.last = batch.reward.clone();
  batch.first = batch.reward.clone();
  const auto actions = static_cast<std::size_t>(any.action_size), values = static_cast<std::size_t>(any.vector_size);
  const auto bytes = any.frame_bytes();
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    auto place = replay.place(begins[static_cast<std::size_t>(lane)]);
    for (std::int64_t t = 0; t < steps; ++t) {
      const auto& episode = replay.episode(place.episode);
      const auto to = static_cast<std::size_t>(t * lanes + lane), from = place.time;
      if (batch.image.defined()) {
        std::memcpy(batch.image.data_ptr<std::uint8_t>() + to * bytes, episode.frames.data() + from * bytes, bytes);
      }
      if (batch.vector.defined()) {
        std::memcpy(batch.vector.data_ptr<float>() + to * values, episode.vectors.data() + from * values,
                    values * sizeof(float));
      }
      if (from == 0) {
        batch.first.data_ptr<float>()[to] = 1;
      } else {
        std::memcpy(batch.action.data_ptr<float>() + to * actions, episode.actions.data() + (from - 1) * actions,
                    actions * sizeof(float));
        batch.reward.data_ptr<float>()[to] = episode.rewards[from - 1];
        batch.terminated.data_ptr<float>()[to] = episode.terminated[from - 1] ? 1 : 0;
      }
      if (from == episode.length()) {
        batch.last.data_ptr<float>()[to] = 1;
        place = {(place.episode + 1) % replay.episodes(), 0};
      } else {
        ++place.time;
      }
    }
  }
  return batch;
}

SequenceBatch draw_sequences(const Replay& replay, std::int64_t steps, std::int64_t lanes, Rng& rng) {
  std::vector<std::int64_t> begins;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    begins.push_back(static_cast<std::int64_t>(rng.integers(static_cast<std::uint64_t>(replay.frames()))));
  }
  return sequences_at(replay, begins, steps);
}

std::int64_t whole_piece(const Replay& replay, std::int64_t index, std::int64_t steps) {
  const auto place = replay.place(index);
  const auto time = static_cast<std::int64_t>(place.time),
             frames = static_cast<std::int64_t>(replay.episode(place.episode).length()) + 1;
  return index - std::max<std::int64_t>(0, time - std::max<std::int64_t>(0, frames - steps));
}

}  // namespace dream
