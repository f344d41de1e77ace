#include "core/nn/stride_two_kernel.h"

namespace dream {
namespace {

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void tiles_of(const StrideTwo& shape, std::int64_t frames, const float* input, T* to) {
  const auto across = shape.tiles(), channels = shape.channels, line = shape.size * channels;
  const auto row = 4 * channels, plane = frames * across * across * row;
  for (std::int64_t tile = 0; tile < frames * across * across; ++tile) {
    const auto frame = tile / (across * across), y = tile / across % across, x = tile % across;
    const float* corner = input + frame * shape.size * line + 4 * y * line + 4 * x * channels;
    for (int phase = 0; phase < 4; ++phase) {
      const float* from = corner + (phase / 2) * line + (phase % 2) * channels;
      T* place = to + tile * row + phase * channels;
      for (std::int64_t c = 0; c < channels; c += lane_count<Lanes>) {
        Lanes d[3][3], v[3][3];
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 3; ++j) load_full(d[i][j], from + 2 * i * line + 2 * j * channels + c);
        }
        for (int i = 0; i < 3; ++i) {
          v[i][0] = d[i][0] - d[i][1];
          v[i][1] = d[i][1];
          v[i][2] = d[i][1] - d[i][2];
        }
        for (int j = 0; j < 3; ++j) {
          const Lanes first = v[0][j] - v[1][j], last = v[1][j] - v[2][j];
          store_full(place + j * plane + c, first);
          store_full(place + (3 + j) * plane + c, v[1][j]);
          store_full(place + (6 + j) * plane + c, last);
        }
      }
    }
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void cut_below_zero(Lanes& x) {
  LaneInts<Lanes> below, bits;
  sign_mask(below, x);
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits = bits & ~below;
  __builtin_memcpy(&x, &bits, sizeof bits);
}

template <typename Lanes, typename T>
[[gnu::always_inline]] inline void outputs_of(const StrideTwo& shape, std::int64_t frames, std::int64_t outputs,
                                              const T* products, const float* bias, float* output) {
  const auto across = shape.tiles(), line = 2 * across * outputs, plane = frames * across * across * outputs;
  for (std::int64_t tile = 0; tile < frames * across * across; ++tile) {
    const auto frame = tile / (across * across), y = tile / across % across, x = tile % across;
    float* place = output + frame * 2 * across * line + 2 * y * line + 2 * x * outputs;
    for (std::int64_t c = 0; c < outputs; c += lane_count<Lanes>) {
      Lanes m[3][3], t[2][3], added;
      load_full(added, bias + c);
      for (int k = 0; k < 9; ++k) load_full(m[k / 3][k % 3], products + k * plane + tile * outputs + c);
      for (int j = 0; j < 3; ++j) {
        t[0][j] = m[0][j] + m[1][j];
        t[1][j] = m[1][j] - m[2][j];
      }
      for (int i = 0; i < 2; ++i) {
        Lanes left = t[i][0] + t[i][1] + added, right = t[i][1] - t[i][2] + added;
        cut_below_zero(left);
        cut_below_zero(right);
        store_full(place + i * line + c, left);
        store_full(place + i * line + outputs + c, right);
      }
    }
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void winograd_tiles(const StrideTwo& shape, std::int64_t frames, const float* input, float* tiles) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { return tiles_of<decltype(lanes)>(shape, frames, input, tiles); });
}

DREAM_VECTOR_CLONES
void winograd_tiles(const StrideTwo& shape, std::int64_t frames, const float* input, Bf16* tiles) {
  with_lanes([&](auto lanes)
                 __attribute__((always_inline)) { return tiles_of<decltype(lanes)>(shape, frames, input, tiles); });
}

DREAM_VECTOR_CLONES
void winograd_outputs(const StrideTwo& shape, std::int64_t frames, std::int64_t outputs, const float* products,
                      const float* bias, float* output) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return outputs_of<decltype(lanes)>(shape, frames, outputs, products, bias, output);
  });
}

DREAM_VECTOR_CLONES
void winograd_outputs(const StrideTwo& shape, std::int64_t frames, std::int64_t outputs, const Bf16* products,
                      const float* bias, float* output) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return outputs_of<decltype(lanes)>(shape, frames, outputs, products, bias, output);
  });
}

