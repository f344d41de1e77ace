#pragma once
#include <functional>

#include "core/nn/torch.h"

namespace dream {

/// p(j | i) [N, N] of x [N, D]: Gaussian neighbourhoods whose widths are such that every row's entropy is
/// ln(perplexity), at most ln((N − 1) / 3). Nothing is its own neighbour.
torch::Tensor neighbour_probabilities(const torch::Tensor& x, double perplexity);

struct TsneOptions {
  double perplexity = 30, exaggeration = 12;
  int exaggerated = 150, iterations = 500;  // the first ones pull neighbours together more than they are
};

/// A map of x [N, D] in two dimensions, [N, 2], in which what is near stays near: exact t-SNE (van der Maaten & Hinton
/// 2008), begun from the principal components, so that the same data gives the same map. Memory and time ∝ N²: for up
/// to about 1500. `between` is called often with the share that is done, and may throw.
torch::Tensor tsne(const torch::Tensor& x, const TsneOptions& options, const std::function<void(double)>& between = {});

}  // namespace dream
