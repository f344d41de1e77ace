#pragma once
#include <torch/types.h>

namespace dream {

/// Whether what is written for the processor serves `device`: the kernels, of which ATen's operations do the work
/// elsewhere, and the ways of feeding them.
bool on_processor(const torch::Device& device);
inline bool kernels_serve(const torch::Tensor& x) {
  return on_processor(x.device());
}

/// While one lives, nothing is on the processor, for any thread: what a graphics card runs can so be run, and tested,
/// without one.
class WithoutKernels {
 public:
  WithoutKernels();
  ~WithoutKernels();
  WithoutKernels(const WithoutKernels&) = delete;
  WithoutKernels& operator=(const WithoutKernels&) = delete;
};

}  // namespace dream
