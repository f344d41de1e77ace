#include "core/nn/dense.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

#include <cmath>

#include "api/error.h"
#include "core/nn/gemv_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/norm.h"

namespace dream {

torch::Tensor activate(const torch::Tensor& x, Act act) {
  switch (act) {
    case Act::relu:
      return torch::relu(x);
    case Act::elu:
      return torch::elu(x);
    case Act::silu:
      return torch::silu(x);
    case Act::tanh:
      return torch::tanh(x);
    case Act::none:
      break;
  }
  return x;
}

void begin_weight(torch::Tensor weight, std::int64_t fan_in, std::int64_t fan_out, Init init, double scale) {
  torch::NoGradGuard no_grad;
  if (scale == 0) {
    weight.zero_();
    return;
  }
  const auto in = static_cast<double>(fan_in), out = static_cast<double>(fan_out);
  if (init == Init::glorot) {
    const double bound = scale * std::sqrt(6 / (in + out));
    weight.uniform_(-bound, bound);
    return;
  }
  // A normal cut at two deviations has 0.8796 of the deviation; 1 / 0.8796 = 1.1368 restores it.
  const double deviation = 1.1368 * scale * std::sqrt(1 / (init == Init::fan_in ? in : (in + out) / 2));
  // By the inverse of the distribution function: Φ(±2) = 0.97725.
  weight.uniform_(-0.954499736, 0.954499736);
  weight.erfinv_().mul_(std::sqrt(2.0) * deviation);
}

void store_by_input(torch::nn::Linear& layer) {
  layer->weight.set_data(layer->weight.detach().t().contiguous().t());
}

torch::Tensor apply_linear(torch::nn::Linear& layer, const torch::Tensor& x) {
  constexpr std::int64_t few = 4, grain = 1 << 16;  // rows; weights that are worth a thread
  const auto& w = layer->weight;
  const auto in = w.size(1), out = w.size(0);
  const bool plain = kernels_serve(x) && x.scalar_type() == torch::kFloat32 && w.scalar_type() == torch::kFloat32;
  const bool recorded = torch::GradMode::is_enabled() && (x.requires_grad() || w.requires_grad());
  if (recorded || !plain || x.numel() > few * in || w.stride(0) != 1 || at::autocast::is_autocast_enabled(at::kCPU))
    return torch::linear(x, w, layer->bias);
  const auto rows = x.contiguous();
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  auto y = torch::empty(sizes, x.options().requires_grad(false));
  const auto* bias = layer->bias.defined() ? layer->bias.const_data_ptr<float>() : nullptr;
  const auto *from = rows.const_data_ptr<float>(), *weights = w.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, out, std::max<std::int64_t>(64, grain / in), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = 0; row < rows.numel() / in; ++row)
      gemv_columns(in, out, from + row * in, weights, bias, begin, end, to + row * out + begin);
  });
  return y;
}

NormLayerImpl::NormLayerImpl(std::int64_t size, const LayerStyle& style) : style_(style) {
  if (style.norm == Norm::none) return;
  scale_ = register_parameter("scale", torch::ones({size}));
  if (style.norm == Norm::layer) shift_ = register_parameter("shift", torch::zeros({size}));
}

torch::Tensor NormLayerImpl::forward(const torch::Tensor& x, Act act) {
  if (style_.norm == Norm::none) return activate(x, act);
  static constexpr NormAct acts[] = {NormAct::none, NormAct::relu, NormAct::elu, NormAct::silu, NormAct::tanh};
  return norm_act(x, scale_, shift_,
                  {.eps = static_cast<float>(style_.eps),
                   .centred = style_.norm == Norm::layer,
                   .act = acts[static_cast<int>(act)]});
}

DenseImpl::DenseImpl(std::int64_t in, std::int64_t out, const LayerStyle& style)
    : act_(style.act),
      linear_(register_module("linear", torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(
                                            style.norm == Norm::none || style.bias_with_norm)))),
      norm_(register_module("norm", NormLayer(out, style))) {
  begin_weight(linear_->weight, in, out, style.init);
  if (linear_->bias.defined()) torch::nn::init::zeros_(linear_->bias);
  store_by_input(linear_);
}

torch::Tensor DenseImpl::part(const torch::Tensor& b, std::int64_t from) {
  return torch::linear(b, linear_->weight.slice(1, from), linear_->bias);
}

torch::Tensor DenseImpl::forward_with(const torch::Tensor& a, const torch::Tensor& b_part) {
  return finish(torch::linear(a, linear_->weight.slice(1, 0, a.size(-1))) + b_part);
}

torch::nn::Linear make_output(std::int64_t in, std::int64_t out, Init init, double scale) {
  torch::nn::Linear layer(in, out);
  begin_weight(layer->weight, in, out, init, scale);
  torch::nn::init::zeros_(layer->bias);
  store_by_input(layer);
  return layer;
}

BlockLinearImpl::BlockLinearImpl(std::int64_t in, std::int64_t out, std::int64_t blocks, Init init) {
  if (in % blocks != 0 || out % blocks != 0) {
    throw Error("a block-linear layer of " + std::to_string(in) + " to " + std::to_string(out) +
                " cannot be cut into " + std::to_string(blocks) +
                " equal blocks; choose sizes that are multiples of it");
  }
  weight_ = register_parameter("weight", torch::empty({blocks, in / blocks, out / blocks}));
  bias_ = register_parameter("bias", torch::zeros({blocks, 1, out / blocks}));
  begin_weight(weight_, in, out, init);  // by the whole layer's fans, as danijar/dreamerv3 counts them
}

torch::Tensor BlockLinearImpl::forward(const torch::Tensor& x) {
  return torch::baddbmm(bias_, x.transpose(0, 1), weight_).transpose(0, 1);
}

MlpImpl::MlpImpl(std::int64_t in, std::int64_t layers, std::int64_t units, const LayerStyle& style, std::int64_t out,
                 double out_scale) {
  for (std::int64_t i = 0; i < layers; ++i) {
    layers_.push_back(register_module("layer" + std::to_string(i), Dense(i == 0 ? in : units, units, style)));
  }
  if (out > 0) out_ = register_module("out", make_output(layers == 0 ? in : units, out, style.init, out_scale));
}

torch::Tensor MlpImpl::forward(torch::Tensor x) {
  if (!layers_.empty()) x = layers_.front()(x);
  return rest(x);
}

torch::Tensor MlpImpl::forward_with(const torch::Tensor& a, const torch::Tensor& b_part) {
  return rest(layers_.front()->forward_with(a, b_part));
}

torch::Tensor MlpImpl::rest(torch::Tensor x) {
  for (std::size_t i = 1; i < layers_.size(); ++i) x = layers_[i](x);
  return out_.is_empty() ? x : apply_linear(out_, x);
}

}  // namespace dream
