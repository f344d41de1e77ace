#pragma once
#include <cstdint>

namespace dream {

/// The most components per scalar that mixture_nll_gradient takes.
constexpr int most_mixtures = 64;

/// -log Σ_k π_k N(z; μ_k, σ_k²) of `count` scalars and its gradient in one pass, without intermediates. `outputs`
/// holds, per scalar, K logits, K means and K log deviations in a row, as M's head gives them; the logits need not be
/// normalised. `gradient` (same layout) is d(nll)/d(outputs); it may be `outputs` itself. Returns the sum of the nll.
/// K is at most `most_mixtures`.
double mixture_nll_gradient(std::int64_t count, std::int64_t mixtures, const float* outputs, const float* values,
                            float* gradient);

}  // namespace dream
