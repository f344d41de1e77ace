#include "core/nn/patch_embedding.h"

#include <cmath>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

constexpr std::int64_t groups = 4;  // of the group norm

}  // namespace

PatchEmbeddingImpl::PatchEmbeddingImpl(std::int64_t side, std::int64_t channels, std::int64_t width) {
  using torch::nn::Conv2dOptions;
  constexpr std::int64_t cells = (patch / 4) * (patch / 4);
  if (channels % groups != 0)
    throw Error("the patches' block cannot have " + std::to_string(channels) + " channels: they are normalised in " + std::to_string(groups) + " groups");
  const auto half = [&](const std::string& name) {
    return Half{register_parameter(name + "_scale", torch::ones({channels})), register_parameter(name + "_shift", torch::zeros({channels})),
                register_module(name, torch::nn::Conv2d(Conv2dOptions(channels, channels, 3).padding(1)))};
  };
  first_ = register_module("first", torch::nn::Conv2d(Conv2dOptions(3, channels, 4).stride(4)));
  inner_ = half("inner"), outer_ = half("outer");
  token_ = register_module("token", torch::nn::Linear(cells * channels, width));
  of_row_ = register_parameter("of_row", 0.02 * torch::randn({side / patch, width}));
  of_column_ = register_parameter("of_column", 0.02 * torch::randn({side / patch, width}));
}

torch::Tensor PatchEmbeddingImpl::Half::operator()(const torch::Tensor& x) {
  return conv(torch::gelu(torch::group_norm(x, groups, scale, shift)));
}

torch::Tensor PatchEmbeddingImpl::forward(const torch::Tensor& pictures) {
  const auto count = pictures.size(0), rows = of_row_.size(0);
  const auto patches = pictures.view({count, rows, patch, rows, patch, 3}).permute({0, 1, 3, 5, 2, 4}).reshape({count * rows * rows, 3, patch, patch});
  auto x = first_(patches.to(torch::kFloat32).div(127.5).sub(1).div(std::sqrt(static_cast<double>(patch))));
  x = x + outer_(inner_(x));
  const auto places = (of_row_.unsqueeze(1) + of_column_.unsqueeze(0)).view({rows * rows, -1});
  return token_(x.flatten(1)).view({count, rows * rows, -1}) + places;
}

}  // namespace dream