namespace {

using Float4 = float __attribute__((vector_size(16)));
using Float8 = float __attribute__((vector_size(32)));
using Float16 = float __attribute__((vector_size(64)));
using Int4 = std::int32_t __attribute__((vector_size(16)));
using Int8 = std::int32_t __attribute__((vector_size(32)));
using Int16 = std::int32_t __attribute__((vector_size(64)));

/// `pixels` of a row at once, so that the sums fill the registers. GCC 12 makes a vector of one number well only where
/// the processor has vectors of that width, so that clones of one source will not do.
template <typename Vector, typename Bits, int pixels>
[[gnu::always_inline]] inline void convolve_first(std::int64_t frames, const std::uint8_t* input, const float* weight,
                                                  const float* bias, float* output) {
  constexpr int size = 64, out = 31, outputs = 32, taps = 12;  // taps of a row: 4 pixels of 3 colours
  constexpr int width = sizeof(Vector) / sizeof(float), parts = outputs / width;
  float numbers[size * size * 3];
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::uint8_t* bytes = input + frame * size * size * 3;
    for (int i = 0; i < size * size * 3; ++i) numbers[i] = static_cast<float>(bytes[i]);
    for (int y = 0; y < out; ++y) {
      for (int from = 0; from < out; from += pixels) {
        const int x = from + pixels <= out ? from : out - pixels;  // the last of a row do some again
        Vector sum[pixels][parts];
        for (int part = 0; part < parts; ++part) {
          Vector start;
          __builtin_memcpy(&start, bias + part * width, sizeof start);
          for (int p = 0; p < pixels; ++p) sum[p][part] = start;
        }
        for (int row = 0; row < 4; ++row) {
          const float* line = numbers + (2 * y + row) * size * 3 + x * 6;
          const float* w = weight + row * taps * outputs;
          for (int tap = 0; tap < taps; ++tap, w += outputs) {
#pragma GCC unroll 8
            for (int part = 0; part < parts; ++part) {
              Vector factor;
              __builtin_memcpy(&factor, w + part * width, sizeof factor);
#pragma GCC unroll 8
              for (int p = 0; p < pixels; ++p) sum[p][part] += factor * line[p * 6 + tap];
            }
          }
        }
        float* to = output + ((frame * out + y) * out + x) * outputs;
        for (int p = 0; p < pixels; ++p) {
          for (int part = 0; part < parts; ++part) {
            Bits bits;
            __builtin_memcpy(&bits, &sum[p][part], sizeof bits);
            bits = bits & ~(bits >> 31);  // what is below 0 becomes 0
            __builtin_memcpy(to + p * outputs + part * width, &bits, sizeof bits);
          }
        }
      }
    }
  }
}

}  // namespace

void first_convolution_plain(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                             float* output) {
  convolve_first<Float4, Int4, 1>(frames, input, weight, bias, output);
}

#ifdef DREAM_X86_VERSIONS
[[gnu::target("arch=x86-64-v3")]] void first_convolution_v3(std::int64_t frames, const std::uint8_t* input,
                                                            const float* weight, const float* bias, float* output) {
  convolve_first<Float8, Int8, 3>(frames, input, weight, bias, output);
}

[[gnu::target("arch=x86-64-v4")]] void first_convolution_v4(std::int64_t frames, const std::uint8_t* input,
                                                            const float* weight, const float* bias, float* output) {
  convolve_first<Float16, Int16, 6>(frames, input, weight, bias, output);
}
#endif

void first_convolution(std::int64_t frames, const std::uint8_t* input, const float* weight, const float* bias,
                       float* output) {
#ifdef DREAM_X86_VERSIONS
  static const auto best = __builtin_cpu_supports("x86-64-v4")   ? first_convolution_v4
                           : __builtin_cpu_supports("x86-64-v3") ? first_convolution_v3
                                                                 : first_convolution_plain;
  best(frames, input, weight, bias, output);
#else
  first_convolution_plain(frames, input, weight, bias, output);
#endif
}

}  // namespace dream
