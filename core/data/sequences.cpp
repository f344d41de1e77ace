#include "core/data/sequences.h"

#include <algorithm>
#include <cstring>

#include "api/error.h"

namespace dream {
namespace {

/// visit(t · lanes + lane, position) for every frame of the pieces.
template <typename Visit>
void walk(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps, const Visit& visit) {
  for (std::size_t lane = 0; lane < begins.size(); ++lane) {
    auto position = replay.position(begins[lane]);
    for (std::int64_t t = 0; t < steps; ++t, position = replay.after(position)) {
      visit(static_cast<std::size_t>(t) * begins.size() + lane, position);
    }
  }
}

}  // namespace

SequenceBatch SequenceBatch::to(const torch::Device& device) const {
  const auto move = [&](const torch::Tensor& x) { return x.defined() ? x.to(device) : x; };
  const auto move_all = [&](const Carry& tensors) {
    Carry moved;
    for (const auto& [name, tensor] : tensors) moved[name] = tensor.to(device);
    return moved;
  };
  return {move(image), move(vector), move(action), move(reward), move(terminated), move(last), move(first),
          move_all(before), move_all(extra)};
}

SequenceBatch sequences_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps,
                           bool pictures) {
  const auto lanes = static_cast<std::int64_t>(begins.size());
  const auto& any = replay.episode(replay.position(0).episode);
  const auto grid = [&](std::vector<std::int64_t> rest, torch::Dtype type) {
    rest.insert(rest.begin(), {steps, lanes});
    return torch::zeros(rest, type);
  };
  SequenceBatch batch;
  if (pictures && !any.frames.empty())
    batch.image = torch::empty({steps, lanes, any.height, any.width, any.channels}, torch::kUInt8);
  if (!any.vectors.empty()) batch.vector = grid({any.vector_size}, torch::kFloat32);
  batch.action = grid({any.action_size}, torch::kFloat32);
  batch.reward = grid({}, torch::kFloat32);
  batch.terminated = batch.reward.clone();
  batch.last = batch.reward.clone();
  batch.first = batch.reward.clone();
  const auto actions = static_cast<std::size_t>(any.action_size), values = static_cast<std::size_t>(any.vector_size);
  const auto bytes = any.frame_bytes();
  walk(replay, begins, steps, [&](std::size_t to, Replay::Position position) {
    const auto& episode = replay.episode(position.episode);
    const auto from = position.time;
    for (const auto& [name, column] : episode.extra) {
      auto& rows = batch.extra[name];
      if (!rows.defined()) rows = grid({column.width}, torch::kFloat32);
      if (rows.size(2) != column.width) {
        throw Error("The episodes in the replay have a column '" + name + "' of " + std::to_string(rows.size(2)) +
                    " numbers and one of " + std::to_string(column.width) + "; episodes of one kind were expected.");
      }
      if (!column.per_frame && from == 0) continue;
      const auto width = static_cast<std::size_t>(column.width), row = column.per_frame ? from : from - 1;
      std::copy_n(column.values.data() + row * width, width, rows.data_ptr<float>() + to * width);
    }
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
    if (from == episode.length()) batch.last.data_ptr<float>()[to] = 1;
  });
  return batch;
}

std::vector<std::int64_t> draw_begins(const Replay& replay, std::int64_t lanes, Rng& rng) {
  std::vector<std::int64_t> begins;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    begins.push_back(static_cast<std::int64_t>(rng.integers(static_cast<std::uint64_t>(replay.frames()))));
  }
  return begins;
}

std::vector<std::int64_t> new_begins(Replay& replay, std::int64_t steps, std::int64_t most) {
  for (std::int64_t lane = 0; lane < replay.lanes(); ++lane) replay.set_fresh(lane, replay.fresh(lane));  // still there
  std::vector<std::int64_t> begins;
  for (; most > 0; --most) {
    std::int64_t fullest = 0;
    for (std::int64_t lane = 1; lane < replay.lanes(); ++lane) {
      if (replay.fresh(lane) > replay.fresh(fullest)) fullest = lane;
    }
    if (replay.lanes() == 0 || replay.fresh(fullest) < steps) break;
    begins.push_back(replay.index(replay.first_fresh(fullest)));
    replay.set_fresh(fullest, replay.fresh(fullest) - steps);
  }
  return begins;
}

torch::Tensor states_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps) {
  const auto lanes = static_cast<std::int64_t>(begins.size());
  auto states = torch::empty({steps, lanes, static_cast<std::int64_t>(replay.state_size())}, torch::kBFloat16);
  auto* to = reinterpret_cast<std::uint16_t*>(states.data_ptr());
  walk(replay, begins, steps, [&](std::size_t row, Replay::Position position) {
    std::ranges::copy(replay.state(position), to + row * replay.state_size());
  });
  return states;
}

void keep_states(Replay& replay, const std::vector<std::int64_t>& begins, const torch::Tensor& states) {
  const auto whole = states.contiguous();
  const auto* from = reinterpret_cast<const std::uint16_t*>(whole.data_ptr());
  walk(replay, begins, states.size(0), [&](std::size_t row, Replay::Position position) {
    std::copy_n(from + row * replay.state_size(), replay.state_size(), replay.state(position).data());
  });
}

torch::Tensor states_before(const Replay& replay, std::vector<std::int64_t> begins) {
  for (auto& begin : begins) begin = std::max<std::int64_t>(0, begin - 1);
  return states_at(replay, begins, 1)[0];
}

torch::Tensor states_between(const Replay& replay, std::int64_t begin, std::int64_t end) {
  auto states = torch::empty({end - begin, static_cast<std::int64_t>(replay.state_size())}, torch::kBFloat16);
  auto* to = reinterpret_cast<std::uint16_t*>(states.data_ptr());
  for (auto frame = begin; frame < end; ++frame, to += replay.state_size()) {
    std::ranges::copy(replay.state(replay.position(frame)), to);
  }
  return states;
}

void put_states(Replay& replay, std::int64_t begin, const torch::Tensor& states) {
  const auto whole = states.contiguous();
  const auto* from = reinterpret_cast<const std::uint16_t*>(whole.data_ptr());
  for (std::int64_t row = 0; row < states.size(0); ++row, from += replay.state_size()) {
    std::copy_n(from, replay.state_size(), replay.state(replay.position(begin + row)).data());
  }
}

std::int64_t whole_piece(const Replay& replay, std::int64_t index, std::int64_t steps) {
  const auto position = replay.position(index);
  const auto time = static_cast<std::int64_t>(position.time),
             frames = static_cast<std::int64_t>(replay.episode(position.episode).length()) + 1;
  return index - std::max<std::int64_t>(0, time - std::max<std::int64_t>(0, frames - steps));
}

}  // namespace dream
