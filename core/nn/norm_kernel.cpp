#include "core/nn/norm_kernel.h"

#include <cmath>

namespace dream {
namespace {

template <typename Lanes>
[[gnu::always_inline]] inline void act_forward(NormAct act, Lanes& x) {
  Lanes other = x;
  LaneInts<Lanes> negative;
  sign_mask(negative, x);
  switch (act) {
    case NormAct::none:
      break;
    case NormAct::relu:
      choose(x, negative, x * 0, x);
      break;
    case NormAct::elu:
      exp_lanes(other);
      choose(x, negative, other - 1, x);
      break;
    case NormAct::silu:
      sigmoid_lanes(other);
      x = x * other;
      break;
    case NormAct::tanh:
      tanh_lanes(x);
      break;
  }
}

/// dy becomes the gradient before the activation, whose input is x.
template <typename Lanes>
[[gnu::always_inline]] inline void act_backward(NormAct act, const Lanes& x, Lanes& dy) {
  Lanes other = x;
  LaneInts<Lanes> negative;
  sign_mask(negative, x);
  switch (act) {
    case NormAct::none:
      break;
    case NormAct::relu:
      sign_mask(negative, -x);  // of x > 0
      choose(dy, negative, dy, x * 0);
      break;
    case NormAct::elu:
      exp_lanes(other);
      choose(dy, negative, dy * other, dy);
      break;
    case NormAct::silu:
      sigmoid_lanes(other);
      dy = dy * other * (1 + x * (1 - other));
      break;
    case NormAct::tanh:
      tanh_lanes(other);
      dy = dy * (1 - other * other);
      break;
  }
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void forward(const NormShape& shape, std::int64_t rows, const T* x, const float* scale,
                                           const float* shift, T* y, float* moments) {
  const auto size = shape.size;
  const float share = 1.0f / static_cast<float>(size);
  for (std::int64_t row = 0; row < rows; ++row, x += size, y += size, moments += 2) {
    const auto left = (rows - row) * size;
    Lanes sum = {}, squares = {};
    float mean = 0;
    if (shape.centred) {
      each_block<Lanes>(
          size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
            Lanes v;
            load_block(v, x + k, full, end);
            sum += v;
          });
      mean = lane_sum(sum) * share;
    }
    each_block<Lanes>(
        size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v;
          load_block(v, x + k, full, end, mean);
          squares += (v - mean) * (v - mean);
        });
    const float rate = 1.0f / std::sqrt(lane_sum(squares) * share + shape.eps);
    moments[0] = mean;
    moments[1] = rate;
    each_block<Lanes>(
        size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes v, w;
          load_block(v, x + k, full, end);
          load_full(w, scale + k);
          v = (v - mean) * (rate * w);
          if (shift) {
            load_full(w, shift + k);
            v += w;
          }
          act_forward(shape.act, v);
          store_block(y + k, v, full, end);
        });
  }
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void backward(const NormShape& shape, std::int64_t rows, const T* x, const float* scale,
                                            const float* shift, const float* moments, const T* dy, T* dx, float* dscale,
                                            float* dshift) {
  const auto size = shape.size;
  const float share = 1.0f / static_cast<float>(size);
  for (std::int64_t row = 0; row < rows; ++row, x += size, dy += size, dx += size, moments += 2) {
    const auto left = (rows - row) * size;
    const float mean = moments[0], rate = moments[1];
    Lanes unit = {}, gradient = {}, sum = {}, product = {};
    // Of one block: x̂ and its gradient. They are made twice rather than stored.
    const auto make = [&](std::int64_t k, auto full, const RowEnd& end, bool collect) __attribute__((always_inline)) {
      Lanes weight, before = {}, total;
      load_block(unit, x + k, full, end, mean);
      load_block(gradient, dy + k, full, end);
      load_full(weight, scale + k);
      unit = (unit - mean) * rate;
      if (shape.act != NormAct::none) {
        if (shift) load_full(before, shift + k);
        before += unit * weight;
        act_backward(shape.act, before, gradient);
      }
      if (collect) {
        load_full(total, dscale + k);
        total += gradient * unit;
        store_full(dscale + k, total);
        if (dshift) {
          load_full(total, dshift + k);
          total += gradient;
          store_full(dshift + k, total);
        }
      }
      gradient *= weight;
    };
    each_block<Lanes>(
        size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          make(k, full, end, true);
          sum += gradient;
          product += gradient * unit;
        });
    const float offset = shape.centred ? lane_sum(sum) * share : 0, slope = lane_sum(product) * share;
    each_block<Lanes>(
        size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
          if (size > lane_count<Lanes>) make(k, full, end, false);
          const Lanes out = rate * (gradient - offset - unit * slope);
          store_block(dx + k, out, full, end);
        });
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void norm_forward(const NormShape& shape, std::int64_t rows, const float* x, const float* scale, const float* shift,
                  float* y, float* moments) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return forward<decltype(lanes)>(shape, rows, x, scale, shift, y, moments);
  });
}

DREAM_VECTOR_CLONES
void norm_forward(const NormShape& shape, std::int64_t rows, const Bf16* x, const float* scale, const float* shift,
                  Bf16* y, float* moments) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return forward<decltype(lanes)>(shape, rows, x, scale, shift, y, moments);
  });
}

DREAM_VECTOR_CLONES
void norm_backward(const NormShape& shape, std::int64_t rows, const float* x, const float* scale, const float* shift,
                   const float* moments, const float* dy, float* dx, float* dscale, float* dshift) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(shape, rows, x, scale, shift, moments, dy, dx, dscale, dshift);
  });
}

DREAM_VECTOR_CLONES
void norm_backward(const NormShape& shape, std::int64_t rows, const Bf16* x, const float* scale, const float* shift,
                   const float* moments, const Bf16* dy, Bf16* dx, float* dscale, float* dshift) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return backward<decltype(lanes)>(shape, rows, x, scale, shift, moments, dy, dx, dscale, dshift);
  });
}

}  // namespace dream
