#pragma once
#include <torch/types.h>

namespace dream {

/// True where bf16 matrix products are faster than float32 ones on `device`: a GPU, or a CPU with AVX512-BF16 or AMX.
bool bfloat16_is_fast(const torch::Device& device);

/// bf16 autocast while it lives, when `on`. Gradients, optimiser and master weights stay float32.
class Autocast {
 public:
  Autocast(bool on, const torch::Device& device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_, before_ = false;
  c10::DeviceType type_;
  at::ScalarType dtype_before_{};
};

/// While it lives, autocasts of this thread narrow a weight once and not at every product: for whoever asks a model many
/// times between two updates. Weights must not change meanwhile.
class NarrowedOnce {
 public:
  NarrowedOnce();
  ~NarrowedOnce();
  NarrowedOnce(const NarrowedOnce&) = delete;
  NarrowedOnce& operator=(const NarrowedOnce&) = delete;
};

}  // namespace dream
