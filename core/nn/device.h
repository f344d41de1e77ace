#pragma once
#include <torch/types.h>

#include <string>

namespace dream {

/// "cpu", "cuda" or "cuda:1". Throws dream::Error when the name is unknown or this machine (or this build of Torch)
/// has no such device.
torch::Device device_from(const std::string& name);

}  // namespace dream
