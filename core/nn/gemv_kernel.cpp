#include "core/nn/gemv_kernel.h"

#include "core/nn/vector_block.h"

namespace dream {
namespace {

constexpr int group = 4;  // rows added in one pass over y

template <typename Lanes>
[[gnu::always_inline]] inline void columns(std::int64_t in, std::int64_t out, const float* x, const float* w,
                                           const float* bias, std::int64_t from, std::int64_t to, float* y) {
  const auto width = to - from;
  for (std::int64_t c = 0; c < width; ++c) y[c] = bias ? bias[from + c] : 0;
  std::int64_t k = 0;
  while (k < in) {
    const float* row[group];
    float factor[group];
    int found = 0;
    for (; k < in && found < group; ++k) {
      if (x[k] == 0) continue;
      row[found] = w + k * out + from;
      factor[found++] = x[k];
    }
    if (found == 0) break;
    for (; found < group; ++found) row[found] = row[0], factor[found] = 0;
    std::int64_t c = 0;
    for (; c + lane_count<Lanes> <= width; c += lane_count<Lanes>) {
      Lanes sum, a, b, d, e;
      load_full(sum, y + c);
      load_full(a, row[0] + c);
      load_full(b, row[1] + c);
      load_full(d, row[2] + c);
      load_full(e, row[3] + c);
      sum += (a * factor[0] + b * factor[1]) + (d * factor[2] + e * factor[3]);
      store_full(y + c, sum);
    }
    for (; c < width; ++c)
      y[c] += (row[0][c] * factor[0] + row[1][c] * factor[1]) + (row[2][c] * factor[2] + row[3][c] * factor[3]);
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void gemv_columns(std::int64_t in, std::int64_t out, const float* x, const float* w, const float* bias,
                  std::int64_t from, std::int64_t to, float* y) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { return columns<decltype(lanes)>(in, out, x, w, bias, from, to, y); });
}

}  // namespace dream
