#pragma once
#include "core/models/belief.h"

namespace dream {

// How good a density was, once it is known what came: float64 on the CPU. `came` is [B, D], or one-hots [B, G·C].

/// What it expects: the mean of every number [B, D], or the probabilities of every class [B, G·C].
torch::Tensor expected_of(const Density& density);
/// −log p of every number or group, nats.
torch::Tensor nll_of(const Density& density, const torch::Tensor& came);
/// The probability of less than what came, of every number: uniform where the density is right. Numbers alone.
torch::Tensor pit_of(const Density& density, const torch::Tensor& came);
/// Continuous ranked probability score of every number, in its unit; 0 is perfect. Grimit et al. 2006. Numbers alone.
torch::Tensor crps_of(const Density& density, const torch::Tensor& came);
/// One Gaussian a number; mean and deviation broadcast to each other.
Density gaussian(const torch::Tensor& mean, const torch::Tensor& deviation);

}  // namespace dream
