#include "core/nn/categorical.h"

#include <cmath>

namespace dream {

torch::Tensor unimix(const torch::Tensor& logits, double share) {
  const auto wide = logits.to(torch::kFloat32);
  if (share <= 0) return torch::log_softmax(wide, -1);
  const auto classes = static_cast<double>(wide.size(-1));
  return torch::log(torch::softmax(wide, -1) * (1 - share) + share / classes);
}

torch::Tensor sample_one_hot(const torch::Tensor& log_probabilities, at::Generator rng) {
  torch::NoGradGuard no_grad;
  // Gumbel's trick: the largest of log p + noise is a draw from p; noise = -ln of an exponential draw.
  auto noise = torch::empty_like(log_probabilities, at::MemoryFormat::Contiguous).exponential_(1, rng).log_();
  const auto drawn = (log_probabilities - noise).argmax(-1, true);
  return torch::zeros_like(log_probabilities, at::MemoryFormat::Contiguous).scatter_(-1, drawn, 1);
}

torch::Tensor straight_through(const torch::Tensor& one_hot, const torch::Tensor& log_probabilities) {
  const auto probabilities = log_probabilities.exp();
  return one_hot + (probabilities - probabilities.detach());
}

torch::Tensor categorical_kl(const torch::Tensor& a, const torch::Tensor& b) { return (a.exp() * (a - b)).sum(-1); }

torch::Tensor categorical_entropy(const torch::Tensor& log_probabilities) {
  return -(log_probabilities.exp() * log_probabilities).sum(-1);
}

torch::Tensor normal_kl(const torch::Tensor& mean_a, const torch::Tensor& std_a, const torch::Tensor& mean_b,
                        const torch::Tensor& std_b) {
  const auto ratio = (std_a / std_b).square();
  return 0.5 * (ratio + ((mean_a - mean_b) / std_b).square() - 1 - ratio.log());
}

}  // namespace dream
