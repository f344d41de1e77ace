#include "core/engine/recorder.h"

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

void Recorder::begin(std::uint64_t seed, const Observation& observation) {
  episode_ = {};
  episode_.seed = seed;
  episode_.height = spaces_.image_height;
  episode_.width = spaces_.image_width;
  episode_.channels = spaces_.image_channels;
  episode_.vector_size = static_cast<int>(spaces_.vector_names.size());
  episode_.action_size = static_cast<int>(spaces_.action.size());
  append(observation);
}

void Recorder::add(const torch::Tensor& action, const StepResult& result, const Observation& observation) {
  const auto row = action.contiguous();
  episode_.actions.insert(episode_.actions.end(), row.data_ptr<float>(), row.data_ptr<float>() + row.numel());
  episode_.rewards.push_back(result.reward);
  episode_.terminated.push_back(result.terminated);
  episode_.truncated.push_back(result.truncated);
  append(observation);
}

}  // namespace dream
