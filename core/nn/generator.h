#pragma once
#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <string>

#include "core/base/rng.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// A CPU or CUDA generator with this seed; its state as a tensor, for checkpoints.
at::Generator make_generator(const torch::Device& device, std::uint64_t seed);
/// A stream that one draw of this generator has seeded, for what is drawn number by number.
Rng drawn_stream(at::Generator generator);
void store_generator(Checkpoint& into, const std::string& name, const at::Generator& generator);
void load_generator(const Checkpoint& from, const std::string& name, at::Generator& generator);

}  // namespace dream
