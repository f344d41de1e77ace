#include "core/nn/precision.h"

#include <ATen/autocast_mode.h>

namespace dream {

bool bfloat16_is_fast(const torch::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

Autocast::Autocast(bool on, const torch::Device& device) : on_(on), type_(device.type()) {
  if (!on_) return;
  before_ = at::autocast::is_autocast_enabled(type_);
  dtype_before_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::increment_nesting();
}

NarrowedOnce::NarrowedOnce() {
  at::autocast::increment_nesting();
}

NarrowedOnce::~NarrowedOnce() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

Autocast::~Autocast() {
  if (!on_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, before_);
  at::autocast::set_autocast_dtype(type_, dtype_before_);
}

}  // namespace dream
