#pragma once
#include <bit>
#include <cstdint>

namespace dream {

/// Branch-free exp, sigmoid and tanh that vectorise. Relative error of exp below 2e-7 on [-87, 88], clamped outside.
[[gnu::always_inline]] inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  constexpr float shift = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer, left in the low bits
  const float biased = x * 1.44269504f + shift;
  const float n = biased - shift;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((std::bit_cast<std::int32_t>(biased) << 23) + 0x3f800000);
}

[[gnu::always_inline]] inline float fast_sigmoid(float x) {
  return 1.0f / (1.0f + fast_exp(-x));
}
[[gnu::always_inline]] inline float fast_tanh(float x) {
  return 1.0f - 2.0f / (1.0f + fast_exp(2.0f * x));
}

// Where functions can be compiled for one processor and chosen as the program runs.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DREAM_X86_VERSIONS
#endif

// One binary for every x86-64: the dynamic linker picks the clone that fits the processor. Not with ThreadSanitizer,
// which is not there yet when it does.
#if defined(DREAM_X86_VERSIONS) && !defined(__SANITIZE_THREAD__)
#define DREAM_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DREAM_VECTOR_CLONES
#endif

}  // namespace dream
