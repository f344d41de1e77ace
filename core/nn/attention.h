#pragma once
#include <torch/types.h>

namespace dream {

/// Attention (Vaswani et al. 2017) of `heads` heads among the second dimension's tokens: queries, keys and values side
/// by side [N, L, M, 3 D] -> [N, L, M, D], for each of N and M by itself. So the tokens of a frame look at one another
/// ([B T, S, 1, 3 D]), or each place at its own past ([B, T, S, 3 D], `causal`), and nothing has to be turned round. On
/// the processor in one pass each way, in which no weights are kept.
torch::Tensor attention(const torch::Tensor& query_key_value, std::int64_t heads, bool causal);

/// One more token of each of [B, S, 3 D], after the first `count` int64 [B] of before [B, T, S, 3 D] -> [B, S, D].
torch::Tensor attention_of_next(const torch::Tensor& query_key_value, const torch::Tensor& before,
                                const torch::Tensor& count, std::int64_t heads);

}  // namespace dream
