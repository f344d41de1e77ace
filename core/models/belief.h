#pragma once
#include "core/nn/torch.h"

namespace dream {

/// A distribution over a model's latent, batch-first: numbers, each a mixture of Gaussians (one Gaussian: K = 1), or
/// groups of classes. Undefined tensors: not known.
struct Density {
  torch::Tensor log_weights, mean, log_deviation;  // [B, D, K]; log_weights are normalised
  torch::Tensor log_probabilities;                 // [B, G, C]
  bool known() const { return mean.defined() || log_probabilities.defined(); }
};

/// What a carry holds of the latent: the prior stood before the frame was seen, the posterior after it.
struct Belief {
  torch::Tensor latent;      // [B, L], as it was drawn; classes as one-hots, group after group
  Density prior, posterior;  // unknown where a model has none; a dream has no posterior
};

/// KL(q ‖ p) of every number or group: [B, D] or [B, G], nats. Exact for classes and for two Gaussians; against a
/// mixture by Gauss-Hermite quadrature. Throws dream::Error where q is a mixture, or the two are of different kinds.
torch::Tensor kl_of(const Density& q, const Density& p);

/// Entropy of every group, or of every number's Gaussian, nats: [B, G] or [B, D]; a mixture's by its moments, an upper
/// bound.
torch::Tensor entropy_of(const Density& density);

/// How unsure a density is, one number a lane [B]: the root of the mean variance over numbers, or the mean entropy over
/// groups, nats.
torch::Tensor spread_of(const Density& density);

}  // namespace dream
