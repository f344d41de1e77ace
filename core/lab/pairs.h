#pragma once
#include <functional>
#include <span>
#include <vector>

#include "core/lab/statistics.h"

namespace dream {

/// What was predicted and what came, out of episodes; their statistics get an interval over episodes.
struct Pairs {
  std::vector<double> predicted, came;
  std::vector<std::size_t> episode;  // of each
  void add(double prediction, double truth, std::size_t of);
  std::size_t size() const { return came.size(); }
};

Pairs together(std::span<const Pairs> parts);

/// Sums over some pairs.
struct PairSums {
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;  // x was predicted, y came
  double spread() const { return yy - y * y / n; }     // Σ (y − mean y)²
  double error() const { return xx - 2 * xy + yy; }    // Σ (x − y)²
};
/// A statistic of sums, its interval by the bootstrap over episodes.
Interval over_episodes(const Pairs& pairs, const std::function<double(const PairSums&)>& of);

Interval r2_of(const Pairs& pairs);     // 1 − Σ (x − y)² / Σ (y − mean y)²: 1 perfect, 0 as good as the mean
Interval slope_of(const Pairs& pairs);  // of y on x: 1 where predictions have the right size
Interval bias_of(const Pairs& pairs);   // mean of x − y
Interval rank_correlation(const Pairs& pairs);  // Spearman's; ranks are those among all pairs

Interval mean_predicted(const Pairs& pairs);
/// Expected calibration error of probabilities, as `reliability` has it.
Interval ece_of(const Pairs& pairs);
double chance_ece(const Pairs& pairs);  // that of exact probabilities, as there are only so many of them

/// Pairs in `bins` bins of equally many, by what was predicted: the means of both, and the pair of each bin that was
/// most wrong. Fewer bins where predictions are alike.
struct Binned {
  std::vector<double> predicted, came, count;
  std::vector<std::size_t> worst;
};
Binned binned(const Pairs& pairs, std::size_t bins);
Binned in_equal_bins(const Pairs& pairs);  // those of `reliability`, of probabilities; without what was most wrong

}  // namespace dream
