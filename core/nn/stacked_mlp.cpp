#include "core/nn/stacked_mlp.h"

#include "core/nn/mish_kernel.h"
#include "core/nn/pointwise.h"

namespace dream {
namespace {

constexpr double stacked_eps = 1e-5;  // of the layer norms

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

torch::Tensor mish_of(const torch::Tensor& x) {
  return pointwise<mish_forward, mish_backward>(x, [](const torch::Tensor& y) { return torch::mish(y); });
}

}  // namespace

torch::Tensor sim_norm(const torch::Tensor& x, std::int64_t group) {
  return torch::softmax(x.unflatten(-1, {-1, group}), -1).flatten(-2);
}

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

torch::Tensor StackedMlpImpl::normed(const torch::Tensor& x, std::size_t layer) const {
  const auto &scale = scales_[layer], &shift = shifts_[layer];
  const auto size = x.size(-1);
  if (options_.members == 1) return torch::layer_norm(x, {size}, scale.view({size}), shift.view({size}), stacked_eps);
  return torch::addcmul(shift, torch::layer_norm(x, {size}, {}, {}, stacked_eps), scale);
}

torch::Tensor StackedMlpImpl::forward(const torch::Tensor& x, const std::optional<at::Generator>& chance) {
  const auto members = options_.members;
  auto sizes = x.sizes().vec();
  auto y = x.reshape({-1, options_.in});  // [N, in], of several members [E, N, in]
  if (members > 1) y = y.unsqueeze(0).expand({members, -1, -1});
  for (std::size_t i = 0; i < options_.layers.size(); ++i) {
    const auto& layer = options_.layers[i];
    y = members == 1 ? torch::addmm(biases_[i][0], y, weights_[i][0]) : torch::baddbmm(biases_[i], y, weights_[i]);
    if (i == 0 && chance && options_.dropout > 0) {
      const auto like = y.options().requires_grad(false).dtype(torch::kFloat32);
      y = y *
          ((torch::rand(y.sizes(), *chance, like) >= options_.dropout).to(y.scalar_type()) / (1 - options_.dropout));
    }
    if (layer.norm) y = normed(y, i);
    switch (layer.after) {
      case After::none:
        break;
      case After::elu:
        y = torch::elu(y);
        break;
      case After::tanh:
        y = torch::tanh(y);
        break;
      case After::mish:
        y = mish_of(y);
        break;
      case After::simplex:
        y = sim_norm(y, options_.group);
        break;
    }
  }
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
