#include "core/nn/group_norm_kernel.h"

namespace dream {
namespace {

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void moments(std::int64_t pixels, std::int64_t channels, const T* x, float* sum, float* squares) {
  constexpr int block = lane_count<Lanes>;
  for (std::int64_t c = 0; c < channels; c += block) {
    Lanes total = {}, square = {}, v;
    for (std::int64_t p = 0; p < pixels; ++p) {
      load_full(v, x + p * channels + c);
      total += v;
      square += v * v;
    }
    load_full(v, sum + c);
    v += total;
    store_full(sum + c, v);
    load_full(v, squares + c);
    v += square;
    store_full(squares + c, v);
  }
}

// To 1e-4, for numbers that are kept as bf16.

template <typename Lanes>
[[gnu::always_inline]] inline void rough_exp(Lanes& x) {
  constexpr float shift = 12582912.0f;
  const Lanes low = x * 0 - 80.0f, high = x * 0 + 80.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Lanes scaled = x * 1.44269504f, biased = scaled + shift, r = scaled - (biased - shift);
  const Lanes p = ((r * 0.0555041f + 0.2402265f) * r + 0.6931472f) * r + 1.0f;  // 2^r
  LaneInts<Lanes> power, bits;
  std::memcpy(&power, &biased, sizeof power);
  std::memcpy(&bits, &p, sizeof bits);
  bits += power << 23;
  std::memcpy(&x, &bits, sizeof x);
}

/// A guess by the exponent's bits, and Newton's steps.
template <typename Lanes>
[[gnu::always_inline]] inline void rough_reciprocal(Lanes& y, const Lanes& x) {
  LaneInts<Lanes> bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = 0x7ef311c7 - bits;
  std::memcpy(&y, &bits, sizeof y);
  y = y * (2 - x * y);
  y = y * (2 - x * y);
}

template <typename Lanes, bool silu, typename T>
[[gnu::always_inline]] inline void affine(std::int64_t pixels, std::int64_t channels, const T* x, const float* rate,
                                          const float* offset, T* y) {
  constexpr int block = lane_count<Lanes>;
  for (std::int64_t c = 0; c < channels; c += block) {
    Lanes a, b, v, open;
    load_full(a, rate + c);
    load_full(b, offset + c);
    for (std::int64_t p = 0; p < pixels; ++p) {
      load_full(v, x + p * channels + c);
      v = v * a + b;
      if constexpr (silu && sizeof(T) == sizeof(Bf16)) {
        open = -v;
        rough_exp(open);
        rough_reciprocal(open, open + 1.0f);
        v = v * open;
      } else if constexpr (silu) {
        open = v;
        sigmoid_lanes(open);
        v = v * open;
      }
      store_full(y + p * channels + c, v);
    }
  }
}

/// `slope` of y becomes that of what was rate·x + offset.
template <typename Lanes, bool silu>
[[gnu::always_inline]] inline void slope_within(Lanes& slope, const Lanes& x, const Lanes& rate, const Lanes& offset) {
  if constexpr (silu) {
    const Lanes within = x * rate + offset;
    Lanes open = within;
    sigmoid_lanes(open);
    slope = slope * open * (1.0f + within * (1.0f - open));
  }
}

template <typename Lanes, bool silu>
[[gnu::always_inline]] inline void slopes(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate,
                                          const float* offset, float* sum, float* product) {
  constexpr int block = lane_count<Lanes>;
  for (std::int64_t c = 0; c < channels; c += block) {
    Lanes a, b, v, slope, total = {}, with_x = {};
    load_full(a, rate + c);
    load_full(b, offset + c);
    for (std::int64_t p = 0; p < pixels; ++p) {
      load_full(v, x + p * channels + c);
      load_full(slope, dy + p * channels + c);
      slope_within<Lanes, silu>(slope, v, a, b);
      total += slope;
      with_x += slope * v;
    }
    load_full(v, sum + c);
    v += total;
    store_full(sum + c, v);
    load_full(v, product + c);
    v += with_x;
    store_full(product + c, v);
  }
}

template <typename Lanes, bool silu>
[[gnu::always_inline]] inline void affine_back(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate,
                                               const float* offset, const float* of_x, const float* constant, float* dx) {
  constexpr int block = lane_count<Lanes>;
  for (std::int64_t c = 0; c < channels; c += block) {
    Lanes a, b, of, more, v, slope;
    load_full(a, rate + c);
    load_full(b, offset + c);
    load_full(of, of_x + c);
    load_full(more, constant + c);
    for (std::int64_t p = 0; p < pixels; ++p) {
      load_full(v, x + p * channels + c);
      load_full(slope, dy + p * channels + c);
      slope_within<Lanes, silu>(slope, v, a, b);
      v = slope * a + (v * of + more);
      store_full(dx + p * channels + c, v);
    }
  }
}

}  // namespace

DREAM_VECTOR_CLONES void channel_slopes(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate,
                                        const float* offset, bool silu, float* sum, float* product) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    if (silu) return slopes<decltype(lanes), true>(pixels, channels, x, dy, rate, offset, sum, product);
    slopes<decltype(lanes), false>(pixels, channels, x, dy, rate, offset, sum, product);
  });
}
DREAM_VECTOR_CLONES void channel_affine_back(std::int64_t pixels, std::int64_t channels, const float* x, const float* dy, const float* rate,
                                             const float* offset, const float* of_x, const float* constant, bool silu, float* dx) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    if (silu) return affine_back<decltype(lanes), true>(pixels, channels, x, dy, rate, offset, of_x, constant, dx);
    affine_back<decltype(lanes), false>(pixels, channels, x, dy, rate, offset, of_x, constant, dx);
  });
}

DREAM_VECTOR_CLONES void channel_moments(std::int64_t pixels, std::int64_t channels, const float* x, float* sum, float* squares) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { moments<decltype(lanes)>(pixels, channels, x, sum, squares); });
}
DREAM_VECTOR_CLONES void channel_moments(std::int64_t pixels, std::int64_t channels, const Bf16* x, float* sum, float* squares) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) { moments<decltype(lanes)>(pixels, channels, x, sum, squares); });
}

DREAM_VECTOR_CLONES void channel_affine(std::int64_t pixels, std::int64_t channels, const float* x, const float* rate,
                                        const float* offset, bool silu, float* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    if (silu) return affine<decltype(lanes), true>(pixels, channels, x, rate, offset, y);
    affine<decltype(lanes), false>(pixels, channels, x, rate, offset, y);
  });
}
DREAM_VECTOR_CLONES void channel_affine(std::int64_t pixels, std::int64_t channels, const Bf16* x, const float* rate,
                                        const float* offset, bool silu, Bf16* y) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    if (silu) return affine<decltype(lanes), true>(pixels, channels, x, rate, offset, y);
    affine<decltype(lanes), false>(pixels, channels, x, rate, offset, y);
  });
}

}  // namespace dream
