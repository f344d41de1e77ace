#pragma once
#include <cstdint>

namespace dream {

/// Draws from `count` scalar mixtures at once. `outputs` holds, per scalar, K logits, K means and K log deviations in a
/// row; the component is the first whose cumulative softmax(logits / τ_mix) reaches `uniform`, the last one catching
/// what rounding leaves over; then value = μ + σ·`spread`·`normal`, spread being √τ_σ.
void mixture_sample(std::int64_t count, std::int64_t mixtures, const float* outputs, float tau_mixture, float spread,
                    const float* uniform, const float* normal, float* value, std::int64_t* component);

}  // namespace dream
