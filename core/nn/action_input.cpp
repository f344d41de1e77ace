#include "core/nn/action_input.h"

#include "core/nn/torch.h"

namespace dream {

ActionInput::ActionInput(const ActionSpace& space)
    : discrete_(space.discrete()),
      size_(static_cast<std::int64_t>(discrete_ ? space.choices.size() : space.axes.size())),
      low_(space.low),
      high_(space.high) {}

torch::Tensor ActionInput::operator()(const torch::Tensor& action) const {
  if (discrete_) {
    if (action.size(-1) == size_ && size_ > 1) return action;
    const auto index = action.select(-1, 0).round().to(torch::kInt64).clamp(0, size_ - 1);
    return torch::one_hot(index, size_).to(torch::kFloat32);
  }
  const auto low = torch::tensor(low_, action.options().requires_grad(false)),
             high = torch::tensor(high_, action.options().requires_grad(false));
  return (action - low) * (2 / (high - low)) - 1;
}

}  // namespace dream
