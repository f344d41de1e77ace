// What the Dreamers compute with, in each version that this processor can run, in float32 and in bfloat16.
#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "core/nn/categorical_kernel.h"
#include "core/nn/dropout_kernel.h"
#include "core/nn/norm_kernel.h"
#include "core/nn/picture_kernel.h"
#include "core/nn/pool_kernel.h"
#include "core/nn/simplex_kernel.h"
#include "tests/support/kernel_versions.h"

namespace dream {
namespace kernel_versions_dreamer_test {

#ifdef DREAM_VERSIONS_CAN_BE_FOUND

using test::append, test::expect_versions_alike, test::numbers;

void convert(const std::vector<float>& from, std::vector<float>& to) {
  to = from;
}
void convert(const std::vector<float>& from, std::vector<Bf16>& to) {
  to.clear();
  for (const float x : from) to.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16)});
}
std::vector<float> floats(const std::vector<float>& values) {
  return values;
}
std::vector<float> floats(const std::vector<Bf16>& values) {
  std::vector<float> all;
  for (const Bf16 x : values) all.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16));
  return all;
}
template <class T>
std::vector<T> drawn(std::uint32_t stream, std::int64_t count, double scale) {
  std::vector<T> values;
  convert(numbers(stream, count, scale), values);
  return values;
}

/// A result is rounded to 8 bits, where the last may differ; sums of float32 differ in their order.
template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 1e-5 : 1.0 / 128;

std::vector<std::uint8_t> bytes_of(std::int64_t count, int most) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 % most);
  return bytes;
}

template <class T>
void norms(const std::string& forward, const std::string& backward) {
  constexpr std::int64_t rows = 5, size = 37, padded = 48;  // no multiple of a vector
  for (const bool centred : {false, true}) {
    for (const auto act : {NormAct::none, NormAct::relu, NormAct::elu, NormAct::silu, NormAct::tanh, NormAct::mish}) {
      const NormShape shape{size, 1e-4f, centred, act};
      const auto x = drawn<T>(1, rows * size, 2);
      const auto scale = numbers(2, padded, 1), shift = numbers(3, padded, 0.5);
      std::vector<float> moments(2 * rows);
      const auto* given = centred ? shift.data() : nullptr;
      using Forward = void(const NormShape&, std::int64_t, const T*, const float*, const float*, T*, float*);
      expect_versions_alike<Forward>(forward, tolerance<T>, [&](auto* kernel) {
        std::vector<T> y(rows * size);
        kernel(shape, rows, x.data(), scale.data(), given, y.data(), moments.data());
        auto all = floats(y);
        append(all, moments);
        return all;
      });
      using Backward = void(const NormShape&, std::int64_t, const T*, const float*, const float*, const float*, const T*,
                            T*, float*, float*);
      expect_versions_alike<Backward>(backward, 4 * tolerance<T>, [&](auto* kernel) {
        const auto dy = drawn<T>(4, rows * size, 1);
        std::vector<T> dx(rows * size);
        std::vector<float> dscale(padded), dshift(padded);
        kernel(shape, rows, x.data(), scale.data(), given, moments.data(), dy.data(), dx.data(), dscale.data(),
               centred ? dshift.data() : nullptr);
        auto all = floats(dx);
        dscale.resize(size), dshift.resize(size);
        append(all, dscale), append(all, dshift);
        return all;
      });
    }
  }
}

TEST(KernelVersions, Norms) {
  norms<float>("_ZN5dream12norm_forwardERKNS_9NormShapeElPKf", "_ZN5dream13norm_backwardERKNS_9NormShapeElPKf");
  norms<Bf16>("_ZN5dream12norm_forwardERKNS_9NormShapeElPKNS_4Bf16E",
              "_ZN5dream13norm_backwardERKNS_9NormShapeElPKNS_4Bf16E");
}

template <class T>
void simplices(const std::string& type) {
  constexpr std::int64_t count = 8 * 13;  // with half a vector at the end
  const auto x = drawn<T>(1, count, 5), dy = drawn<T>(2, count, 1);
  std::vector<T> y(count), dx(count);
  expect_versions_alike<void(std::int64_t, const T*, T*)>("_ZN5dream15simplex_forwardElPK" + type, tolerance<T>, [&](auto* kernel) {
    kernel(count, x.data(), y.data());
    return floats(y);
  });
  expect_versions_alike<void(std::int64_t, const T*, const T*, T*)>("_ZN5dream16simplex_backwardElPK" + type, tolerance<T>,
                                                                   [&](auto* kernel) {
                                                                     kernel(count, y.data(), dy.data(), dx.data());
                                                                     return floats(dx);
                                                                   });
}

TEST(KernelVersions, Simplices) {
  simplices<float>("f");
  simplices<Bf16>("NS_4Bf16E");
}

template <class T>
void dropouts(const std::string& type) {
  constexpr std::int64_t count = 101;
  const auto x = drawn<T>(1, count, 1);
  std::vector<T> y(count);
  expect_versions_alike<void(std::int64_t, std::uint32_t, std::uint64_t, float, const T*, T*)>(
      "_ZN5dream12drop_numbersEljmfPK" + type, 0, [&](auto* kernel) {
        kernel(count, 7, 0x123456789abcdefULL, 0.3f, x.data(), y.data());
        return floats(y);
      });
}

TEST(KernelVersions, Dropouts) {
  dropouts<float>("f");
  dropouts<Bf16>("NS_4Bf16E");
}

