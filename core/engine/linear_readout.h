#pragma once
#include "core/nn/torch.h"

namespace dream {

/// What a line reads of y [N, K] in x [N, D], D of any size: R² of ridge regression, fitted on every other row and judged on
/// the rest; the mean over the columns of y that vary, of which one that is told worse than by its mean counts as 0. Its
/// strength is the one that tells best the last fifth of the rows that it is fitted on. 0 where nothing varies.
double linear_readout(const torch::Tensor& x, const torch::Tensor& y);

}  // namespace dream
