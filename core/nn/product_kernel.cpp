#include "core/nn/product_kernel.h"

namespace dream {
namespace {

using Float4 = float __attribute__((vector_size(16)));
using Float8 = float __attribute__((vector_size(32)));
using Float16 = float __attribute__((vector_size(64)));

/// `count` rows and one block of columns: the sums fill the registers.
template <typename Vector, int count>
[[gnu::always_inline]] inline void product_block(std::int64_t inner, std::int64_t columns, const float* x,
                                                 const float* w, const float* bias, float* y) {
  constexpr int width = sizeof(Vector) / sizeof(float), parts = static_cast<int>(product_columns) / width;
  Vector sum[count][parts];
#pragma GCC unroll 8
  for (int part = 0; part < parts; ++part) {
    Vector start = {};
    if (bias) __builtin_memcpy(&start, bias + part * width, sizeof start);
#pragma GCC unroll 8
    for (int row = 0; row < count; ++row) sum[row][part] = start;
  }
  for (std::int64_t k = 0; k < inner; ++k, w += product_columns) {
#pragma GCC unroll 8
    for (int part = 0; part < parts; ++part) {
      Vector factor;
      __builtin_memcpy(&factor, w + part * width, sizeof factor);
#pragma GCC unroll 8
      for (int row = 0; row < count; ++row) sum[row][part] += factor * x[row * inner + k];
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < count; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < parts; ++part)
      __builtin_memcpy(y + row * columns + part * width, &sum[row][part], sizeof sum[row][part]);
  }
}

template <typename Vector, int count>
[[gnu::always_inline]] inline void product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                                           const float* packed, const float* bias, float* y) {
  for (std::int64_t column = 0; column < columns; column += product_columns) {
    const float* w = packed + column * inner;
    const float* added = bias ? bias + column : nullptr;
    std::int64_t row = 0;
    for (; row + count <= rows; row += count)
      product_block<Vector, count>(inner, columns, x + row * inner, w, added, y + row * columns + column);
    for (; row < rows; ++row)
      product_block<Vector, 1>(inner, columns, x + row * inner, w, added, y + row * columns + column);
  }
}

}  // namespace

void packed_product_plain(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                          const float* packed, const float* bias, float* y) {
  product<Float4, 1>(rows, inner, columns, x, packed, bias, y);
}

#ifdef DREAM_PRODUCT_VERSIONS
[[gnu::target("arch=x86-64-v3")]] void packed_product_v3(std::int64_t rows, std::int64_t inner, std::int64_t columns,
                                                         const float* x, const float* packed, const float* bias,
                                                         float* y) {
  product<Float8, 3>(rows, inner, columns, x, packed, bias, y);
}

[[gnu::target("arch=x86-64-v4")]] void packed_product_v4(std::int64_t rows, std::int64_t inner, std::int64_t columns,
                                                         const float* x, const float* packed, const float* bias,
                                                         float* y) {
  product<Float16, 6>(rows, inner, columns, x, packed, bias, y);
}
#endif

void packed_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const float* packed,
                    const float* bias, float* y) {
#ifdef DREAM_PRODUCT_VERSIONS
  static const auto best = __builtin_cpu_supports("x86-64-v4")   ? packed_product_v4
                           : __builtin_cpu_supports("x86-64-v3") ? packed_product_v3
                                                                 : packed_product_plain;
  best(rows, inner, columns, x, packed, bias, y);
#else
  packed_product_plain(rows, inner, columns, x, packed, bias, y);
#endif
}

}  // namespace dream
