#include "core/nn/picture_kernel.h"

namespace dream {
namespace {

template <typename Lanes>
[[gnu::always_inline]] inline void load_pixels(Lanes& to, const std::uint8_t* from, const RowEnd& end) {
  LaneBytes<Lanes> bytes = {};
  std::memcpy(&bytes, from, static_cast<std::size_t>(end.used));
  to = __builtin_convertvector(bytes, Lanes) * (1.0f / 255);
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void to_numbers(std::int64_t count, const std::uint8_t* x, T* out) {
  each_block<Lanes>(
      count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
        Lanes v;
        load_pixels(v, x + k, end);
        v -= 0.5f;
        store_block(out + k, v, full, end);
      });
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline float squares(std::int64_t count, bool sigmoid, const T* y, const std::uint8_t* x) {
  Lanes sum = {};
  each_block<Lanes>(
      count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
        Lanes v, truth;
        load_block(v, y + k, full, end);
        load_pixels(truth, x + k, end);
        if (sigmoid) {
          sigmoid_lanes(v);
        } else {
          v += 0.5f;
        }
        v -= truth;
        if constexpr (!decltype(full)::value) {
          for (int lane = end.used; lane < lane_count<Lanes>; ++lane) v[lane] = 0;
        }
        sum += v * v;
      });
  return lane_sum(sum);
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void backward(std::int64_t count, bool sigmoid, float factor, const T* y,
                                            const std::uint8_t* x, T* dy) {
  each_block<Lanes>(
      count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
        Lanes v, truth;
        load_block(v, y + k, full, end);
        load_pixels(truth, x + k, end);
        if (sigmoid) {
          sigmoid_lanes(v);
          v = (v - truth) * v * (1.0f - v);
        } else {
          v = v + 0.5f - truth;
        }
        v *= 2 * factor;
        store_block(dy + k, v, full, end);
      });
}

}  // namespace

DREAM_VECTOR_CLONES
void pixels_to_numbers(std::int64_t count, const std::uint8_t* x, float* out) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { return to_numbers<decltype(lanes)>(count, x, out); });
}
DREAM_VECTOR_CLONES
void pixels_to_numbers(std::int64_t count, const std::uint8_t* x, Bf16* out) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { return to_numbers<decltype(lanes)>(count, x, out); });
}

DREAM_VECTOR_CLONES
float picture_squares(std::int64_t count, bool sigmoid, const float* y, const std::uint8_t* x) {
  return with_lanes([&](auto lanes)
                        __attribute__((always_inline)) { return squares<decltype(lanes)>(count, sigmoid, y, x); });
}
DREAM_VECTOR_CLONES
float picture_squares(std::int64_t count, bool sigmoid, const Bf16* y, const std::uint8_t* x) {
  return with_lanes([&](auto lanes)
                        __attribute__((always_inline)) { return squares<decltype(lanes)>(count, sigmoid, y, x); });
}

DREAM_VECTOR_CLONES
void picture_squares_backward(std::int64_t count, bool sigmoid, float factor, const float* y, const std::uint8_t* x,
                              float* dy) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(count, sigmoid, factor, y, x, dy);
  });
}
DREAM_VECTOR_CLONES
void picture_squares_backward(std::int64_t count, bool sigmoid, float factor, const Bf16* y, const std::uint8_t* x,
                              Bf16* dy) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(count, sigmoid, factor, y, x, dy);
  });
}

}  // namespace dream
