#include "core/nn/norm_kernel.h"

#include <cmath>

namespace dream {
namespace {

constexpr float mish_end = 20;          // beyond it mish(x) is x
constexpr std::int64_t widened = 2048;  // numbers of a row of bf16 that is kept as float32

/// 1 / x of normal numbers to some 1e-7: a guess by the exponent's bits, and Newton's steps. Dividing takes longer.
template <typename Lanes>
[[gnu::always_inline]] inline void reciprocal(Lanes& y, const Lanes& x) {
  LaneInts<Lanes> bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = 0x7ef311c7 - bits;
  std::memcpy(&y, &bits, sizeof y);
  for (int step = 0; step < 3; ++step) y = y * (2 - x * y);
}

/// With w = eˣ and n = w(w + 2), mish(x) = x·tanh(ln(1 + w)) (Misra 2020) is x·n / (n + 2): one exponential.
template <typename Lanes>
[[gnu::always_inline]] inline void mish_powers(const Lanes& x, Lanes& w, Lanes& n) {
  LaneInts<Lanes> beyond;
  sign_mask(beyond, mish_end - x);
  choose(w, beyond, x * 0 + mish_end, x);
  exp_lanes(w);
  n = w * (w + 2);
}

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
    case NormAct::mish: {
      Lanes n, part;
      mish_powers(x, other, n);
      reciprocal(part, n + 2);
      x = x * n * part;
      break;
    }
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
    case NormAct::mish: {
      Lanes n, rest, open;
      mish_powers(x, other, n);
      reciprocal(rest, n + 2);
      reciprocal(open, 1 + other);
      rest = 2 * rest;                                                // 1 − tanh
      dy = dy * (1 - rest + x * rest * (2 - rest) * (other * open));  // slope of the tanh: (1 − tanh²)·σ(x)
      break;
    }
  }
}

/// One row, which lies as `From`; from it on there are `left` numbers.
template <typename Lanes, typename From, typename T>
[[gnu::always_inline]] inline void forward_row(const NormShape& shape, std::int64_t left, const From* x,
                                               const float* scale, const float* shift, std::int64_t out_left, T* y,
                                               float* moments) {
  const auto size = shape.size;
  const float share = 1.0f / static_cast<float>(size);
  Lanes sum = {}, squares = {};
  float mean = 0;
  if (shape.centred) {
    each_block<Lanes>(size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
      Lanes v;
      load_block(v, x + k, full, end);
      sum += v;
    });
    mean = lane_sum(sum) * share;
  }
  each_block<Lanes>(size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
    Lanes v;
    load_block(v, x + k, full, end, mean);
    squares += (v - mean) * (v - mean);
  });
  const float rate = 1.0f / std::sqrt(lane_sum(squares) * share + shape.eps);
  moments[0] = mean;
  moments[1] = rate;
  each_block<Lanes>(size, out_left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
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

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void forward(const NormShape& shape, std::int64_t rows, const T* x, const float* scale,
                                           const float* shift, T* y, float* moments) {
  const auto size = shape.size;
  const bool widens = sizeof(T) < sizeof(float) && size <= widened;
  float wide[widened + vector_block];
  for (std::int64_t row = 0; row < rows; ++row, x += size, y += size, moments += 2) {
    const auto left = (rows - row) * size;
    if (widens) {  // once, and not in each of three passes
      each_block<Lanes>(size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
        Lanes v;
        load_block(v, x + k, full, end);
        store_full(wide + k, v);
      });
      forward_row<Lanes>(shape, size + vector_block, wide, scale, shift, left, y, moments);
    } else {
      forward_row<Lanes>(shape, left, x, scale, shift, left, y, moments);
    }
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
    each_block<Lanes>(size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
      make(k, full, end, true);
      sum += gradient;
      product += gradient * unit;
    });
    const float offset = shape.centred ? lane_sum(sum) * share : 0, slope = lane_sum(product) * share;
    each_block<Lanes>(size, left, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
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
