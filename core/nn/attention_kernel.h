#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// One head's attention among the tokens of a window, which lie anywhere at even distances: softmax(q kᵀ / √each) v.
/// Where there is a query of `each` numbers, its key lies `width` numbers on, and its value 2 · `width`.
struct AttentionShape {
  std::int64_t tokens = 0, each = 0;
  std::int64_t width = 0;
  std::int64_t row = 0, out_row = 0;  // from one token's query to the next's, and from one token's answer to the next's
  bool causal = false;                // no token looks at later ones
};

/// Numbers that the kernels need to themselves.
std::int64_t attention_scratch(const AttentionShape& shape);

/// Answers, and `weight` [tokens], the logarithm of the sum of exponentials that each divided by.
void attention_forward(const AttentionShape& shape, const float* query, float* out, float* weight, float* scratch);
/// Gradients of queries, keys and values, which lie as those do.
void attention_backward(const AttentionShape& shape, const float* query, const float* out, const float* weight,
                        const float* dout, float* dquery, float* scratch);
/// One more token looks at itself, whose query is given, and at `count` before it, whose keys begin at `key`. Needs
/// `count` + 1 numbers.
void attention_next(const AttentionShape& shape, std::int64_t count, const float* query, const float* key, float* out,
                    float* scratch);

}  // namespace dream
