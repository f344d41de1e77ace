#include "core/engine/recorder.h"

#include "api/error.h"

namespace dream {

void Recorder::append(const Observation& observation) {
  const auto extend = [](auto& to, const torch::Tensor& from) {
    using Element = typename std::decay_t<decltype(to)>::value_type;
    if (!from.defined()) return;
    const auto whole = from.contiguous();
    to.insert(to.end(), whole.data_ptr<Element>(), whole.data_ptr<Element>() + whole.numel());
  };
  extend(episode_.frames, observation.image);
  extend(episode_.vectors, observation.vector);
}

void Recorder::remember(const torch::Tensor& state) {
  const auto* row = reinterpret_cast<const std::uint16_t*>(state.data_ptr());
  episode_.states.insert(episode_.states.end(), row, row + state.numel());
}

Episode Recorder::empty() const {
  Episode episode;
  episode.lane = lane_;
  episode.height = spaces_.image_height;
  episode.width = spaces_.image_width;
  episode.channels = spaces_.image_channels;
  episode.vector_size = static_cast<int>(spaces_.vector_names.size());
  episode.action_size = static_cast<int>(spaces_.action.size());
  return episode;
}

void Recorder::begin(std::uint64_t seed, const Observation& observation) {
  episode_ = empty();
  episode_.seed = seed;
  told_ = {};
  append(observation);
}

void Recorder::resume(Episode episode) {
  episode_ = std::move(episode);
  told_ = {};
}

Episode Recorder::news() {
  auto piece = empty();
  piece.seed = episode_.seed;
  const auto add = [](auto& to, const auto& from, std::size_t& told) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(told), from.end());
    told = from.size();
  };
  const bool begins = told_.frames + told_.vectors == 0;
  const auto before = told_.steps;
  auto terminated = before, truncated = before;
  add(piece.terminated, episode_.terminated, terminated);
  add(piece.truncated, episode_.truncated, truncated);
  add(piece.rewards, episode_.rewards, told_.steps);
  add(piece.frames, episode_.frames, told_.frames);
  add(piece.vectors, episode_.vectors, told_.vectors);
  add(piece.actions, episode_.actions, told_.actions);
  add(piece.states, episode_.states, told_.states);
  for (const auto& [name, column] : episode_.extra) {
    auto& to = piece.extra[name];
    to.width = column.width, to.per_frame = column.per_frame;
    // What was told before it had this column is known to be zeros.
    const auto rows = before + (column.per_frame && !begins ? 1 : 0);
    auto& told = told_.extra.try_emplace(name, rows * static_cast<std::size_t>(column.width)).first->second;
    add(to.values, column.values, told);
  }
  return piece;
}

void Recorder::add(const torch::Tensor& action, const StepResult& result, const Observation& observation,
                   const Carry& record) {
  for (const auto& [name, tensor] : record) {
    auto& column = episode_.extra[name];
    const auto values = tensor.to(torch::kCPU, torch::kFloat32).contiguous().flatten();
    if (column.values.empty()) column.width = values.numel();
    if (column.width != values.numel()) {
      throw Error("a behaviour's record '" + name + "' has " + std::to_string(values.numel()) + " numbers, and " +
                  std::to_string(column.width) + " before; the same number at every step was expected");
    }
    episode_.fill_columns();  // steps that left nothing
    column.values.insert(column.values.end(), values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
  }
  if (spaces_.costs) {
    auto& column = episode_.extra[cost_column];
    episode_.fill_columns();  // an episode under way may be from before it was kept
    column.values.push_back(result.cost);
  }
  const auto row = action.contiguous();
  episode_.actions.insert(episode_.actions.end(), row.data_ptr<float>(), row.data_ptr<float>() + row.numel());
  episode_.rewards.push_back(result.reward);
  episode_.terminated.push_back(result.terminated);
  episode_.truncated.push_back(result.truncated);
  append(observation);
  episode_.fill_columns();
}

Episode Recorder::take() {
  if (episode_.length() > 0 && episode_.terminated.back() == 0) episode_.truncated.back() = 1;
  return std::move(episode_);
}

}  // namespace dream
