#pragma once
#include <string>

#include "core/nn/torch.h"

namespace dream {

/// What IRIS and Δ-IRIS read of a token: two linear layers with ReLU between, whose biases begin at 0.
struct IrisHead {
  torch::nn::Linear hidden{nullptr}, out{nullptr};

  IrisHead() = default;
  /// Modules of `in`, as `name` + "_hidden" and "_out".
  IrisHead(torch::nn::Module& in, const std::string& name, std::int64_t width, std::int64_t outputs)
      : hidden(in.register_module(name + "_hidden", torch::nn::Linear(width, width))), out(in.register_module(name + "_out", torch::nn::Linear(width, outputs))) {
    torch::NoGradGuard no_grad;
    hidden->bias.zero_(), out->bias.zero_();
  }
  /// [..., width] -> [..., outputs].
  torch::Tensor operator()(const torch::Tensor& x) const {
    return torch::linear(torch::linear(x, hidden->weight, hidden->bias).relu(), out->weight, out->bias);
  }
};

}  // namespace dream
