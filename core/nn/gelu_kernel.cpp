#include "core/nn/gelu_kernel.h"

#include "core/nn/fast_math.h"

namespace dream {
namespace {

constexpr float gelu_rate = 1.5957691216f, gelu_cubic = 0.044715f;  // 2 √(2/π)

}  // namespace

DREAM_VECTOR_CLONES void gelu_forward(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = x[i] * fast_sigmoid(gelu_rate * x[i] * (1 + gelu_cubic * x[i] * x[i]));
}

DREAM_VECTOR_CLONES void gelu_backward(std::int64_t count, const float* __restrict x, const float* __restrict dy,
                                       float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float square = x[i] * x[i], share = fast_sigmoid(gelu_rate * x[i] * (1 + gelu_cubic * square));
    dx[i] = dy[i] * share * (1 + (1 - share) * gelu_rate * x[i] * (1 + 3 * gelu_cubic * square));
  }
}

}  // namespace dream
