#include "core/nn/lstm_kernel.h"

#include "core/nn/fast_math.h"

namespace dream {

DREAM_VECTOR_CLONES
void lstm_pointwise(std::int64_t rows, std::int64_t hidden, float forget_bias, float* gates, const float* cell_before,
                    float* cell, float* out) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* __restrict i = gates + row * 4 * hidden;
    float* __restrict j = i + hidden;
    float* __restrict f = j + hidden;
    float* __restrict o = f + hidden;
    const float* __restrict before = cell_before + row * hidden;
    float* __restrict c = cell + row * hidden;
    float* __restrict h = out + row * hidden;
    for (std::int64_t k = 0; k < hidden; ++k) {
      i[k] = fast_sigmoid(i[k]);
      j[k] = fast_tanh(j[k]);
      f[k] = fast_sigmoid(f[k] + forget_bias);
      o[k] = fast_sigmoid(o[k]);
      c[k] = f[k] * before[k] + i[k] * j[k];
      h[k] = o[k] * fast_tanh(c[k]);
    }
  }
}

DREAM_VECTOR_CLONES
void lstm_pointwise_backward(std::int64_t rows, std::int64_t hidden, float* gates, const float* cell_before,
                             const float* cell, const float* out_gradient, float* cell_gradient) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* __restrict i = gates + row * 4 * hidden;
    float* __restrict j = i + hidden;
    float* __restrict f = j + hidden;
    float* __restrict o = f + hidden;
    const float* __restrict before = cell_before + row * hidden;
    const float* __restrict c = cell + row * hidden;
    const float* __restrict dh = out_gradient + row * hidden;
    float* __restrict dc = cell_gradient + row * hidden;
    for (std::int64_t k = 0; k < hidden; ++k) {
      const float squashed = fast_tanh(c[k]);
      const float d = dc[k] + dh[k] * o[k] * (1 - squashed * squashed);
      const float gi = i[k], gj = j[k], gf = f[k], go = o[k];
      dc[k] = d * gf;
      i[k] = d * gj * gi * (1 - gi);
      j[k] = d * gi * (1 - gj * gj);
      f[k] = d * before[k] * gf * (1 - gf);
      o[k] = dh[k] * squashed * go * (1 - go);
    }
  }
}

}  // namespace dream
