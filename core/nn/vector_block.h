#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace dream {

/// A bfloat16 as its bits: the upper half of a float. For kernels, which see no Torch.
struct Bf16 {
  std::uint16_t bits;
};

/// Numbers side by side: the compilers' vector extension, which needs no luck with loops. Functions take them by
/// reference, since by value their passing depends on the processor.
constexpr int vector_block = 16;
using LaneFloats = float __attribute__((vector_size(4 * vector_block)));
using LaneBits = std::uint32_t __attribute__((vector_size(4 * vector_block)));
using LaneInts = std::int32_t __attribute__((vector_size(4 * vector_block)));
using LaneHalves = std::uint16_t __attribute__((vector_size(2 * vector_block)));

[[gnu::always_inline]] inline void load_full(LaneFloats& to, const float* from) {
  std::memcpy(&to, from, sizeof to);
}
[[gnu::always_inline]] inline void load_full(LaneFloats& to, const Bf16* from) {
  LaneHalves halves;
  std::memcpy(&halves, from, sizeof halves);
  const LaneBits bits = __builtin_convertvector(halves, LaneBits) << 16;
  std::memcpy(&to, &bits, sizeof to);
}
[[gnu::always_inline]] inline void store_full(float* to, const LaneFloats& from) {
  std::memcpy(to, &from, sizeof from);
}
[[gnu::always_inline]] inline void store_full(Bf16* to, const LaneFloats& from) {  // to the nearest, ties to even
  LaneBits bits;
  std::memcpy(&bits, &from, sizeof bits);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const LaneHalves halves = __builtin_convertvector(bits, LaneHalves);
  std::memcpy(to, &halves, sizeof halves);
}

/// a where the mask's bits are all 1, b where they are 0. GCC 12 takes comparisons of vectors apart lane by lane, so
/// masks are made of sign bits: (i - j) >> 31 for i < j, sign_mask(x) for x < 0.
[[gnu::always_inline]] inline void choose(LaneFloats& to, const LaneInts& mask, const LaneFloats& a, const LaneFloats& b) {
  LaneInts x, y;
  std::memcpy(&x, &a, sizeof x);
  std::memcpy(&y, &b, sizeof y);
  x = (x & mask) | (y & ~mask);
  std::memcpy(&to, &x, sizeof to);
}

[[gnu::always_inline]] inline void sign_mask(LaneInts& to, const LaneFloats& x) {
  std::memcpy(&to, &x, sizeof to);
  to = to >> 31;
}

/// A block at the end of a row that does not fill it: `used` lanes count. Where the memory goes on after it, whole
/// vectors are read and written (what follows is written again later); at the `edge` it does not.
struct RowEnd {
  int used = vector_block;
  bool edge = false;
};

/// The lanes that do not count are `idle`.
template <typename T>
[[gnu::always_inline]] inline void load_end(LaneFloats& to, const T* from, const RowEnd& end, float idle = 0) {
  if (end.edge) {
    T part[vector_block] = {};
    std::memcpy(part, from, static_cast<std::size_t>(end.used) * sizeof(T));
    load_full(to, part);
  } else {
    load_full(to, from);
  }
  constexpr LaneInts number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const LaneFloats rest = LaneFloats{} + idle;
  choose(to, (number - end.used) >> 31, to, rest);
}

template <typename T>
[[gnu::always_inline]] inline void store_end(T* to, const LaneFloats& from, const RowEnd& end) {
  if (!end.edge) return store_full(to, from);
  T part[vector_block];
  store_full(part, from);
  std::memcpy(to, part, static_cast<std::size_t>(end.used) * sizeof(T));
}

/// Calls visit(k, full, end) for each block of a row; all but the last are full. From the row on there are `left`
/// numbers.
template <typename Visit>
[[gnu::always_inline]] inline void each_block(std::int64_t size, std::int64_t left, const Visit& visit) {
  std::int64_t k = 0;
  for (; k + vector_block <= size; k += vector_block) visit(k, std::true_type{}, RowEnd{});
  if (k < size) visit(k, std::false_type{}, RowEnd{static_cast<int>(size - k), left - k < vector_block});
}

template <bool full, typename T>
[[gnu::always_inline]] inline void load_block(LaneFloats& to, const T* from, std::bool_constant<full>, const RowEnd& end,
                                              float idle = 0) {
  if constexpr (full) {
    load_full(to, from);
  } else {
    load_end(to, from, end, idle);
  }
}

template <bool full, typename T>
[[gnu::always_inline]] inline void store_block(T* to, const LaneFloats& from, std::bool_constant<full>, const RowEnd& end) {
  if constexpr (full) {
    store_full(to, from);
  } else {
    store_end(to, from, end);
  }
}

/// Always in the same order.
[[gnu::always_inline]] inline float lane_sum(const LaneFloats& x) {
#if defined(__clang__)
  LaneFloats sum = x + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  sum += __builtin_shufflevector(sum, sum, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
  sum += __builtin_shufflevector(sum, sum, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
  return sum[0] + sum[1];
#else
  LaneFloats sum = x + __builtin_shuffle(x, LaneInts{8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7});
  sum += __builtin_shuffle(sum, LaneInts{4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3});
  sum += __builtin_shuffle(sum, LaneInts{2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1});
  return sum[0] + sum[1];
#endif
}

/// fast_exp of core/nn/fast_math.h, lane by lane.
[[gnu::always_inline]] inline void exp_lanes(LaneFloats& x) {
  constexpr float shift = 12582912.0f;
  const LaneFloats low = x * 0 - 87.0f, high = x * 0 + 88.0f;  // NaN stays NaN
  x = x < low ? low : x;
  x = x > high ? high : x;
  const LaneFloats biased = x * 1.44269504f + shift;
  const LaneFloats n = biased - shift;
  const LaneFloats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  LaneFloats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  LaneInts power;
  std::memcpy(&power, &biased, sizeof power);
  power = (power << 23) + 0x3f800000;
  LaneFloats scale;
  std::memcpy(&scale, &power, sizeof scale);
  x = p * scale;
}

/// ln x of positive normal numbers, to 2e-7 of the larger of 1 and |ln x|.
[[gnu::always_inline]] inline void log_lanes(LaneFloats& x) {
  LaneInts bits;
  std::memcpy(&bits, &x, sizeof bits);
  // x = 2^n · m with m in [√½, √2).
  const LaneInts n = (bits - 0x3f3504f3) >> 23;
  bits -= n << 23;
  LaneFloats m;
  std::memcpy(&m, &bits, sizeof m);
  const LaneFloats whole = __builtin_convertvector(n, LaneFloats), r = m - 1.0f, square = r * r;
  LaneFloats p = r * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  x = whole * 0.693359375f + (r + (p * r * square - 0.5f * square - whole * 2.12194440e-4f));
}

/// The largest of the lanes.
[[gnu::always_inline]] inline float lane_max(const LaneFloats& x) {
  float most = x[0];
  for (int lane = 1; lane < vector_block; ++lane) most = x[lane] > most ? x[lane] : most;
  return most;
}

[[gnu::always_inline]] inline void sigmoid_lanes(LaneFloats& x) {
  x = -x;
  exp_lanes(x);
  x = 1.0f / (1.0f + x);
}

[[gnu::always_inline]] inline void tanh_lanes(LaneFloats& x) {
  x = 2.0f * x;
  exp_lanes(x);
  x = 1.0f - 2.0f / (1.0f + x);
}

}  // namespace dream
