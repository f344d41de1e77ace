#pragma once
#include "core/nn/torch.h"

namespace dream {

/// h(x) = sign(x)(√(|x| + 1) − 1) + 0.001·x (Pohlen et al. 2018; MuZero, appendix F), and its inverse.
torch::Tensor squash(const torch::Tensor& x);
torch::Tensor unsquash(const torch::Tensor& x);

/// A number as a distribution over the whole numbers −limit … limit, to which h takes it (MuZero, appendix F): trained with
/// cross-entropy towards the two that enclose the target, read as the mean.
class ValueSupport {
 public:
  ValueSupport() = default;
  explicit ValueSupport(std::int64_t limit) : limit_(limit) {}
  std::int64_t bins() const { return 2 * limit_ + 1; }

  torch::Tensor target(const torch::Tensor& x) const;                             // [...] -> [..., bins]
  torch::Tensor mean(const torch::Tensor& logits) const;                          // [..., bins] -> [...]
  torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& x) const;  // cross-entropy, [...]

 private:
  std::int64_t limit_ = 20;
};

}  // namespace dream
