#pragma once
#include <torch/types.h>

namespace dream {

/// The largest of each 2 × 2 pixels: [N, C, H, W], float32 or bf16 in channels-last memory, H and W even -> [N, C, H/2,
/// W/2]. What is kept for the gradient is a byte per output.
torch::Tensor max_pool(const torch::Tensor& x);

}  // namespace dream
