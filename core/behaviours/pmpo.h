#pragma once
#include "core/behaviours/policy_head.h"

namespace dream {

/// The policy's loss of Dreamer 4 (Hafner et al. 2025, eq. 11; PMPO, Abdolmaleki et al. 2025), which asks of advantages no
/// more than their signs, so that no reward has to be scaled:
///   (1 − α)/|D⁻| Σ_{D⁻} log π − α/|D⁺| Σ_{D⁺} log π + β mean KL(π ‖ prior),
/// D⁺ where the advantage is not negative. Every argument is [...] and likewise `weight`, of which a sum stands for a
/// count; a set that is empty adds nothing. Scalar.
torch::Tensor pmpo_loss(const torch::Tensor& log_prob, const torch::Tensor& advantage, const torch::Tensor& divergence,
                        const torch::Tensor& weight, double alpha, double beta);

/// KL(π ‖ prior) of two outputs [..., head.output_size()], [...], nats: of categoricals, or of the normals behind a box.
torch::Tensor policy_divergence(const PolicyHead& head, const torch::Tensor& output, const torch::Tensor& prior);

}  // namespace dream
