#include "core/nn/pool_kernel.h"

namespace dream {
namespace {

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void forward(std::int64_t rows, std::int64_t width, std::int64_t channels, const T* x,
                                           T* y, std::uint8_t* which) {
  const auto line = width * channels;
  auto left = rows / 2 * (width / 2) * channels;  // of y
  for (std::int64_t row = 0; row < rows; row += 2, x += 2 * line) {
    for (std::int64_t at = 0; at < line; at += 2 * channels, y += channels, which += channels, left -= channels) {
      const T* const from[4] = {x + at, x + at + channels, x + at + line, x + at + line + channels};
      each_block<Lanes>(
          channels, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
            Lanes most, v;
            LaneInts<Lanes> best = {};
            load_block(most, from[0] + k, full, end);
            for (int i = 1; i < 4; ++i) {
              load_block(v, from[i] + k, full, end);
              LaneInts<Lanes> larger;
              sign_mask(larger, most - v);
              best = (best & ~larger) | (larger & i);
              choose(most, larger, v, most);
            }
            store_block(y + k, most, full, end);
            const LaneBytes<Lanes> bytes = __builtin_convertvector(best, LaneBytes<Lanes>);
            std::memcpy(which + k, &bytes, end.edge ? static_cast<std::size_t>(end.used) : sizeof bytes);
          });
    }
  }
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void backward(std::int64_t rows, std::int64_t width, std::int64_t channels,
                                            const std::uint8_t* which, const T* dy, T* dx) {
  const auto line = width * channels, pooled = line / 2;
  auto left = rows * line;  // of dx
  for (std::int64_t row = 0; row < rows; row += 2, which += pooled, dy += pooled) {
    for (int lower = 0; lower < 2; ++lower) {
      for (std::int64_t at = 0; at < pooled; at += channels) {
        for (int right = 0; right < 2; ++right, dx += channels, left -= channels) {
          const int here = 2 * lower + right;
          const auto left_of_dy = (rows - row) / 2 * pooled - at;
          each_block<Lanes>(
              channels, left < left_of_dy ? left : left_of_dy,
              [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
                Lanes v;
                LaneBytes<Lanes> bytes = {};
                load_block(v, dy + at + k, full, end);
                std::memcpy(&bytes, which + at + k, end.edge ? static_cast<std::size_t>(end.used) : sizeof bytes);
                const LaneInts<Lanes> other = __builtin_convertvector(bytes, LaneInts<Lanes>) ^ here;
                choose(v, (other - 1) >> 31, v, Lanes{});
                store_block(dx + k, v, full, end);
              });
        }
      }
    }
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void pool_forward(std::int64_t rows, std::int64_t width, std::int64_t channels, const float* x, float* y,
                  std::uint8_t* which) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return forward<decltype(lanes)>(rows, width, channels, x, y, which);
  });
}
DREAM_VECTOR_CLONES
void pool_forward(std::int64_t rows, std::int64_t width, std::int64_t channels, const Bf16* x, Bf16* y,
                  std::uint8_t* which) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return forward<decltype(lanes)>(rows, width, channels, x, y, which);
  });
}
DREAM_VECTOR_CLONES
void pool_backward(std::int64_t rows, std::int64_t width, std::int64_t channels, const std::uint8_t* which,
                   const float* dy, float* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(rows, width, channels, which, dy, dx);
  });
}
DREAM_VECTOR_CLONES
void pool_backward(std::int64_t rows, std::int64_t width, std::int64_t channels, const std::uint8_t* which,
                   const Bf16* dy, Bf16* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(rows, width, channels, which, dy, dx);
  });
}

}  // namespace dream
