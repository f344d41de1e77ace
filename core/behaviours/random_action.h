#pragma once
#include <ATen/core/Generator.h>
#include <torch/types.h>

#include "api/spaces.h"

namespace dream {

/// Uniform over choices, or within the bounds of every axis: [lanes, A]. Prefills replays, and is what a policy must
/// beat.
torch::Tensor random_action(const ActionSpace& space, std::int64_t lanes, at::Generator rng,
                            const torch::Device& device);

}  // namespace dream
