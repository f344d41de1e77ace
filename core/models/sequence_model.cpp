#include "core/models/sequence_model.h"

namespace dream {

SequenceBatch SequenceBatch::to(const torch::Device& device) const {
  const auto move = [&](const torch::Tensor& x) { return x.defined() ? x.to(device) : x; };
  return {move(image), move(vector), move(action), move(reward), move(terminated), move(last), move(first)};
}

}  // namespace dream
