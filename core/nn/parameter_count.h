#pragma once
#include <cstdint>

#include "core/nn/torch.h"

namespace dream {

/// Learned values of a network.
inline std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t sum = 0;
  for (const auto& parameter : module.parameters()) sum += parameter.numel();
  return sum;
}

}  // namespace dream
