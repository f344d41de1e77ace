#pragma once
#include "core/nn/vector_block.h"

namespace dream {

/// What follows a norm in the same pass.
enum class NormAct : std::uint8_t { none, relu, elu, silu, tanh, mish };

struct NormShape {
  std::int64_t size = 0;  // of a row
  float eps = 1e-4f;
  bool centred = false;  // layer norm; otherwise RMS norm
  NormAct act = NormAct::none;
};

/// y = act(x̂·scale + shift) for each row x [rows, size], where x̂ = (x - mean) / √(variance + eps), or x / √(mean x² +
/// eps). Whole vectors are read of scale and shift and written to dscale and dshift: they are as long as `size` rounded
/// up to vector_block. x and y are apart. `shift` may be null. `moments` [rows, 2] receives mean (0 if not centred) and
/// 1 / √(…).
void norm_forward(const NormShape& shape, std::int64_t rows, const float* x, const float* scale, const float* shift,
                  float* y, float* moments);
void norm_forward(const NormShape& shape, std::int64_t rows, const Bf16* x, const float* scale, const float* shift,
                  Bf16* y, float* moments);

/// dx of the same; adds the gradients of scale and shift to `dscale` and `dshift` (null where shift is).
void norm_backward(const NormShape& shape, std::int64_t rows, const float* x, const float* scale, const float* shift,
                   const float* moments, const float* dy, float* dx, float* dscale, float* dshift);
void norm_backward(const NormShape& shape, std::int64_t rows, const Bf16* x, const float* scale, const float* shift,
                   const float* moments, const Bf16* dy, Bf16* dx, float* dscale, float* dshift);

}  // namespace dream
