#pragma once
#include <cstdint>

namespace dream {

/// y = x·tanh(ln(1 + eˣ)) (Misra 2020) of `count` numbers, by one exponential: with n = eˣ(eˣ + 2) it is x·n / (n + 2).
/// x and y are apart.
void mish_forward(std::int64_t count, const float* x, float* y);
/// dx from dy.
void mish_backward(std::int64_t count, const float* x, const float* dy, float* dx);

}  // namespace dream
