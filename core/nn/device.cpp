#include "core/nn/device.h"

#include <ATen/Context.h>
#include <torch/cuda.h>

#include "api/error.h"

namespace dream {

torch::Device device_from(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (!name.starts_with("cuda")) throw Error("--device: '" + name + "' is not a device; it is cpu, cuda or cuda:N");
  if (!torch::cuda::is_available()) {
    throw Error("--device " + name + ": this machine, or this build of Torch, has no CUDA device; use --device cpu");
  }
  try {
    torch::Device device(name);
    if (device.has_index() && device.index() >= static_cast<int>(torch::cuda::device_count())) {
      throw Error("--device " + name + ": there are " + std::to_string(torch::cuda::device_count()) + " CUDA devices");
    }
    at::globalContext().setBenchmarkCuDNN(true);  // shapes repeat here: cuDNN may try its algorithms once
    return device;
  } catch (const c10::Error&) {
    throw Error("--device: '" + name + "' is not a device; it is cpu, cuda or cuda:N");
  }
}

}  // namespace dream
