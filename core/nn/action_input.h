#pragma once
#include <torch/types.h>

#include "api/spaces.h"

namespace dream {

/// The environment's actions as a network sees them: a box in [-1, 1], a choice as a one-hot. A choice may also come as
/// a one-hot already, with the gradient of who drew it.
class ActionInput {
 public:
  ActionInput() = default;
  explicit ActionInput(const ActionSpace& space);
  std::int64_t size() const { return size_; }
  /// [..., A] -> [..., size()].
  torch::Tensor operator()(const torch::Tensor& action) const;

 private:
  bool discrete_ = false;
  std::int64_t size_ = 0;
  std::vector<float> low_, high_;
};

}  // namespace dream
