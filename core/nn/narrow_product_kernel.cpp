#include "core/nn/narrow_product_kernel.h"

namespace dream {
namespace {

template <typename Lanes>
[[gnu::always_inline]] inline void rows(std::int64_t in, std::int64_t from, std::int64_t to, const float* x, const Bf16* w,
                                        const float* bias, float* y) {
  constexpr int block = lane_count<Lanes>;
  for (std::int64_t o = from; o < to; ++o) {
    const Bf16* row = w + o * in;
    Lanes first = {}, second = {}, a, b, c, d;
    for (std::int64_t i = 0; i < in; i += 2 * block) {
      load_full(a, row + i);
      load_full(b, row + i + block);
      load_full(c, x + i);
      load_full(d, x + i + block);
      first += a * c;
      second += b * d;
    }
    first += second;
    y[o] = lane_sum(first) + (bias ? bias[o] : 0);
  }
}

}  // namespace

DREAM_VECTOR_CLONES void narrow_rows(std::int64_t in, std::int64_t from, std::int64_t to, const float* x, const Bf16* w,
                                     const float* bias, float* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { rows<decltype(lanes)>(in, from, to, x, w, bias, y); });
}

}  // namespace dream
