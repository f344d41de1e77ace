#pragma once
#include <cstdint>

namespace dream {

/// y = x·(1 + tanh(√(2/π)(x + 0.044715 x³))) / 2 (Hendrycks & Gimpel 2016) of `count` numbers, which is x·σ of twice
/// what the tanh is of: one exponential. x and y are apart.
void gelu_forward(std::int64_t count, const float* x, float* y);
/// dx from dy.
void gelu_backward(std::int64_t count, const float* x, const float* dy, float* dx);

}  // namespace dream
