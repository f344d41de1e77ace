#include "core/engine/recorder.h"

namespace dream {

void Recorder::append(const torch::Tensor& image) {
  const auto whole = image.contiguous();
  const auto* bytes = whole.data_ptr<std::uint8_t>();
  episode_.frames.insert(episode_.frames.end(), bytes, bytes + whole.numel());
}

void Recorder::begin(std::uint64_t seed, const torch::Tensor& image) {
  episode_ = {};
  episode_.seed = seed;
  episode_.height = spaces_.image_height;
  episode_.width = spaces_.image_width;
  episode_.channels = spaces_.image_channels;
  episode_.action_size = static_cast<int>(spaces_.action.size());
  append(image);
}

void Recorder::add(const torch::Tensor& action, const StepResult& result, const torch::Tensor& image) {
  const auto row = action.contiguous();
  episode_.actions.insert(episode_.actions.end(), row.data_ptr<float>(), row.data_ptr<float>() + row.numel());
  episode_.rewards.push_back(result.reward);
  episode_.terminated.push_back(result.terminated);
  episode_.truncated.push_back(result.truncated);
  append(image);
}

}  // namespace dream
