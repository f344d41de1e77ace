#include "core/nn/mish_kernel.h"

#include "core/nn/fast_math.h"

namespace dream {
namespace {

constexpr float mish_end = 20;  // beyond it mish(x) is x

[[gnu::always_inline]] inline float mish_power(float x) {
  return fast_exp(x < mish_end ? x : mish_end);
}

}  // namespace

DREAM_VECTOR_CLONES void mish_forward(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float w = mish_power(x[i]), n = w * (w + 2);
    y[i] = x[i] * (n / (n + 2));
  }
}

DREAM_VECTOR_CLONES void mish_backward(std::int64_t count, const float* __restrict x, const float* __restrict dy,
                                       float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float w = mish_power(x[i]), n = w * (w + 2), rest = 2 / (n + 2);  // 1 - tanh
    const float slope = rest * (2 - rest) * (w / (1 + w));                  // of the tanh: (1 - tanh²)·σ(x)
    dx[i] = dy[i] * (1 - rest + x[i] * slope);
  }
}

}  // namespace dream
