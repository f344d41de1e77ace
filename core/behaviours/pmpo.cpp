#include "core/behaviours/pmpo.h"

#include "core/nn/categorical.h"

namespace dream {

torch::Tensor pmpo_loss(const torch::Tensor& log_prob, const torch::Tensor& advantage, const torch::Tensor& divergence,
                        const torch::Tensor& weight, double alpha, double beta) {
  const auto mean_over = [](const torch::Tensor& x, const torch::Tensor& by) { return (x * by).sum() / by.sum().clamp_min(1e-6); };
  const auto better = (advantage >= 0).to(weight.scalar_type()) * weight;
  return (1 - alpha) * mean_over(log_prob, weight - better) - alpha * mean_over(log_prob, better) + beta * mean_over(divergence, weight);
}

torch::Tensor policy_divergence(const PolicyHead& head, const torch::Tensor& output, const torch::Tensor& prior) {
  if (head.discrete()) return categorical_kl(head.probabilities(output).log(), head.probabilities(prior).log());
  const auto [mean, deviation] = head.mean_deviation(output);
  const auto [prior_mean, prior_deviation] = head.mean_deviation(prior);
  return normal_kl(mean, deviation, prior_mean, prior_deviation).sum(-1);
}

}  // namespace dream
