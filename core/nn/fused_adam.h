#pragma once
#include "core/nn/torch.h"

namespace dream {

/// adam.step(), in one operation over all parameters. On a graphics card it is one kernel instead of ten for every
/// parameter, and a small network's step is little but the launching of kernels.
void fused_step(torch::optim::Adam& adam);

}  // namespace dream
