#pragma once
#include "core/nn/torch.h"

namespace dream {

/// log of 'unimix' probabilities: (1 - share)·softmax(logits) + share / classes, over the last dimension. share = 0 is
/// log_softmax. Mixing in a little of the uniform keeps every class alive and every KL finite (V3, "unimix").
torch::Tensor unimix(const torch::Tensor& logits, double share);

/// One-hot samples of log-probabilities [..., C], without gradient.
torch::Tensor sample_one_hot(const torch::Tensor& log_probabilities, at::Generator rng);
/// int64 [B]: of classes with logits [B, C] / temperature the first whose share of all, cumulated, is above `chance` [B] in [0, 1).
torch::Tensor class_at(const torch::Tensor& logits, double temperature, const torch::Tensor& chance);

/// Straight-through: forward exactly `one_hot`, backward d/d probabilities.
torch::Tensor straight_through(const torch::Tensor& one_hot, const torch::Tensor& log_probabilities);

/// Σ_c exp(a)·(a - b) over the last dimension, nats.
torch::Tensor categorical_kl(const torch::Tensor& a, const torch::Tensor& b);
torch::Tensor categorical_entropy(const torch::Tensor& log_probabilities);

/// KL(N(mean_a, std_a) ‖ N(mean_b, std_b)) per dimension, nats.
torch::Tensor normal_kl(const torch::Tensor& mean_a, const torch::Tensor& std_a, const torch::Tensor& mean_b,
                        const torch::Tensor& std_b);

}  // namespace dream
