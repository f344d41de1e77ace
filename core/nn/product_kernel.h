#pragma once
#include <cstdint>

namespace dream {

/// x [rows, inner] · w [inner, columns] + bias -> y [rows, columns], by one thread. `packed` is w in blocks of columns:
/// [columns / 32, inner, 32]; columns is a multiple of 32; bias may be null. Every number is one sum in the order of
/// `inner`: it depends neither on the other rows nor, as a library's product may, on how many threads there are.
constexpr std::int64_t product_columns = 32;
void packed_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const float* packed,
                    const float* bias, float* y);

// Its versions, of which it takes the best that the processor can run.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DREAM_PRODUCT_VERSIONS
void packed_product_v3(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                       const float* packed, const float* bias, float* y);
void packed_product_v4(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                       const float* packed, const float* bias, float* y);
#endif
void packed_product_plain(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                          const float* packed, const float* bias, float* y);

}  // namespace dream
