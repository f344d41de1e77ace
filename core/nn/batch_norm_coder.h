#pragma once
#include "core/nn/torch.h"

#include <torch/nn/modules/batchnorm.h>

#include <vector>

#include "core/nn/dense.h"

namespace dream {

/// STORM's coders of 64 x 64 pictures (Zhang et al. 2023; weipu-zhang/STORM, EncoderBN and DecoderBN): convolutions of kernel 4 and
/// stride 2 with batch norm and ReLU, to 4 x 4 pixels and back. Batch norm learns its statistics in train() alone: whoever acts or
/// dreams is in eval(), or these drift.
class BatchNormEncoderImpl : public torch::nn::Module {
 public:
  /// `depth` channels after the first convolution, twice as many after each further one.
  BatchNormEncoderImpl(std::int64_t channels, std::int64_t depth);
  /// [N, C, 64, 64] in [0, 1] -> [N, size()], channel by channel.
  torch::Tensor forward(torch::Tensor x);
  std::int64_t size() const { return size_; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  std::int64_t size_ = 0;
};
TORCH_MODULE(BatchNormEncoder);

class BatchNormDecoderImpl : public torch::nn::Module {
 public:
  BatchNormDecoderImpl(std::int64_t latent, std::int64_t channels, std::int64_t depth);
  /// [N, latent] -> [N, C, 64, 64], unbounded: pictures in [0, 1] where it has learned.
  torch::Tensor forward(const torch::Tensor& z);

 private:
  torch::nn::Linear dense_{nullptr};
  std::vector<torch::nn::ConvTranspose2d> deconvs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};
TORCH_MODULE(BatchNormDecoder);

}  // namespace dream
