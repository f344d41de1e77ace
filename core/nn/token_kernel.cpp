#include "core/nn/token_kernel.h"

#include <cmath>

namespace dream {
namespace {

/// `rows` rows and one block of columns. One row alone has two sums for every column, as a single chain of additions is slower
/// than memory.
template <typename Lanes, int rows, typename W>
[[gnu::always_inline]] inline void token_block(std::int64_t inner, std::int64_t columns, const float* x, const W* w,
                                               const float* bias, float* y, bool add) {
  constexpr int width = lane_count<Lanes>, parts = static_cast<int>(token_columns) / width, chains = rows == 1 ? 2 : 1;
  Lanes sum[chains][rows][parts];
#pragma GCC unroll 2
  for (int chain = 0; chain < chains; ++chain) {
#pragma GCC unroll 8
    for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 8
      for (int part = 0; part < parts; ++part) {
        sum[chain][row][part] = Lanes{};
        if (chain > 0) continue;
        load_full(sum[0][row][part], bias + part * width);
        if (!add) continue;
        Lanes before;
        load_full(before, y + row * columns + part * width);
        sum[0][row][part] += before;
      }
    }
  }
  for (std::int64_t k = 0; k < inner; k += chains, w += chains * token_columns) {
#pragma GCC unroll 2
    for (int chain = 0; chain < chains; ++chain) {
#pragma GCC unroll 8
      for (int part = 0; part < parts; ++part) {
        Lanes factor;
        load_full(factor, w + chain * token_columns + part * width);
#pragma GCC unroll 8
        for (int row = 0; row < rows; ++row) sum[chain][row][part] += factor * x[row * inner + k + chain];
      }
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 8
    for (int part = 0; part < parts; ++part) {
      if constexpr (chains == 2) sum[0][row][part] += sum[1][row][part];
      store_full(y + row * columns + part * width, sum[0][row][part]);
    }
  }
}

template <typename Lanes, typename W>
[[gnu::always_inline]] inline void token_rows(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x,
                                              const W* packed, const float* bias, float* y, bool add) {
  for (std::int64_t column = 0; column < columns; column += token_columns) {
    const W* w = packed + column * inner;
    std::int64_t row = 0;
    for (; row + 4 <= rows; row += 4)
      token_block<Lanes, 4>(inner, columns, x + row * inner, w, bias + column, y + row * columns + column, add);
    for (; row < rows; ++row)
      token_block<Lanes, 1>(inner, columns, x + row * inner, w, bias + column, y + row * columns + column, add);
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void attend(std::int64_t heads, std::int64_t each, std::int64_t count, const float* query,
                                          const float* const* key, std::int64_t offset, float* out, float* scratch) {
  constexpr int width = lane_count<Lanes>;
  const float scale = 1 / std::sqrt(static_cast<float>(each));
  const auto values = heads * each;  // from a key to its value
  for (std::int64_t head = 0; head < heads; ++head) {
    const float* q = query + head * each;
    float* score = scratch;
    float most = -1e30f;
    for (std::int64_t i = 0; i < count; ++i) {
      const float* k = key[i] + offset + head * each;
      Lanes sum{};
      for (std::int64_t n = 0; n < each; n += width) {
        Lanes a, b;
        load_full(a, q + n);
        load_full(b, k + n);
        sum += a * b;
      }
      score[i] = lane_sum(sum) * scale;
      most = score[i] > most ? score[i] : most;
    }
    float total = 0;
    for (std::int64_t i = 0; i < count; ++i) total += score[i] = fast_exp(score[i] - most);
    const float share = 1 / total;
    for (std::int64_t n = 0; n < each; n += width) {
      Lanes sum{};
      for (std::int64_t i = 0; i < count; ++i) {
        Lanes v;
        load_full(v, key[i] + offset + values + head * each + n);
        sum += v * score[i];
      }
      sum *= share;
      store_full(out + head * each + n, sum);
    }
  }
}

}  // namespace

DREAM_VECTOR_CLONES
void token_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const Bf16* packed,
                   const float* bias, float* y, bool add) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return token_rows<decltype(lanes)>(rows, inner, columns, x, packed, bias, y, add);
  });
}

DREAM_VECTOR_CLONES
void token_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* x, const float* packed,
                   const float* bias, float* y, bool add) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return token_rows<decltype(lanes)>(rows, inner, columns, x, packed, bias, y, add);
  });
}

DREAM_VECTOR_CLONES
void token_attention(std::int64_t heads, std::int64_t each, std::int64_t count, const float* query, const float* const* key,
                     std::int64_t offset, float* out, float* scratch) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return attend<decltype(lanes)>(heads, each, count, query, key, offset, out, scratch);
  });
}

DREAM_VECTOR_CLONES
void token_gelu(std::int64_t count, float* x) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float z = x[i] * 0.70710678f, size = z < 0 ? -z : z, t = 1 / (1 + 0.3275911f * size);
    const float rest = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f)))) *
                       fast_exp(-size * size);
    x[i] *= 0.5f * (z < 0 ? rest : 2 - rest);
  }
}

}  // namespace dream
