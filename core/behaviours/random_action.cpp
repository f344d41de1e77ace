#include "core/behaviours/random_action.h"

#include "core/nn/torch.h"

namespace dream {

torch::Tensor random_action(const ActionSpace& space, std::int64_t lanes, at::Generator rng,
                            const torch::Device& device) {
  const auto chance = torch::rand({lanes, static_cast<std::int64_t>(space.size())}, rng,
                                  torch::TensorOptions(device).dtype(torch::kFloat32));
  if (space.discrete()) return torch::floor(chance * static_cast<double>(space.choices.size()));
  const auto low = torch::tensor(space.low, chance.options()), high = torch::tensor(space.high, chance.options());
  return low + chance * (high - low);
}

}  // namespace dream
