#pragma once
#include "core/nn/torch.h"

#include <vector>

#include "core/nn/dense.h"

namespace dream {

/// The convolutional coders of the family, for 64x64 pictures.
enum class Coder {
  valid,  // PlaNet, V1, V2: four kernels of 4, stride 2, no padding, to 2x2; back by kernels of 5, 5, 6, 6 from 1x1
  same,   // V3-23: four kernels of 4, stride 2, padded, a norm each, to 4x4; back by the same, transposed
  pool,   // V3-24: four kernels of 5, 2x2 max pooling, a norm each, to 4x4; back by nearest doubling and kernels of 5
};
constexpr auto choice_names(Coder) {
  return names_of_choice("valid", "same", "pool");
}

struct CoderOptions {
  Coder kind = Coder::pool;
  std::int64_t depth = 64;    // channels of the first stage are multiples of it
  std::int64_t channels = 3;  // of the picture
  std::int64_t units = 1024;  // pool: width of the stochastic path into the decoder is twice this
  std::int64_t blocks = 8;    // pool: of the deterministic path into the decoder
  LayerStyle style;
};

/// [N, C, 64, 64] (channels-last memory) -> [N, size()].
class ImageEncoderImpl : public torch::nn::Module {
 public:
  explicit ImageEncoderImpl(const CoderOptions& options);
  torch::Tensor forward(torch::Tensor x);
  std::int64_t size() const { return size_; }

 private:
  CoderOptions options_;
  std::int64_t size_ = 0;
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<NormLayer> norms_;
};
TORCH_MODULE(ImageEncoder);

/// Latents z [N, Z] and deterministic state h [N, D] -> [N, C, 64, 64], the network's raw output in the type it was
/// computed in: no sigmoid, no offset.
class ImageDecoderImpl : public torch::nn::Module {
 public:
  ImageDecoderImpl(std::int64_t latent_size, std::int64_t deter, const CoderOptions& options);
  torch::Tensor forward(const torch::Tensor& z, const torch::Tensor& h);

 private:
  torch::Tensor first(const torch::Tensor& z, const torch::Tensor& h);
  CoderOptions options_;
  torch::nn::Linear dense_{nullptr}, space_{nullptr};
  BlockLinear block_{nullptr};
  Dense stochastic_{nullptr};
  NormLayer space_norm_{nullptr};
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::ConvTranspose2d> deconvs_;
  std::vector<NormLayer> norms_;
};
TORCH_MODULE(ImageDecoder);

}  // namespace dream
