#include "core/nn/batch_norm_coder.h"

#include "core/nn/shape.h"

namespace dream {
namespace {

constexpr int bn_stages = 4;
constexpr std::int64_t bn_side = 4;  // pixels of the smallest picture

template <typename Layer>
Layer bn_channels_last(Layer layer) {
  layer->weight.set_data(layer->weight.contiguous(at::MemoryFormat::ChannelsLast));
  return layer;
}

}  // namespace

BatchNormEncoderImpl::BatchNormEncoderImpl(std::int64_t channels, std::int64_t depth) {
  std::int64_t in = channels;
  for (int i = 0; i < bn_stages; ++i) {
    const auto out = depth << i;
    const auto index = std::to_string(i);
    const auto conv = torch::nn::Conv2dOptions(in, out, 4).stride(2).padding(1).bias(false);
    convs_.push_back(register_module("conv" + index, bn_channels_last(torch::nn::Conv2d(conv))));
    norms_.push_back(register_module("norm" + index, torch::nn::BatchNorm2d(out)));
    in = out;
  }
  size_ = in * bn_side * bn_side;
}

torch::Tensor BatchNormEncoderImpl::forward(torch::Tensor x) {
  check_shape(x, {-1, convs_.front()->weight.size(1), 64, 64}, "image");
  for (std::size_t i = 0; i < convs_.size(); ++i) x = torch::relu(norms_[i](convs_[i](x)));
  return x.flatten(1);
}

BatchNormDecoderImpl::BatchNormDecoderImpl(std::int64_t latent, std::int64_t channels, std::int64_t depth) {
  std::int64_t in = depth << (bn_stages - 1);
  const auto area = in * bn_side * bn_side;
  dense_ = register_module("dense", torch::nn::Linear(torch::nn::LinearOptions(latent, area).bias(false)));
  store_by_input(dense_);
  for (int i = 0; i < bn_stages; ++i) {
    const bool last = i == bn_stages - 1;
    const auto out = last ? channels : in / 2;
    const auto index = std::to_string(i);
    norms_.push_back(register_module("norm" + index, torch::nn::BatchNorm2d(in)));
    const auto deconv = torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1).bias(last);
    deconvs_.push_back(register_module("deconv" + index, bn_channels_last(torch::nn::ConvTranspose2d(deconv))));
    in = out;
  }
}

torch::Tensor BatchNormDecoderImpl::forward(const torch::Tensor& z) {
  auto x = apply_linear(dense_, z).view({z.size(0), -1, bn_side, bn_side}).contiguous(at::MemoryFormat::ChannelsLast);
  for (std::size_t i = 0; i < deconvs_.size(); ++i) x = deconvs_[i](torch::relu(norms_[i](x)));
  return x;
}

}  // namespace dream
