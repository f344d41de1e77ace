#pragma once
#include <cstdint>

namespace dream {

/// -log Σ_k π_k N(z; μ_k, σ_k²) of `count` scalars and its gradient in one pass, without intermediates. `outputs` holds,
/// per scalar, K logits, K means and K log deviations in a row, as M's head gives them; the logits need not be
/// normalised. `gradient` (same layout) is d(nll)/d(outputs); it may be `outputs` itself. Returns the sum of the nll.
/// K is at most 64.
double mixture_nll_gradient(std::int64_t count, std::int64_t mixtures, const float* outputs, const float* values,
                            float* gradient);

}  // namespace dream
