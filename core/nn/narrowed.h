#pragma once
#include <vector>

#include "core/nn/torch.h"

namespace dream {

// Weights in bf16 for whoever asks many times between two updates, remade when they have changed.

/// Keeps the weights of one module as those of another of the same kind: convolutions in bf16 and channels-last memory, all else
/// as it is.
class Narrowed {
 public:
  /// `to` becomes `from`. It then learns nothing any more.
  void follow(const torch::nn::Module& from, torch::nn::Module& to);

 private:
  std::int64_t version_ = -1;
};

/// x · Wᵀ + b of few rows of x on the processor, where reading W is what takes the time.
class NarrowProduct {
 public:
  /// `weights` [out, in_k] stand side by side, biases [out] are added up; x [rows, Σ in_k], float32 -> [rows, out]. Without gradients.
  torch::Tensor operator()(const torch::Tensor& x, const std::vector<torch::Tensor>& weights, const std::vector<torch::Tensor>& biases);

 private:
  torch::Tensor weight_, bias_;
  std::int64_t version_ = -1;
};

}  // namespace dream
