#include "core/nn/narrow_rows.h"

#include <ATen/autocast_mode.h>

#include "core/nn/kernel_path.h"

namespace dream {
namespace {

template <typename Impl>
std::shared_ptr<Impl> child(torch::nn::Module& module, const std::string& name) {
  return std::dynamic_pointer_cast<Impl>(module.named_children()[name]);
}

}  // namespace

bool narrow_serves(const torch::Tensor& x) {
  constexpr std::int64_t most_rows = 4;
  return x.dim() == 2 && x.size(0) <= most_rows && kernels_serve(x) && x.scalar_type() == torch::kFloat32 && !torch::GradMode::is_enabled() &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

torch::Tensor RowProduct::operator()(torch::nn::Linear& layer, const torch::Tensor& x, bool narrow) {
  if (!narrow || !narrow_serves(x)) return apply_linear(layer, x);
  if (!layer->bias.defined() && !none_.defined()) none_ = torch::zeros({layer->weight.size(0)});
  return product_(x, {layer->weight}, {layer->bias.defined() ? layer->bias : none_});
}

torch::Tensor RowMlp::operator()(Mlp& mlp, const torch::Tensor& x, bool narrow) {
  if (!narrow || !narrow_serves(x)) return mlp(x);
  const auto layers = mlp->named_children();
  products_.resize(layers.size());
  auto y = x;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].key() == "out") {
      torch::nn::Linear out(child<torch::nn::LinearImpl>(*mlp, "out"));
      y = products_[i](out, y, true);
    } else {
      torch::nn::Linear linear(child<torch::nn::LinearImpl>(*layers[i].value(), "linear"));
      y = child<NormLayerImpl>(*layers[i].value(), "norm")->forward(products_[i](linear, y, true), act_);
    }
  }
  return y;
}

torch::Tensor RowDecoder::operator()(ImageDecoder& decoder, const torch::Tensor& z, const torch::Tensor& h, bool narrow) {
  if (!narrow || !narrow_serves(z)) return decoder(z, h);
  torch::nn::Linear dense(child<torch::nn::LinearImpl>(*decoder, "dense"));
  const auto pixel = dense_(dense, torch::cat({z, h}, 1), true);
  const auto first = child<torch::nn::ConvTranspose2dImpl>(*decoder, "deconv0");
  const auto& w = first->weight;  // [in, out, k, k]
  const auto out = w.size(1), k = w.size(2);
  auto x = pixel_(pixel, {w.permute({2, 3, 1, 0}).flatten(0, 2)}, {first->bias.repeat({k * k})})
               .to(torch::kBFloat16)
               .view({z.size(0), k, k, out})
               .permute({0, 3, 1, 2});
  if (const auto version = static_cast<std::int64_t>(w._version()); version != version_) {  // one optimiser moves all of them
    weights_.clear(), biases_.clear();
    for (const auto* name : {"deconv1", "deconv2", "deconv3"}) {
      const auto layer = child<torch::nn::ConvTranspose2dImpl>(*decoder, name);
      weights_.push_back(layer->weight.detach().to(torch::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast));
      biases_.push_back(layer->bias.detach().to(torch::kBFloat16));
    }
    version_ = version;
  }
  for (std::size_t i = 0; i < weights_.size(); ++i) x = torch::conv_transpose2d(activate(x, act_), weights_[i], biases_[i], 2);
  return x;
}

}  // namespace dream
