#include "core/nn/simplex_kernel.h"

#include <utility>

namespace dream {
namespace {

/// Each lane gets that of the lane whose number differs in the bit `step`.
template <int step, typename Lanes, int... lane>
[[gnu::always_inline]] inline void swap_lanes(Lanes& to, const Lanes& from, std::integer_sequence<int, lane...>) {
  to = __builtin_shufflevector(from, from, (lane ^ step)...);
}

/// Each lane gets fold() of its eight.
template <typename Lanes, typename Fold>
[[gnu::always_inline]] inline void fold_groups(Lanes& x, const Fold& fold) {
  constexpr auto all = std::make_integer_sequence<int, lane_count<Lanes>>{};
  Lanes other;
  swap_lanes<1>(other, x, all);
  fold(x, other);
  swap_lanes<2>(other, x, all);
  fold(x, other);
  swap_lanes<4>(other, x, all);
  fold(x, other);
}

template <typename Lanes>
[[gnu::always_inline]] inline void sum_groups(Lanes& x) {
  fold_groups(x, [](Lanes& to, const Lanes& other) __attribute__((always_inline)) { to += other; });
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void simplex_up(std::int64_t count, const T* x, T* y) {
  each_block<Lanes>(count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
    Lanes v, most, sum;
    load_block(v, x + k, full, end);
    most = v;
    fold_groups(most,
                [](Lanes& to, const Lanes& other) __attribute__((always_inline)) { to = to < other ? other : to; });
    v -= most;
    exp_lanes(v);
    sum = v;
    sum_groups(sum);
    v /= sum;
    store_block(y + k, v, full, end);
  });
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void simplex_down(std::int64_t count, const T* y, const T* dy, T* dx) {
  each_block<Lanes>(count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
    Lanes share, slope, sum;
    load_block(share, y + k, full, end);
    load_block(slope, dy + k, full, end);
    sum = share * slope;
    sum_groups(sum);
    slope = share * (slope - sum);
    store_block(dx + k, slope, full, end);
  });
}

}  // namespace

DREAM_VECTOR_CLONES void simplex_forward(std::int64_t count, const float* x, float* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { simplex_up<decltype(lanes)>(count, x, y); });
}
DREAM_VECTOR_CLONES void simplex_forward(std::int64_t count, const Bf16* x, Bf16* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { simplex_up<decltype(lanes)>(count, x, y); });
}
DREAM_VECTOR_CLONES void simplex_backward(std::int64_t count, const float* y, const float* dy, float* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { simplex_down<decltype(lanes)>(count, y, dy, dx); });
}
DREAM_VECTOR_CLONES void simplex_backward(std::int64_t count, const Bf16* y, const Bf16* dy, Bf16* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { simplex_down<decltype(lanes)>(count, y, dy, dx); });
}

}  // namespace dream
