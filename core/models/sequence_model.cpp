#include "core/models/sequence_model.h"

namespace dream {

SequenceBatch SequenceBatch::to(const torch::Device& device) const {
  const auto move = [&](const torch::Tensor& x) { return x.defined() ? x.to(device) : x; };
  Carry moved;
  for (const auto& [name, tensor] : before) moved[name] = tensor.to(device);
  return {move(image), move(vector), move(action), move(reward), move(terminated), move(last), move(first), moved};
}

}  // namespace dream
