#include "core/nn/stacked_mlp.h"

#include <ATen/autocast_mode.h>

#include "core/nn/dropout.h"
#include "core/nn/norm.h"
#include "core/nn/simplex.h"

namespace dream {
namespace {

constexpr float stacked_eps = 1e-5f;      // of the layer norms
constexpr std::int64_t narrow_rows = 64;  // from here on bf16 gains more than its conversions cost

void begin_stacked(torch::Tensor weight, StackedInit init, bool zero) {
  torch::NoGradGuard no_grad;
  if (zero) {
    weight.zero_();
  } else if (init == StackedInit::normal) {
    weight.normal_(0, 0.02);  // cut at ±2 in TD-MPC2's code, a hundred deviations away
  } else {
    for (std::int64_t member = 0; member < weight.size(0); ++member) {
      auto transposed = torch::empty({weight.size(2), weight.size(1)});  // [out, in], as it is published
      torch::nn::init::orthogonal_(transposed);
      weight[member].copy_(transposed.t());
    }
  }
}

/// What a norm does in the same pass.
NormAct in_norm(After after) {
  switch (after) {
    case After::elu:
      return NormAct::elu;
    case After::tanh:
      return NormAct::tanh;
    case After::mish:
      return NormAct::mish;
    default:
      return NormAct::none;
  }
}

torch::Tensor act(const torch::Tensor& x, After after) {
  switch (after) {
    case After::elu:
      return torch::elu(x);
    case After::tanh:
      return torch::tanh(x);
    case After::mish:
      return torch::mish(x);
    default:
      return x;
  }
}

}  // namespace

StackedMlpImpl::StackedMlpImpl(const StackedOptions& options) : options_(options) {
  auto in = options.in;
  for (std::size_t i = 0; i < options.layers.size(); ++i) {
    const auto& layer = options.layers[i];
    const auto number = std::to_string(i);
    weights_.push_back(register_parameter("weight" + number, torch::empty({options.members, in, layer.out})));
    biases_.push_back(register_parameter("bias" + number, torch::zeros({options.members, 1, layer.out})));
    begin_stacked(weights_.back(), options.init, options.zero_last && i + 1 == options.layers.size());
    scales_.emplace_back(), shifts_.emplace_back();
    if (layer.norm) {
      scales_.back() = register_parameter("scale" + number, torch::ones({options.members, 1, layer.out}));
      shifts_.back() = register_parameter("shift" + number, torch::zeros({options.members, 1, layer.out}));
    }
    in = layer.out;
  }
}

const StackedMlpImpl::Narrow& StackedMlpImpl::narrow(std::size_t layer) {
  narrow_.resize(weights_.size());
  auto& kept = narrow_[layer];
  const auto version = weights_[layer]._version() + biases_[layer]._version();
  if (kept.version != version || kept.weight.device() != weights_[layer].device()) {
    kept.weight = weights_[layer].detach().to(torch::kBFloat16),
    kept.bias = biases_[layer].detach().to(torch::kBFloat16);
    kept.version = version;
  }
  return kept;
}

torch::Tensor StackedMlpImpl::product(const torch::Tensor& y, std::size_t layer, bool by_bfloat16) {
  const auto apply = [&](const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& x) {
    return options_.members == 1 ? torch::addmm(bias[0], x, weight[0]) : torch::baddbmm(bias, x, weight);
  };
  const auto device = y.device().type();
  const bool autocast = at::autocast::is_autocast_enabled(device);
  if (by_bfloat16 || (autocast && !torch::GradMode::is_enabled()))
    return apply(narrow(layer).weight, narrow(layer).bias, y.to(torch::kBFloat16));
  // A layer of several steps is narrowed once: autocast remembers whole parameters, not the parts that apply() takes.
  return apply(autocast ? at::autocast::cached_cast(torch::kBFloat16, weights_[layer], device) : weights_[layer],
               biases_[layer], y);
}

torch::Tensor StackedMlpImpl::forward(const torch::Tensor& x, const std::optional<at::Generator>& chance) {
  const auto members = options_.members;
  auto sizes = x.sizes().vec();
  auto y = x.reshape({-1, options_.in});  // [N, in], of several members [E, N, in]
  const bool by_bfloat16 = bfloat16_ && !torch::GradMode::is_enabled() && y.size(0) >= narrow_rows;
  if (members > 1) y = y.unsqueeze(0).expand({members, -1, -1});
  for (std::size_t i = 0; i < options_.layers.size(); ++i) {
    const auto& layer = options_.layers[i];
    y = product(y, i, by_bfloat16);
    if (i == 0 && chance) y = dropout(y, options_.dropout, *chance);
    if (layer.norm) {
      const auto flat = [&](const torch::Tensor& of) { return members == 1 ? of.view({-1}) : of; };
      y = norm_act(y, flat(scales_[i]), flat(shifts_[i]),
                   {.eps = stacked_eps, .centred = true, .act = in_norm(layer.after)});
    } else {
      y = act(y, layer.after);
    }
    if (layer.after == After::simplex) y = sim_norm(y, options_.group);
  }
  if (by_bfloat16) y = y.to(torch::kFloat32);
  sizes.back() = y.size(-1);
  if (members > 1) sizes.insert(sizes.begin(), members);
  return y.view(sizes);
}

void follow_slowly(torch::nn::Module& average, const torch::nn::Module& of, double share) {
  torch::NoGradGuard no_grad;
  auto to = average.parameters();
  const auto from = of.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].lerp_(from[i], share);
}

}  // namespace dream
