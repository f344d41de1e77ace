#include "core/models/sequence_model.h"

namespace dream {

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

}  // namespace dream
