#include "core/nn/attention_kernel.h"

#include <cmath>

namespace dream {
namespace {

constexpr float not_looked_at = -1e30f;
constexpr std::int64_t most_lanes = 2 * vector_block;  // queries of a block

constexpr std::int64_t whole_vectors(std::int64_t each, std::int64_t lanes) {
  return (each + lanes - 1) / lanes * lanes;
}

/// Not `= {}`, which GCC 12 does in memory.
template <typename Lanes, int n, int vectors>
[[gnu::always_inline]] inline void clear(Lanes (&sums)[n][vectors]) {
  for (auto& row : sums)
    for (auto& sum : row) sum = Lanes{};
}

/// to[j] = Σ_c rows[j][c] · columns[c], each to[j] and columns[c] of as many numbers as there are queries.
template <typename Lanes, int vectors>
[[gnu::always_inline]] inline void products(std::int64_t count, std::int64_t each, const float* rows,
                                            const float* columns, float* to) {
  constexpr int lanes = lane_count<Lanes>, wide = vectors * lanes;
  const auto some = [&](auto number, std::int64_t j) __attribute__((always_inline)) {
    constexpr int n = decltype(number)::value;
    Lanes sum[n][vectors];
    clear(sum);
    for (std::int64_t c = 0; c < each; ++c) {
      Lanes column[vectors];
      for (int v = 0; v < vectors; ++v) load_full(column[v], columns + c * wide + v * lanes);
      for (int r = 0; r < n; ++r)
        for (int v = 0; v < vectors; ++v) sum[r][v] += rows[(j + r) * each + c] * column[v];
    }
    for (int r = 0; r < n; ++r)
      for (int v = 0; v < vectors; ++v) store_full(to + (j + r) * wide + v * lanes, sum[r][v]);
  };
  std::int64_t j = 0;
  for (; j + 4 <= count; j += 4) some(std::integral_constant<int, 4>{}, j);
  for (; j < count; ++j) some(std::integral_constant<int, 1>{}, j);
}

/// to[c] = Σ_j rows[j][c] · weights[j], of as many numbers as there are queries.
template <typename Lanes, int vectors>
[[gnu::always_inline]] inline void summed(std::int64_t count, std::int64_t each, const float* rows,
                                          const float* weights, float* to) {
  constexpr int lanes = lane_count<Lanes>, wide = vectors * lanes;
  const auto some = [&](auto number, std::int64_t c) __attribute__((always_inline)) {
    constexpr int n = decltype(number)::value;
    Lanes sum[n][vectors];
    clear(sum);
    for (std::int64_t j = 0; j < count; ++j) {
      Lanes weight[vectors];
      for (int v = 0; v < vectors; ++v) load_full(weight[v], weights + j * wide + v * lanes);
      for (int r = 0; r < n; ++r)
        for (int v = 0; v < vectors; ++v) sum[r][v] += rows[j * each + c + r] * weight[v];
    }
    for (int r = 0; r < n; ++r)
      for (int v = 0; v < vectors; ++v) store_full(to + (c + r) * wide + v * lanes, sum[r][v]);
  };
  std::int64_t c = 0;
  for (; c + 4 <= each; c += 4) some(std::integral_constant<int, 4>{}, c);
  for (; c < each; ++c) some(std::integral_constant<int, 1>{}, c);
}

/// to[j] += Σ_i weights[j][i] · rows[i], rows of whole vectors, `padded` numbers.
template <typename Lanes>
[[gnu::always_inline]] inline void spread(std::int64_t count, std::int64_t used, std::int64_t wide, std::int64_t padded,
                                          const float* weights, const float* rows, float* to) {
  constexpr int lanes = lane_count<Lanes>;
  const auto some = [&](auto number, std::int64_t j, std::int64_t c) __attribute__((always_inline)) {
    constexpr int n = decltype(number)::value;
    Lanes sum[n];
    for (int r = 0; r < n; ++r) load_full(sum[r], to + (j + r) * padded + c);
    for (std::int64_t i = 0; i < used; ++i) {
      Lanes row;
      load_full(row, rows + i * padded + c);
      for (int r = 0; r < n; ++r) sum[r] += weights[(j + r) * wide + i] * row;
    }
    for (int r = 0; r < n; ++r) store_full(to + (j + r) * padded + c, sum[r]);
  };
  for (std::int64_t c = 0; c < padded; c += lanes) {
    std::int64_t j = 0;
    for (; j + 8 <= count; j += 8) some(std::integral_constant<int, 8>{}, j, c);
    for (; j < count; ++j) some(std::integral_constant<int, 1>{}, j, c);
  }
}

/// Of a block of queries from `first` on: what is later than a query is `value`.
[[gnu::always_inline]] inline void hide_later(std::int64_t first, std::int64_t count, std::int64_t wide, float value,
                                              float* scores) {
  for (std::int64_t j = first + 1; j < count; ++j)
    for (std::int64_t lane = 0; lane < j - first && lane < wide; ++lane) scores[j * wide + lane] = value;
}

/// Numbers of a window one behind the other: [tokens][each].
[[gnu::always_inline]] inline void gather(const AttentionShape& s, const float* from, float* to) {
  for (std::int64_t j = 0; j < s.tokens; ++j)
    for (std::int64_t c = 0; c < s.each; ++c) to[j * s.each + c] = from[j * s.row + c];
}

/// `used` rows as columns [each][wide], those that are not there 0.
[[gnu::always_inline]] inline void turned(std::int64_t used, std::int64_t each, std::int64_t wide, std::int64_t row,
                                          float scale, const float* from, float* to) {
  for (std::int64_t c = 0; c < each; ++c) {
    for (std::int64_t i = 0; i < used; ++i) to[c * wide + i] = scale * from[i * row + c];
    for (std::int64_t i = used; i < wide; ++i) to[c * wide + i] = 0;
  }
}

template <typename Lanes, int vectors>
[[gnu::always_inline]] inline void forward(const AttentionShape& s, const float* query, float* out, float* weight,
                                           float* scratch) {
  constexpr int lanes = lane_count<Lanes>, wide = vectors * lanes;
  const auto scale = 1 / std::sqrt(static_cast<float>(s.each));
  float *const keys = scratch, *const values = keys + s.tokens * s.each, *const columns = values + s.tokens * s.each,
               *const answer = columns + s.each * most_lanes, *const scores = answer + s.each * most_lanes;
  float shares[most_lanes];
  gather(s, query + s.width, keys);
  gather(s, query + 2 * s.width, values);
  for (std::int64_t first = 0; first < s.tokens; first += wide) {
    const auto used = s.tokens - first < wide ? s.tokens - first : wide;
    const auto count = s.causal ? first + used : s.tokens;
    turned(used, s.each, wide, s.row, scale, query + first * s.row, columns);
    products<Lanes, vectors>(count, s.each, keys, columns, scores);
    if (s.causal) hide_later(first, count, wide, not_looked_at, scores);
    Lanes most[vectors], sum[vectors];
    for (int v = 0; v < vectors; ++v) most[v] = Lanes{} + not_looked_at, sum[v] = Lanes{};
    for (std::int64_t j = 0; j < count; ++j) {
      for (int v = 0; v < vectors; ++v) {
        Lanes x;
        load_full(x, scores + j * wide + v * lanes);
        most[v] = most[v] < x ? x : most[v];
      }
    }
    for (std::int64_t j = 0; j < count; ++j) {
      for (int v = 0; v < vectors; ++v) {
        Lanes x;
        load_full(x, scores + j * wide + v * lanes);
        x -= most[v];
        exp_lanes(x);
        store_full(scores + j * wide + v * lanes, x);
        sum[v] += x;
      }
    }
    for (int v = 0; v < vectors; ++v) {
      Lanes share = 1.0f / sum[v], logarithm = sum[v];
      log_lanes(logarithm);
      logarithm += most[v];
      store_full(shares + v * lanes, share);
      store_full(columns + v * lanes, logarithm);
    }
    for (std::int64_t i = 0; i < used; ++i) weight[first + i] = columns[i];
    if (s.causal) hide_later(first, count, wide, 0, scores);
    summed<Lanes, vectors>(count, s.each, values, scores, answer);
    for (std::int64_t i = 0; i < used; ++i)
      for (std::int64_t c = 0; c < s.each; ++c) out[(first + i) * s.out_row + c] = answer[c * wide + i] * shares[i];
  }
}

template <typename Lanes, int vectors>
[[gnu::always_inline]] inline void backward(const AttentionShape& s, const float* query, const float* out,
                                            const float* weight, const float* dout, float* dquery, float* scratch) {
  constexpr int lanes = lane_count<Lanes>, wide = vectors * lanes;
  const auto scale = 1 / std::sqrt(static_cast<float>(s.each));
  const auto padded = whole_vectors(s.each, lanes);
  float* free = scratch;
  const auto take = [&](std::int64_t numbers) __attribute__((always_inline)) {
    float* const there = free;
    free += numbers;
    return there;
  };
  float *const keys = take(s.tokens * s.each), *const values = take(s.tokens * s.each);
  float *const columns = take(s.each * most_lanes), *const answers = take(s.each * most_lanes),
               *const rows = take(padded * most_lanes), *const answered = take(padded * most_lanes);
  float *const scores = take(s.tokens * most_lanes), *const slopes = take(s.tokens * most_lanes);
  float *const dkeys = take(s.tokens * padded), *const dvalues = take(s.tokens * padded);
  gather(s, query + s.width, keys);
  gather(s, query + 2 * s.width, values);
  for (std::int64_t i = 0; i < s.tokens * padded; ++i) dkeys[i] = dvalues[i] = 0;
  for (std::int64_t i = 0; i < wide * padded; ++i) rows[i] = answered[i] = 0;
  for (std::int64_t first = 0; first < s.tokens; first += wide) {
    const auto used = s.tokens - first < wide ? s.tokens - first : wide;
    const auto count = s.causal ? first + used : s.tokens;
    const float *const q = query + first * s.row, *const o = out + first * s.out_row,
                       *const d = dout + first * s.out_row;
    turned(used, s.each, wide, s.row, scale, q, columns);
    turned(used, s.each, wide, s.out_row, 1, d, answers);
    float before[most_lanes] = {}, along[most_lanes] = {};
    for (std::int64_t i = 0; i < used; ++i) {
      before[i] = weight[first + i];
      for (std::int64_t c = 0; c < s.each; ++c) {
        rows[i * padded + c] = scale * q[i * s.row + c];
        answered[i * padded + c] = d[i * s.out_row + c];
        along[i] += o[i * s.out_row + c] * d[i * s.out_row + c];
      }
    }
    products<Lanes, vectors>(count, s.each, keys, columns, scores);
    products<Lanes, vectors>(count, s.each, values, answers, slopes);
    if (s.causal) hide_later(first, count, wide, not_looked_at, scores);
    Lanes sum[vectors], mean[vectors];
    for (int v = 0; v < vectors; ++v) load_full(sum[v], before + v * lanes), load_full(mean[v], along + v * lanes);
    for (std::int64_t j = 0; j < count; ++j) {
      for (int v = 0; v < vectors; ++v) {
        Lanes x, slope;
        load_full(x, scores + j * wide + v * lanes);
        load_full(slope, slopes + j * wide + v * lanes);
        x -= sum[v];
        exp_lanes(x);
        store_full(scores + j * wide + v * lanes, x);
        slope = x * (slope - mean[v]);
        store_full(slopes + j * wide + v * lanes, slope);
      }
    }
    if (s.causal) hide_later(first, count, wide, 0, scores), hide_later(first, count, wide, 0, slopes);
    spread<Lanes>(count, used, wide, padded, scores, answered, dvalues);
    spread<Lanes>(count, used, wide, padded, slopes, rows, dkeys);
    summed<Lanes, vectors>(count, s.each, keys, slopes, columns);
    for (std::int64_t i = 0; i < used; ++i)
      for (std::int64_t c = 0; c < s.each; ++c) dquery[(first + i) * s.row + c] = scale * columns[c * wide + i];
  }
  for (std::int64_t j = 0; j < s.tokens; ++j) {
    for (std::int64_t c = 0; c < s.each; ++c) {
      dquery[j * s.row + s.width + c] = dkeys[j * padded + c];
      dquery[j * s.row + 2 * s.width + c] = dvalues[j * padded + c];
    }
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void next(const AttentionShape& s, std::int64_t count, const float* query,
                                        const float* key, float* out, float* scores) {
  const auto scale = 1 / std::sqrt(static_cast<float>(s.each));
  const auto key_of = [&](std::int64_t j) __attribute__((always_inline)) {
    return j < count ? key + j * s.row : query + s.width;
  };
  float most = not_looked_at, total = 0;
  for (std::int64_t j = 0; j <= count; ++j) {
    const auto* const k = key_of(j);
    Lanes sum = {};
    each_block<Lanes>(
        s.each, s.each, [&](std::int64_t c, auto full, const RowEnd& end) __attribute__((always_inline)) {
          Lanes a, b;
          load_block(a, query + c, full, end);
          load_block(b, k + c, full, end);
          sum += a * b;
        });
    scores[j] = scale * lane_sum(sum);
    most = scores[j] > most ? scores[j] : most;
  }
  for (std::int64_t j = 0; j <= count; ++j) total += scores[j] = fast_exp(scores[j] - most);
  each_block<Lanes>(
      s.each, s.each, [&](std::int64_t c, auto full, const RowEnd& end) __attribute__((always_inline)) {
        Lanes sum = {}, v;
        for (std::int64_t j = 0; j <= count; ++j) {
          load_block(v, key_of(j) + s.width + c, full, end);
          sum += scores[j] * v;
        }
        sum /= total;
        store_block(out + c, sum, full, end);
      });
}

}  // namespace

std::int64_t attention_scratch(const AttentionShape& s) {
  const auto padded = whole_vectors(s.each, vector_block);
  return 2 * s.tokens * s.each + 2 * s.each * most_lanes + 2 * padded * most_lanes + 2 * s.tokens * most_lanes +
         2 * s.tokens * padded;
}

// Windows of few tokens fill one vector.
DREAM_VECTOR_CLONES
void attention_forward(const AttentionShape& shape, const float* query, float* out, float* weight, float* scratch) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    using Lanes = decltype(lanes);
    if (shape.tokens <= lane_count<Lanes>) return forward<Lanes, 1>(shape, query, out, weight, scratch);
    return forward<Lanes, 2>(shape, query, out, weight, scratch);
  });
}

DREAM_VECTOR_CLONES
void attention_backward(const AttentionShape& shape, const float* query, const float* out, const float* weight,
                        const float* dout, float* dquery, float* scratch) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    using Lanes = decltype(lanes);
    if (shape.tokens <= lane_count<Lanes>) return backward<Lanes, 1>(shape, query, out, weight, dout, dquery, scratch);
    return backward<Lanes, 2>(shape, query, out, weight, dout, dquery, scratch);
  });
}

DREAM_VECTOR_CLONES
void attention_next(const AttentionShape& shape, std::int64_t count, const float* query, const float* key, float* out,
                    float* scratch) {
  with_lanes([&](auto lanes) __attribute__((always_inline)) {
    return next<decltype(lanes)>(shape, count, query, key, out, scratch);
  });
}

}  // namespace dream
