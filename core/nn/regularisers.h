#pragma once
#include "core/nn/torch.h"

namespace dream {

// What keeps representations x [N, D] from collapsing to a point. Scalars with gradient.

/// Mean over dimensions of max(0, margin − √(Var + 1e-4)): VICReg's variance term (Bardes et al. 2022, eq. 1). 0.99 of a
/// constant.
torch::Tensor variance_hinge(const torch::Tensor& x, double margin = 1);

/// Mean square of the covariance's off-diagonal (facebookresearch/eb_jepa, CovarianceLoss); VICReg's term (eq. 3, 4) is D − 1
/// times as much.
torch::Tensor covariance_off_diagonal(const torch::Tensor& x);

struct VicRegOptions {
  double invariance = 25, variance = 25, covariance = 1;  // weights
};
/// What is lost on the embeddings of two views, x and y [N, D]: the mean squared distance, the mean of both variance
/// hinges, the sum of both covariance terms Σ (off-diagonal)² / D; scalars (facebookresearch/vicreg, main_vicreg.py).
struct VicReg {
  torch::Tensor invariance, variance, covariance;
  torch::Tensor total(const VicRegOptions& weights) const {
    return weights.invariance * invariance + weights.variance * variance + weights.covariance * covariance;
  }
};
VicReg vic_reg(const torch::Tensor& x, const torch::Tensor& y);

/// 2 − 2 cos(x, y) of every row [N]: BYOL's loss in one direction (Grill et al. 2020, eq. 2).
torch::Tensor byol_distance(const torch::Tensor& x, const torch::Tensor& y);

struct SigRegOptions {
  std::int64_t directions = 256, knots = 10;
  double low = -3, high = 3;  // of t
};
/// SIGReg (Balestriero & LeCun 2025) as eb_jepa has it: along random directions, how far x is from a standard normal by
/// Epps and Pulley's statistic ∫ e^(−t²/2) |φ(t) − e^(−t²/2)|² dt, φ the empirical characteristic function, by the trapezoid
/// rule; the mean over directions. About 0.4 of a constant, 1.05/N of N normal draws.
torch::Tensor sig_reg(const torch::Tensor& x, const SigRegOptions& options, at::Generator rng);
/// The same along given directions [D, M] of norm 1.
torch::Tensor sig_reg_along(const torch::Tensor& x, const torch::Tensor& directions, const SigRegOptions& options);

}  // namespace dream
