#pragma once
#include "core/nn/torch.h"

#include "api/value.h"
#include "core/base/choice.h"

namespace dream {

/// sign(x)·ln(1 + |x|), and its inverse.
torch::Tensor symlog(const torch::Tensor& x);
torch::Tensor symexp(const torch::Tensor& x);

/// How a network says a number: the mean of a normal of deviation 1, or two-hot bins of one of two kinds.
enum class NumberHead { normal, symlog, symexp };
constexpr auto choice_names(NumberHead) {
  return names_of_choice("normal", "symlog", "symexp");
}

/// A number as a distribution over bins (Hafner et al. 2023, eq. 9): trained with cross-entropy towards the two bins
/// that enclose the target, read as the mean.
class TwoHot {
 public:
  enum class Kind {
    symlog,  // V3-23: bins lie evenly in symlog space, the target is interpolated there, the mean is taken there
    symexp,  // V3-24: the bins are symexp of even ones, and target and mean live in the raw space
  };
  static Kind kind_of(NumberHead head) { return head == NumberHead::symlog ? Kind::symlog : Kind::symexp; }
  TwoHot() = default;
  /// Bins from -limit to limit in symlog space: 20 in Dreamer V3, 10 in TD-MPC2.
  TwoHot(Kind kind, std::int64_t bins, const torch::Device& device, double limit = 20);

  torch::Tensor mean(const torch::Tensor& logits) const;                          // [..., bins] -> [...]
  torch::Tensor target(const torch::Tensor& x) const;                             // [...] -> [..., bins]
  torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& x) const;  // cross-entropy, [...]
  /// The distribution of one prediction [bins] over symlog(x), as far as it has any mass.
  Curve curve(const torch::Tensor& logits) const;
  const torch::Tensor& bins() const { return bins_; }

 private:
  Kind kind_ = Kind::symexp;
  torch::Tensor bins_;  // [bins], rising
};

}  // namespace dream
