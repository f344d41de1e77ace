#pragma once
#include <torch/types.h>

#include "core/nn/norm_kernel.h"

namespace dream {

/// act(norm(x)·scale + shift) over the last dimension, float32 or bf16 as x is, computed in float32; one pass each way
/// on the CPU, ATen's operations elsewhere. `shift` may be undefined. shape.size is read from x. Of an ensemble, x [E,
/// N, size], scale and shift are [E, 1, size].
torch::Tensor norm_act(const torch::Tensor& x, const torch::Tensor& scale, const torch::Tensor& shift, NormShape shape);

}  // namespace dream
