#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/nn/fast_math.h"

namespace dream {

/// A bfloat16 as its bits: the upper half of a float. For kernels, which see no Torch.
struct Bf16 {
  std::uint16_t bits;
};

/// The most numbers side by side. Memory that kernels read and write in whole vectors is as long as a multiple of it.
constexpr int vector_block = 16;

/// Numbers side by side: the compilers' vector extension, which needs no luck with loops. Functions take them by
/// reference, since by value their passing depends on the processor.
template <int count>
struct LaneTypes {  // not with `using`, where GCC forgets the attribute
  typedef float Floats __attribute__((vector_size(4 * count)));
  typedef std::uint32_t Bits __attribute__((vector_size(4 * count)));
  typedef std::int32_t Ints __attribute__((vector_size(4 * count)));
  typedef std::uint16_t Halves __attribute__((vector_size(2 * count)));
  typedef std::uint8_t Bytes __attribute__((vector_size(count)));
};
template <int count>
using LanesOf = typename LaneTypes<count>::Floats;
/// Numbers of other kinds, as many as there are floats in Lanes.
template <typename Lanes>
constexpr int lane_count = sizeof(Lanes) / sizeof(float);
template <typename Lanes>
using LaneBits = typename LaneTypes<lane_count<Lanes>>::Bits;
template <typename Lanes>
using LaneInts = typename LaneTypes<lane_count<Lanes>>::Ints;
template <typename Lanes>
using LaneHalves = typename LaneTypes<lane_count<Lanes>>::Halves;
template <typename Lanes>
using LaneBytes = typename LaneTypes<lane_count<Lanes>>::Bytes;

/// Returns visit(lanes), an empty vector that fills a register of this processor: of wider ones GCC 12 makes poor code,
/// kept in memory and compared lane by lane, five times slower.
template <typename Visit>
[[gnu::always_inline]] inline auto with_lanes(const Visit& visit) {
#ifdef DREAM_X86_VERSIONS
  if (__builtin_cpu_supports("x86-64-v4")) return visit(LanesOf<16>{});
#endif
  return visit(LanesOf<8>{});
}

template <typename Lanes>
[[gnu::always_inline]] inline void load_full(Lanes& to, const float* from) {
  std::memcpy(&to, from, sizeof to);
}
template <typename Lanes>
[[gnu::always_inline]] inline void load_full(Lanes& to, const Bf16* from) {
  LaneHalves<Lanes> halves;
  std::memcpy(&halves, from, sizeof halves);
  const auto bits = __builtin_convertvector(halves, LaneBits<Lanes>) << 16;
  std::memcpy(&to, &bits, sizeof to);
}
template <typename Lanes>
[[gnu::always_inline]] inline void store_full(float* to, const Lanes& from) {
  std::memcpy(to, &from, sizeof from);
}
template <typename Lanes>
[[gnu::always_inline]] inline void store_full(Bf16* to, const Lanes& from) {  // to the nearest, ties to even
  LaneBits<Lanes> bits;
  std::memcpy(&bits, &from, sizeof bits);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const auto halves = __builtin_convertvector(bits, LaneHalves<Lanes>);
  std::memcpy(to, &halves, sizeof halves);
}

/// a where the mask's bits are all 1, b where they are 0. GCC 12 takes comparisons of vectors apart lane by lane, so
/// masks are made of sign bits: (i - j) >> 31 for i < j, sign_mask(x) for x < 0.
template <typename Lanes>
[[gnu::always_inline]] inline void choose(Lanes& to, const LaneInts<Lanes>& mask, const Lanes& a, const Lanes& b) {
  LaneInts<Lanes> x, y;
  std::memcpy(&x, &a, sizeof x);
  std::memcpy(&y, &b, sizeof y);
  x = (x & mask) | (y & ~mask);
  std::memcpy(&to, &x, sizeof to);
}

template <typename Lanes>
[[gnu::always_inline]] inline void sign_mask(LaneInts<Lanes>& to, const Lanes& x) {
  std::memcpy(&to, &x, sizeof to);
  to = to >> 31;
}

/// A block at the end of a row that does not fill it: `used` lanes count. Where the memory goes on after it, whole
/// vectors are read and written (what follows is written again later); at the `edge` it does not.
struct RowEnd {
  int used = 0;
  bool edge = false;
};

/// The lanes that do not count are `idle`.
template <typename Lanes, typename T>
[[gnu::always_inline]] inline void load_end(Lanes& to, const T* from, const RowEnd& end, float idle = 0) {
  if (end.edge) {
    T part[lane_count<Lanes>] = {};
    std::memcpy(part, from, static_cast<std::size_t>(end.used) * sizeof(T));
    load_full(to, part);
  } else {
    load_full(to, from);
  }
  LaneInts<Lanes> number;
  for (int lane = 0; lane < lane_count<Lanes>; ++lane) number[lane] = lane;
  const Lanes rest = Lanes{} + idle;
  choose(to, (number - end.used) >> 31, to, rest);
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void store_end(T* to, const Lanes& from, const RowEnd& end) {
  if (!end.edge) return store_full(to, from);
  T part[lane_count<Lanes>];
  store_full(part, from);
  std::memcpy(to, part, static_cast<std::size_t>(end.used) * sizeof(T));
}

/// Calls visit(k, full, end) for each block of a row; all but the last are full. From the row on there are `left`
/// numbers.
template <typename Lanes, typename Visit>
[[gnu::always_inline]] inline void each_block(std::int64_t size, std::int64_t left, const Visit& visit) {
  constexpr int block = lane_count<Lanes>;
  std::int64_t k = 0;
  for (; k + block <= size; k += block) visit(k, std::true_type{}, RowEnd{block, false});
  if (k < size) visit(k, std::false_type{}, RowEnd{static_cast<int>(size - k), left - k < block});
}

template <bool full, typename Lanes, typename T>
[[gnu::always_inline]] inline void load_block(Lanes& to, const T* from, std::bool_constant<full>, const RowEnd& end,
                                              float idle = 0) {
  if constexpr (full) {
    load_full(to, from);
  } else {
    load_end(to, from, end, idle);
  }
}

template <bool full, typename Lanes, typename T>
[[gnu::always_inline]] inline void store_block(T* to, const Lanes& from, std::bool_constant<full>, const RowEnd& end) {
  if constexpr (full) {
    store_full(to, from);
  } else {
    store_end(to, from, end);
  }
}

/// By halves: always in the same order.
template <typename Lanes>
[[gnu::always_inline]] inline float lane_sum(const Lanes& x) {
  constexpr int half = lane_count<Lanes> / 2;
  if constexpr (half == 1) {
    return x[0] + x[1];
  } else {
    LanesOf<half> low, high;
    std::memcpy(&low, &x, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&x) + sizeof low, sizeof high);
    low += high;
    return lane_sum(low);
  }
}

/// fast_exp of core/nn/fast_math.h, lane by lane.
template <typename Lanes>
[[gnu::always_inline]] inline void exp_lanes(Lanes& x) {
  constexpr float shift = 12582912.0f;
  const Lanes low = x * 0 - 87.0f, high = x * 0 + 88.0f;  // NaN stays NaN
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Lanes biased = x * 1.44269504f + shift;
  const Lanes n = biased - shift;
  const Lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  LaneInts<Lanes> power;
  std::memcpy(&power, &biased, sizeof power);
  power = (power << 23) + 0x3f800000;
  Lanes scale;
  std::memcpy(&scale, &power, sizeof scale);
  x = p * scale;
}

/// ln x of positive normal numbers, to 2e-7 of the larger of 1 and |ln x|.
template <typename Lanes>
[[gnu::always_inline]] inline void log_lanes(Lanes& x) {
  LaneInts<Lanes> bits;
  std::memcpy(&bits, &x, sizeof bits);
  // x = 2^n · m with m in [√½, √2).
  const LaneInts<Lanes> n = (bits - 0x3f3504f3) >> 23;
  bits -= n << 23;
  Lanes m;
  std::memcpy(&m, &bits, sizeof m);
  const Lanes whole = __builtin_convertvector(n, Lanes), r = m - 1.0f, square = r * r;
  Lanes p = r * 7.0376836292e-2f - 1.1514610310e-1f;
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
template <typename Lanes>
[[gnu::always_inline]] inline float lane_max(const Lanes& x) {
  float most = x[0];
  for (int lane = 1; lane < lane_count<Lanes>; ++lane) most = x[lane] > most ? x[lane] : most;
  return most;
}

template <typename Lanes>
[[gnu::always_inline]] inline void sigmoid_lanes(Lanes& x) {
  x = -x;
  exp_lanes(x);
  x = 1.0f / (1.0f + x);
}

template <typename Lanes>
[[gnu::always_inline]] inline void tanh_lanes(Lanes& x) {
  x = 2.0f * x;
  exp_lanes(x);
  x = 1.0f - 2.0f / (1.0f + x);
}

}  // namespace dream
