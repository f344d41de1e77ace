#pragma once
#include <functional>
#include <vector>

#include "core/nn/torch.h"

namespace dream {

// The laboratory's arithmetic: float64 on the CPU. What cannot be told (no variance, too few rows) is NaN.

/// Episodes, or starts, that a verdict needs: the bootstrap over fewer is too sure of itself.
constexpr std::size_t enough_to_tell = 8;

struct Interval {
  double value = 0, low = 0, high = 0;  // 95 %, by the bootstrap over episodes; NaN where it cannot be told
};

/// A statistic of whole episodes and its interval: `of` gets the numbers of the episodes to use, with repetitions.
/// 400 resamples, always the same ones. NaN bounds below three episodes.
Interval bootstrap(std::size_t episodes, const std::function<double(const std::vector<std::size_t>&)>& of);
Interval bootstrap_mean(const std::vector<double>& each);
/// Σ over / Σ under, each entry an episode's.
Interval bootstrap_ratio(const std::vector<double>& over, const std::vector<double>& under);

double mean_of(const std::vector<double>& values);
double deviation_of(const std::vector<double>& values);  // of these values, not an estimate

/// From 0; ties share their mean rank.
std::vector<double> ranks_of(const std::vector<double>& values);
/// Rank correlation with ties at their mean rank.
double spearman(const std::vector<double>& a, const std::vector<double>& b);

/// −10 log10 of a mean squared error of values in [0, 1], dB.
double psnr(double mse);
/// Structural similarity (Wang et al. 2004), window of 11 with σ = 1.5, per channel over the valid region; a, b [N, C,
/// H, W] in [0, 1] -> [N]. Pictures smaller than the window give NaN.
torch::Tensor ssim(const torch::Tensor& a, const torch::Tensor& b);

/// Brier score and expected calibration error (15 bins of equal width) of probabilities p against outcomes y in {0, 1}.
struct Reliability {
  double brier = 0, ece = 0, base_rate = 0, base_brier = 0;
  std::vector<double> confidence, frequency, count;  // of the bins that hold any
};
Reliability reliability(const std::vector<double>& p, const std::vector<double>& y);

/// Linear read-out of y [N, K] from x [N, D] by ridge regression, fitted on rows where `held_out` is 0: what it says of
/// the others, float64 [rows held out, K]. The strength is chosen by the last fifth of the rows to fit. Undefined with
/// fewer than 16 rows on either side.
torch::Tensor ridge_guess(const torch::Tensor& x, const torch::Tensor& y, const std::vector<char>& held_out);
/// R² of each column of y by such a read-out. NaN for a column that does not vary among the held-out rows, and all of
/// them where there is no guess.
std::vector<double> ridge_r2(const torch::Tensor& x, const torch::Tensor& y, const std::vector<char>& held_out);

/// (Σλ)² / Σλ² of the covariance of x [N, D]: how many directions are used.
double participation_ratio(const torch::Tensor& x);

/// The first `count` principal components of x [N, D]: coordinates [N, count], directions [D, count], the mean [D] and
/// the share of the variance that each explains.
struct Principal {
  torch::Tensor coordinates, directions, mean;
  std::vector<double> share;
};
Principal principal_components(const torch::Tensor& x, std::int64_t count);

}  // namespace dream
