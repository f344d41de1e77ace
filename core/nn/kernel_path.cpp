#include "core/nn/kernel_path.h"

#include <atomic>

namespace dream {
namespace {

std::atomic<int> without = 0;

}  // namespace

bool on_processor(const torch::Device& device) {
  return device.is_cpu() && without.load(std::memory_order_relaxed) == 0;
}

WithoutKernels::WithoutKernels() {
  ++without;
}
WithoutKernels::~WithoutKernels() {
  --without;
}

}  // namespace dream
