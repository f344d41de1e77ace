// V's first convolution by products of pairs in bf16 (AVX512-BF16): half as many instructions as in float32.
#include "core/nn/stride_two_kernel.h"

#ifdef DREAM_X86_VERSIONS
#include <immintrin.h>
#endif

namespace dream {

#ifdef DREAM_X86_VERSIONS

bool first_convolution_narrow_serves() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("x86-64-v4");
}

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16")

namespace {

using Int16 = std::int32_t __attribute__((vector_size(64)));

constexpr int first_side = 64, first_out = 31, first_outputs = 32, first_pairs = 6;  // pairs of a row: 4 pixels of 3 colours

/// Bytes as bf16: of a float that is a whole number up to 255 the lower half is empty.
inline void widen_bytes(const std::uint8_t* bytes, std::uint16_t* numbers) {
  for (int i = 0; i < first_side * first_side * 3; ++i) {
    const auto whole = static_cast<float>(bytes[i]);
    std::uint32_t bits;
    __builtin_memcpy(&bits, &whole, sizeof bits);
    numbers[i] = static_cast<std::uint16_t>(bits >> 16);
  }
}

inline __m512 above_zero(__m512 x) {
  const auto bits = reinterpret_cast<Int16>(x);
  return reinterpret_cast<__m512>(bits & ~(bits >> 31));
}

inline __m512bh pairs_at(const void* from) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
}

}  // namespace

void first_convolution_narrow(std::int64_t frames, const std::uint8_t* input, const Bf16* weight, const float* bias, float* output) {
  constexpr int pixels = 8;  // of a row at once: their sums fill the registers
  alignas(64) std::uint16_t numbers[first_side * first_side * 3];
  const auto low = _mm512_loadu_ps(bias), high = _mm512_loadu_ps(bias + 16);
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    widen_bytes(input + frame * first_side * first_side * 3, numbers);
    for (int y = 0; y < first_out; ++y) {
      for (int from = 0; from < first_out; from += pixels) {
        const int x = from + pixels <= first_out ? from : first_out - pixels;  // the last of a row do one again
        __m512 sum[pixels][2];
        for (auto& each : sum) each[0] = low, each[1] = high;
        for (int row = 0; row < 4; ++row) {
          const std::uint16_t* line = numbers + (2 * y + row) * first_side * 3 + x * 6;
          for (int pair = 0; pair < first_pairs; ++pair) {
            const Bf16* w = weight + static_cast<std::int64_t>(row * first_pairs + pair) * first_outputs * 2;
            const auto first = pairs_at(w), second = pairs_at(w + 32);
#pragma GCC unroll 8
            for (int p = 0; p < pixels; ++p) {
              std::int32_t two;
              __builtin_memcpy(&two, line + p * 6 + pair * 2, sizeof two);
              const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(two));
              sum[p][0] = _mm512_dpbf16_ps(sum[p][0], both, first);
              sum[p][1] = _mm512_dpbf16_ps(sum[p][1], both, second);
            }
          }
        }
        float* to = output + ((frame * first_out + y) * first_out + x) * first_outputs;
        for (int p = 0; p < pixels; ++p) {
          _mm512_storeu_ps(to + p * first_outputs, above_zero(sum[p][0]));
          _mm512_storeu_ps(to + p * first_outputs + 16, above_zero(sum[p][1]));
        }
      }
    }
  }
}

#pragma GCC pop_options

#else

bool first_convolution_narrow_serves() {
  return false;
}
void first_convolution_narrow(std::int64_t, const std::uint8_t*, const Bf16*, const float*, float*) {}

#endif

}  // namespace dream
