#include "core/nn/bf16_kernel.h"

namespace dream {
namespace {

template <typename Lanes, typename From, typename To>
[[gnu::always_inline]] inline void convert(std::int64_t count, const From* x, To* y) {
  each_block<Lanes>(count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
    Lanes v;
    load_block(v, x + k, full, end);
    store_block(y + k, v, full, end);
  });
}

}  // namespace

DREAM_VECTOR_CLONES void widen(std::int64_t count, const Bf16* x, float* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { convert<decltype(lanes)>(count, x, y); });
}
DREAM_VECTOR_CLONES void narrow(std::int64_t count, const float* x, Bf16* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { convert<decltype(lanes)>(count, x, y); });
}

}  // namespace dream
