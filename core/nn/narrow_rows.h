#pragma once
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/image_coder.h"
#include "core/nn/narrowed.h"

namespace dream {

// Networks that are asked for one row after another, as a dream asks, spend their time on reading weights. These keep bf16 weights beside
// those of a module, half as long, for rows that narrow_serves(); all else goes through the module itself.

/// Few float32 rows x [N, n] on the processor, without gradients.
bool narrow_serves(const torch::Tensor& x);

/// layer(x), x [N, in] -> [N, out].
class RowProduct {
 public:
  torch::Tensor operator()(torch::nn::Linear& layer, const torch::Tensor& x, bool narrow);

 private:
  NarrowProduct product_;
  torch::Tensor none_;  // the bias of a layer without one
};

/// mlp(x) of layers with `act`.
class RowMlp {
 public:
  explicit RowMlp(Act act = Act::none) : act_(act) {}
  torch::Tensor operator()(Mlp& mlp, const torch::Tensor& x, bool narrow);

 private:
  Act act_;
  std::vector<RowProduct> products_;
};

/// decoder(z, h) of the kind `valid` without norms, whose first deconvolution stands on a single pixel and so is a product too; the others
/// are in bf16, and so is what comes out.
class RowDecoder {
 public:
  explicit RowDecoder(Act act = Act::elu) : act_(act) {}
  torch::Tensor operator()(ImageDecoder& decoder, const torch::Tensor& z, const torch::Tensor& h, bool narrow);

 private:
  Act act_;
  RowProduct dense_;
  NarrowProduct pixel_;
  std::vector<torch::Tensor> weights_, biases_;  // of the other deconvolutions, bf16
  std::int64_t version_ = -1;
};

}  // namespace dream
