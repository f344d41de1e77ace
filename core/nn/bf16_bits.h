#pragma once
#include <c10/util/BFloat16.h>

#include "core/nn/vector_block.h"

namespace dream {

/// Numbers of a tensor as the kernels, which know nothing of LibTorch, read them.
inline const Bf16* bits(const at::BFloat16* x) {
  return reinterpret_cast<const Bf16*>(x);
}
inline Bf16* bits(at::BFloat16* x) {
  return reinterpret_cast<Bf16*>(x);
}
inline const float* bits(const float* x) {
  return x;
}
inline float* bits(float* x) {
  return x;
}

}  // namespace dream
