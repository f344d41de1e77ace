#pragma once
#include <torch/types.h>

namespace dream {

/// Dropout (Srivastava et al. 2014): `share` of the numbers of x, float32 or bf16, become 0, and the others grow by 1 /
/// (1 − share). Draws one number of `rng`, and on the processor no mask: ATen's draws cost more than the products of a
/// small transformer.
torch::Tensor dropout(const torch::Tensor& x, double share, at::Generator rng);

}  // namespace dream
