#pragma once
#include "core/nn/torch.h"

namespace dream {

/// Group normalisation (Wu & He 2018): every group of channels of a picture to mean 0 and variance 1, then a channel's scale and
/// shift, then SiLU where asked for. x [N, C, H, W]; scale and shift [N or 1, C], both or neither. On the processor two passes over
/// channels-last memory, and two back where scale and shift are given and all is float32, ATen's operations else; without gradients in x
/// itself where `in_place` and it lies so.
torch::Tensor group_norm(const torch::Tensor& x, std::int64_t groups, double eps, const torch::Tensor& scale = {},
                         const torch::Tensor& shift = {}, bool silu = false, bool in_place = false);

/// The same as a line of every channel, x·rate + offset, times base + scale and shifted: rate and offset [C] from Σ x and Σ x² of the
/// pixels, sums [2, C]. Scale and shift [C] may be null; where mean and inverse [groups] are not, they get the moments: mean and
/// 1 / deviation.
struct NormLine {
  std::int64_t pixels, channels, groups;
  double eps, base;
  const float *scale, *shift;
};
void norm_line(const NormLine& of, const double* sums, float* rate, float* offset, double* mean = nullptr, double* inverse = nullptr);

/// eloialonso/diamond, blocks.py: groups of 32 channels, at least one.
constexpr std::int64_t group_channels = 32;
constexpr double group_eps = 1e-5;
inline std::int64_t groups_of(std::int64_t channels) {
  return std::max<std::int64_t>(1, channels / group_channels);
}

/// Such a norm whose scale and shift are learned; of groups_of() groups, or of so many.
class GroupNormImpl : public torch::nn::Module {
 public:
  explicit GroupNormImpl(std::int64_t channels, std::int64_t groups = 0);
  torch::Tensor forward(const torch::Tensor& x, bool silu = false);
  std::int64_t groups() const { return groups_; }
  const torch::Tensor& scale() const { return weight_; }  // [C]
  const torch::Tensor& shift() const { return bias_; }

 private:
  std::int64_t groups_;
  torch::Tensor weight_, bias_;  // [C]
};
TORCH_MODULE(GroupNorm);

}  // namespace dream