TEST(KernelVersions, Categoricals) {
  constexpr std::int64_t rows = 7, classes = 19;
  const auto x = numbers(1, rows * classes, 6);
  std::vector<float> out(rows * classes);
  expect_versions_alike<decltype(unimix_forward)>("_ZN5dream14unimix_forwardE", 1e-5, [&](auto* kernel) {
    kernel(rows, classes, 0.01f, x.data(), out.data());
    return out;
  });
  expect_versions_alike<decltype(unimix_backward)>("_ZN5dream15unimix_backwardE", 1e-5, [&](auto* kernel) {
    const auto gradient = numbers(2, rows * classes, 1);
    std::vector<float> dx(rows * classes);
    kernel(rows, classes, 0.01f, out.data(), gradient.data(), dx.data());
    return dx;
  });
  expect_versions_alike<decltype(one_hot_draw)>("_ZN5dream12one_hot_drawE", 0, [&](auto* kernel) {
    auto uniform = numbers(3, rows, 0.5);
    for (auto& u : uniform) u += 0.5f;
    std::vector<float> one_hot(rows * classes);
    kernel(rows, classes, out.data(), uniform.data(), one_hot.data());
    return one_hot;
  });
}

template <class T>
void pools(const std::string& forward, const std::string& backward) {
  constexpr std::int64_t rows = 6, width = 4, channels = 21, pooled = rows * width * channels / 4;
  std::vector<std::uint8_t> which(pooled);
  using Forward = void(std::int64_t, std::int64_t, std::int64_t, const T*, T*, std::uint8_t*);
  expect_versions_alike<Forward>(forward, 0, [&](auto* kernel) {
    const auto x = drawn<T>(1, 4 * pooled, 1);
    std::vector<T> y(pooled);
    kernel(rows, width, channels, x.data(), y.data(), which.data());
    auto all = floats(y);
    for (const auto w : which) all.push_back(w);
    return all;
  });
  using Backward = void(std::int64_t, std::int64_t, std::int64_t, const std::uint8_t*, const T*, T*);
  expect_versions_alike<Backward>(backward, 0, [&](auto* kernel) {
    const auto dy = drawn<T>(2, pooled, 1);
    std::vector<T> dx(4 * pooled);
    kernel(rows, width, channels, which.data(), dy.data(), dx.data());
    return floats(dx);
  });
}

TEST(KernelVersions, Pools) {
  pools<float>("_ZN5dream12pool_forwardElllPKf", "_ZN5dream13pool_backwardElllPKhPKf");
  pools<Bf16>("_ZN5dream12pool_forwardElllPKNS_4Bf16E", "_ZN5dream13pool_backwardElllPKhPKNS_4Bf16E");
}

template <class T>
void pictures(const std::string& type, const std::string& end) {
  constexpr std::int64_t count = 71;
  const auto x = bytes_of(count, 256);
  using Numbers = void(std::int64_t, const std::uint8_t*, T*);
  expect_versions_alike<Numbers>("_ZN5dream17pixels_to_numbersElPKhP" + end, tolerance<T>, [&](auto* kernel) {
    std::vector<T> out(count);
    kernel(count, x.data(), out.data());
    return floats(out);
  });
  for (const bool sigmoid : {false, true}) {
    const auto y = drawn<T>(1, count, 2);
    using Squares = float(std::int64_t, bool, const T*, const std::uint8_t*);
    expect_versions_alike<Squares>("_ZN5dream15picture_squaresElbP" + type, 1e-5, [&](auto* kernel) {
      return std::vector<float>{kernel(count, sigmoid, y.data(), x.data())};
    });
    using Backward = void(std::int64_t, bool, float, const T*, const std::uint8_t*, T*);
    expect_versions_alike<Backward>("_ZN5dream24picture_squares_backwardElbfP" + type, tolerance<T>, [&](auto* kernel) {
      std::vector<T> dy(count);
      kernel(count, sigmoid, 0.7f, y.data(), x.data(), dy.data());
      return floats(dy);
    });
  }
}

TEST(KernelVersions, Pictures) {
  pictures<float>("Kf", "f.");
  pictures<Bf16>("KNS_4Bf16E", "NS_4Bf16E.");
}

TEST(KernelVersions, StrideTwoInHalfPrecision) {
  const StrideTwo shape{14, 16};
  using Tiles = void(const StrideTwo&, std::int64_t, const float*, Bf16*);
  expect_versions_alike<Tiles>("_ZN5dream14winograd_tilesERKNS_9StrideTwoElPKfPNS_4Bf16E", tolerance<Bf16>,
                               [&](auto* kernel) {
                                 const auto input = numbers(1, 2 * 14 * 14 * 16, 1);
                                 std::vector<Bf16> tiles(9 * 2 * 9 * 64);
                                 kernel(shape, 2, input.data(), tiles.data());
                                 return floats(tiles);
                               });
  using Outputs = void(const StrideTwo&, std::int64_t, std::int64_t, const Bf16*, const float*, float*);
  expect_versions_alike<Outputs>("_ZN5dream16winograd_outputsERKNS_9StrideTwoEllPKNS_4Bf16E", 1e-5, [&](auto* kernel) {
    const auto products = drawn<Bf16>(1, 9 * 2 * 9 * 32, 1);
    const auto bias = numbers(2, 32, 1);
    std::vector<float> output(2 * 6 * 6 * 32);
    kernel(shape, 2, 32, products.data(), bias.data(), output.data());
    return output;
  });
}

#endif

}  // namespace kernel_versions_dreamer_test
}  // namespace dream
