#include "core/nn/lstm_kernel.h"

#include "core/nn/fast_math.h"

namespace dream {
namespace {

// Units side by side. Loops of this fixed length over local arrays are what GCC reliably turns into vector code; the
// last block of a row may be partly idle.
constexpr int block = 16;

[[gnu::always_inline]] inline void load(float (&to)[block], const float* from, int lanes) {
  if (lanes == block) {
    for (int lane = 0; lane < block; ++lane) to[lane] = from[lane];
  } else {
    for (int lane = 0; lane < block; ++lane) to[lane] = from[lane < lanes ? lane : 0];
  }
}

[[gnu::always_inline]] inline void store(float* to, const float (&from)[block], int lanes) {
  if (lanes == block) {
    for (int lane = 0; lane < block; ++lane) to[lane] = from[lane];
  } else {
    for (int lane = 0; lane < lanes; ++lane) to[lane] = from[lane];
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void lstm_pointwise(std::int64_t rows, std::int64_t hidden, float forget_bias, float* gates, const float* cell_before,
                    float* cell, float* out) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* gate = gates + row * 4 * hidden;
    for (std::int64_t k = 0; k < hidden; k += block) {
      const int lanes = static_cast<int>(hidden - k < block ? hidden - k : block);
      float i[block], j[block], f[block], o[block], before[block], c[block], h[block];
      load(i, gate + k, lanes);
      load(j, gate + hidden + k, lanes);
      load(f, gate + 2 * hidden + k, lanes);
      load(o, gate + 3 * hidden + k, lanes);
      load(before, cell_before + row * hidden + k, lanes);
      for (int lane = 0; lane < block; ++lane) i[lane] = fast_sigmoid(i[lane]);
      for (int lane = 0; lane < block; ++lane) j[lane] = fast_tanh(j[lane]);
      for (int lane = 0; lane < block; ++lane) f[lane] = fast_sigmoid(f[lane] + forget_bias);
      for (int lane = 0; lane < block; ++lane) o[lane] = fast_sigmoid(o[lane]);
      for (int lane = 0; lane < block; ++lane) c[lane] = f[lane] * before[lane] + i[lane] * j[lane];
      for (int lane = 0; lane < block; ++lane) h[lane] = o[lane] * fast_tanh(c[lane]);
      store(gate + k, i, lanes);
      store(gate + hidden + k, j, lanes);
      store(gate + 2 * hidden + k, f, lanes);
      store(gate + 3 * hidden + k, o, lanes);
      store(cell + row * hidden + k, c, lanes);
      store(out + row * hidden + k, h, lanes);
    }
  }
}

DREAM_VECTOR_CLONES
void lstm_pointwise_backward(std::int64_t rows, std::int64_t hidden, float* gates, const float* cell_before,
                             const float* cell, const float* out_gradient, float* cell_gradient) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* gate = gates + row * 4 * hidden;
    for (std::int64_t k = 0; k < hidden; k += block) {
      const int lanes = static_cast<int>(hidden - k < block ? hidden - k : block);
      float i[block], j[block], f[block], o[block], before[block], c[block], dh[block], dc[block];
      load(i, gate + k, lanes);
      load(j, gate + hidden + k, lanes);
      load(f, gate + 2 * hidden + k, lanes);
      load(o, gate + 3 * hidden + k, lanes);
      load(before, cell_before + row * hidden + k, lanes);
      load(c, cell + row * hidden + k, lanes);
      load(dh, out_gradient + row * hidden + k, lanes);
      load(dc, cell_gradient + row * hidden + k, lanes);
      for (int lane = 0; lane < block; ++lane) c[lane] = fast_tanh(c[lane]);
      for (int lane = 0; lane < block; ++lane) {
        const float d = dc[lane] + dh[lane] * o[lane] * (1 - c[lane] * c[lane]);
        const float gi = i[lane], gj = j[lane], gf = f[lane], go = o[lane];
        dc[lane] = d * gf;
        i[lane] = d * gj * gi * (1 - gi);
        j[lane] = d * gi * (1 - gj * gj);
        f[lane] = d * before[lane] * gf * (1 - gf);
        o[lane] = dh[lane] * c[lane] * go * (1 - go);
      }
      store(gate + k, i, lanes);
      store(gate + hidden + k, j, lanes);
      store(gate + 2 * hidden + k, f, lanes);
      store(gate + 3 * hidden + k, o, lanes);
      store(cell_gradient + row * hidden + k, dc, lanes);
    }
  }
}

}  // namespace dream
