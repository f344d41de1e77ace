#pragma once
#include <torch/types.h>

namespace dream {

/// How often each of `rows` values of a [N] came together with each of `columns` values of b [N], int64: float64 [rows,
/// columns].
torch::Tensor counted_together(const torch::Tensor& a, const torch::Tensor& b, std::int64_t rows, std::int64_t columns);

/// Mutual information of the two, as a share of the geometric mean of their entropies: 1 where each tells the other, 0
/// where neither tells anything; of counts [rows, columns]. NaN where one of them never changes.
double normalised_mutual_information(const torch::Tensor& counts);

}  // namespace dream
