#pragma once
#include "core/nn/torch.h"

#include "api/spaces.h"
#include "core/base/choice.h"

namespace dream {

/// What a policy over a box draws from; see PolicyHead::Kind.
enum class BoxPolicy { normal, tanh_normal, truncated_normal };
constexpr auto choice_names(BoxPolicy) {
  return names_of_choice("normal", "tanh_normal", "truncated_normal");
}

/// A distribution over actions as a network's output [..., output_size()] describes it. Actions [..., N] here are the
/// network's own: a one-hot for a choice, [-1, 1] for an axis of a box. Kinds as in danijar/dreamer, dreamerv2,
/// dreamerv3.
class PolicyHead {
 public:
  enum class Kind {
    choice,           // categorical with a share of the uniform
    normal,           // V3: tanh(mean), deviation between two bounds, samples not squashed
    tanh_normal,      // V1: N(5 tanh(mean / 5), softplus(s + s_0) + 1e-4) through tanh
    truncated_normal  // V2: N(tanh(mean), 2 sigmoid(s / 2) + 0.1) cut to [-1, 1]
  };
  PolicyHead() = default;
  /// `continuous` is for a box, `unimix` for a choice.
  PolicyHead(const ActionSpace& space, BoxPolicy continuous, double unimix);

  std::int64_t output_size() const;  // of the network before it
  bool discrete() const { return kind_ == Kind::choice; }

  torch::Tensor sample(const torch::Tensor& output, at::Generator rng) const;  // reparameterised, or straight-through
  /// The sample of a box that `noise` makes: uniform in [0, 1] for a truncated normal, standard normal for the others.
  torch::Tensor sample_at(const torch::Tensor& output, const torch::Tensor& noise) const;
  torch::Tensor mode(const torch::Tensor& output, at::Generator rng) const;
  torch::Tensor log_prob(const torch::Tensor& output, const torch::Tensor& action) const;     // [...]
  torch::Tensor entropy(const torch::Tensor& output, at::Generator rng) const;                // [...], nats
  torch::Tensor probabilities(const torch::Tensor& output) const;                             // of a choice
  std::pair<torch::Tensor, torch::Tensor> mean_deviation(const torch::Tensor& output) const;  // of a box

  /// The network's action [..., N] as the environment takes it [..., A].
  torch::Tensor to_environment(const torch::Tensor& action) const;

 private:
  Kind kind_ = Kind::choice;
  std::int64_t size_ = 0;
  double unimix_ = 0;
  torch::Tensor low_, high_;
};

}  // namespace dream
