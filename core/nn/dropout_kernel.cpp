#include "core/nn/dropout_kernel.h"

namespace dream {
namespace {

/// Evenly spread 32 bits of a place: two rounds of multiplying and folding (Wellons 2018, lowbias32), half of the seed
/// before each.
template <typename Bits>
[[gnu::always_inline]] inline void scatter(Bits& x, std::uint32_t a, std::uint32_t b) {
  x += a;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= b;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void drop(std::int64_t count, std::uint32_t first, std::uint64_t seed, float share,
                                        const T* x, T* y) {
  const auto a = static_cast<std::uint32_t>(seed), b = static_cast<std::uint32_t>(seed >> 32);
  const auto least = static_cast<std::int32_t>(share * static_cast<float>(1 << 24));  // of 24 bits, for what is kept
  const float scale = 1 / (1 - share);
  LaneBits<Lanes> lane;
  for (int i = 0; i < lane_count<Lanes>; ++i) lane[i] = static_cast<std::uint32_t>(i);
  each_block<Lanes>(count, count, [&](std::int64_t k, auto full, const RowEnd& end) __attribute__((always_inline)) {
    auto place = lane + (first + static_cast<std::uint32_t>(k));
    scatter(place, a, b);
    place >>= 8;
    LaneInts<Lanes> dropped;
    __builtin_memcpy(&dropped, &place, sizeof dropped);
    dropped = (dropped - least) >> 31;
    Lanes v;
    load_block(v, x + k, full, end);
    choose(v, dropped, v * 0, v * scale);
    store_block(y + k, v, full, end);
  });
}

}  // namespace

DREAM_VECTOR_CLONES
void drop_numbers(std::int64_t count, std::uint32_t first, std::uint64_t seed, float share, const float* x, float* y) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { drop<decltype(lanes)>(count, first, seed, share, x, y); });
}
DREAM_VECTOR_CLONES
void drop_numbers(std::int64_t count, std::uint32_t first, std::uint64_t seed, float share, const Bf16* x, Bf16* y) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { drop<decltype(lanes)>(count, first, seed, share, x, y); });
}

}  // namespace dream
