#include "core/nn/categorical_kernel.h"

#include <cmath>

#include "core/nn/vector_block.h"

namespace dream {
namespace {

constexpr float nothing = -1e30f;  // its exp is 0 beside any other

template <typename Lanes>
[[gnu::always_inline]] inline void mix(std::int64_t rows, std::int64_t classes, float share, const float* x,
                                       float* out) {
  const float floor = share / static_cast<float>(classes);
  for (std::int64_t row = 0; row < rows; ++row, x += classes, out += classes) {
    const auto left = (rows - row) * classes;
    Lanes most = Lanes{} + nothing, sum = {};
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v;
          load_block(v, x + k, full, end, nothing);
          most = v > most ? v : most;
        });
    const float top = lane_max(most);
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v;
          load_block(v, x + k, full, end, nothing);
          v -= top;
          exp_lanes(v);
          sum += v;
        });
    const float total = lane_sum(sum), factor = (1 - share) / total, offset = top + std::log(total);
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v;
          load_block(v, x + k, full, end);
          if (share > 0) {
            v -= top;
            exp_lanes(v);
            v = v * factor + floor;
            log_lanes(v);
          } else {
            v -= offset;
          }
          store_block(out + k, v, full, end);
        });
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void mix_backward(std::int64_t rows, std::int64_t classes, float share, const float* out,
                                                const float* gradient, float* dx) {
  const float floor = share / static_cast<float>(classes);
  for (std::int64_t row = 0; row < rows; ++row, out += classes, gradient += classes, dx += classes) {
    const auto left = (rows - row) * classes;
    // With q = (1 - s)·p + s / C and a = gradient / q: dx = (1 - s)·p·(a - Σ a·p).
    Lanes sum = {};
    const auto make = [&](std::int64_t k, auto full, const RowEnd& end, Lanes& scaled, Lanes& ratio)
        __attribute__((always_inline)) {
      Lanes q, g;
      load_block(q, out + k, full, end);
      load_block(g, gradient + k, full, end);
      exp_lanes(q);
      scaled = q - floor;
      ratio = g / q;
    };
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes scaled, ratio;
          make(k, full, end, scaled, ratio);
          sum += scaled * ratio;  // idle lanes have no gradient
        });
    const float mean = lane_sum(sum) / (1 - share);
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes scaled, ratio;
          make(k, full, end, scaled, ratio);
          const Lanes d = scaled * (ratio - mean);
          store_block(dx + k, d, full, end);
        });
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void draw(std::int64_t rows, std::int64_t classes, const float* log_probabilities,
                                        const float* uniform, float* one_hot) {
  for (std::int64_t row = 0; row < rows; ++row, log_probabilities += classes, one_hot += classes) {
    const auto left = (rows - row) * classes;
    float running = 0;
    std::int64_t chosen = 0;
    each_block<Lanes>(
        classes, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v;
          load_block(v, log_probabilities + k, full, end, nothing);
          exp_lanes(v);
          float p[lane_count<Lanes>];
          store_full(p, v);
          for (int lane = 0; lane < end.used; ++lane) {
            running += p[lane];
            chosen += running <= uniform[row];
          }
        });
    if (chosen >= classes) chosen = classes - 1;  // the sum may end a rounding below 1
    for (std::int64_t k = 0; k < classes; ++k) one_hot[k] = 0;
    one_hot[chosen] = 1;
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void unimix_forward(std::int64_t rows, std::int64_t classes, float share, const float* x, float* out) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { return mix<decltype(lanes)>(rows, classes, share, x, out); });
}

DREAM_VECTOR_CLONES
void unimix_backward(std::int64_t rows, std::int64_t classes, float share, const float* out, const float* gradient,
                     float* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return mix_backward<decltype(lanes)>(rows, classes, share, out, gradient, dx);
  });
}

DREAM_VECTOR_CLONES
void one_hot_draw(std::int64_t rows, std::int64_t classes, const float* log_probabilities, const float* uniform,
                  float* one_hot) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return draw<decltype(lanes)>(rows, classes, log_probabilities, uniform, one_hot);
  });
}

}  // namespace dream
