#pragma once
#include <torch/types.h>

namespace dream {

/// Every `group` numbers of the last dimension become a softmax: simplicial embeddings (Lavoie et al. 2022), the
/// SimNorm of TD-MPC2 (Hansen et al. 2024). One pass each way for groups of eight on the processor.
torch::Tensor sim_norm(const torch::Tensor& x, std::int64_t group);

}  // namespace dream
