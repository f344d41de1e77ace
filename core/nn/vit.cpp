#include "core/nn/vit.h"

#include <string>

#include "api/error.h"
#include "core/nn/patches.h"
#include "core/nn/positions.h"

namespace dream {
namespace {

constexpr double vit_deviation = 0.02;  // of first weights
constexpr double pixel_middle = 0.5, pixel_scale = 0.25;

torch::nn::Linear vit_linear(std::int64_t in, std::int64_t out) {
  torch::nn::Linear layer(in, out);
  torch::nn::init::normal_(layer->weight, 0, vit_deviation);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

Transformer vit_transformer(std::int64_t width, std::int64_t layers, std::int64_t heads) {
  return Transformer(TransformerOptions{.width = width,
                                        .layers = layers,
                                        .heads = heads,
                                        .dropout = 0,
                                        .between = Between::gelu,
                                        .causal = false,
                                        .eps = 1e-6});
}

torch::Tensor vit_positions(const VitShape& shape, std::int64_t width) {
  return shape.frames > 1 ? positions_in_clip(shape.times(), shape.rows(), shape.rows(), width)
                          : positions_in_picture(shape.rows(), shape.rows(), width);
}

}  // namespace

VitImpl::VitImpl(const VitShape& shape, std::int64_t width, std::int64_t layers, std::int64_t heads)
    : shape_(shape), width_(width) {
  if (shape.side % shape.patch != 0)
    throw Error("pictures of " + std::to_string(shape.side) + " pixels have no patches of " +
                std::to_string(shape.patch) + ": encoder.patch must divide that");
  if (shape.frames % shape.tubelet != 0)
    throw Error("clips of " + std::to_string(shape.frames) + " frames have no tubelets of " +
                std::to_string(shape.tubelet) + ": encoder.tubelet must divide encoder.frames");
  token_ = register_module("token", vit_linear(shape.numbers(), width));
  positions_ = register_buffer("positions", vit_positions(shape, width));
  net_ = register_module("net", vit_transformer(width, layers, heads));
}

torch::Tensor VitImpl::pieces(const torch::Tensor& clips) const {
  const auto& s = shape_;
  const auto pictures = clips.is_floating_point() ? clips : clips.permute({0, 1, 4, 2, 3}).to(torch::kFloat32).div(255);
  return patches_of(pictures.sub(pixel_middle).div(pixel_scale), s.patch)  // [N, T, rows², side² C]
      .view({-1, s.times(), s.tubelet, s.rows() * s.rows(), s.patch * s.patch * s.channels})
      .transpose(2, 3)
      .reshape({-1, s.places(), s.numbers()});
}

torch::Tensor VitImpl::forward(torch::Tensor pieces, const torch::Tensor& seen) {
  auto positions = positions_.unsqueeze(0);
  if (seen.defined()) {
    pieces = at_places(pieces, seen);
    positions = positions_.index_select(0, seen.flatten()).view({seen.size(0), seen.size(1), width_});
  }
  return net_(token_(pieces) + positions);
}

torch::Tensor pictures_of_pieces(const torch::Tensor& pieces, const VitShape& shape, std::int64_t at) {
  const auto then =
      pieces.reshape({-1, shape.times(), shape.rows() * shape.rows(), shape.tubelet, shape.numbers() / shape.tubelet})
          .select(1, at)
          .select(2, 0);
  return (joined_patches(then, shape.patch, shape.side, shape.side) * pixel_scale + pixel_middle).clamp(0, 1);
}

torch::Tensor error_of_pieces(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).square().mean() * (pixel_scale * pixel_scale);
}

VitPredictorImpl::VitPredictorImpl(const VitShape& shape, std::int64_t encoder_width, std::int64_t width,
                                   std::int64_t layers, std::int64_t heads, std::int64_t kinds) {
  in_ = register_module("in", vit_linear(encoder_width, width));
  mask_tokens_ = register_parameter("mask_tokens", vit_deviation * torch::randn({kinds, width}));
  positions_ = register_buffer("positions", vit_positions(shape, width));
  net_ = register_module("net", vit_transformer(width, layers, heads));
  out_ = register_module("out", vit_linear(width, encoder_width));
}

torch::Tensor VitPredictorImpl::forward(const torch::Tensor& tokens, const torch::Tensor& context,
                                        const std::vector<torch::Tensor>& targets, std::int64_t kind) {
  const auto count = static_cast<std::int64_t>(targets.size());
  const auto placed = [&](const torch::Tensor& places) {
    return positions_.index_select(0, places.flatten()).view({places.size(0), places.size(1), -1});
  };
  const auto known = (in_(tokens) + placed(context)).repeat({count, 1, 1});
  const auto asked = placed(torch::cat(targets)) + mask_tokens_[kind];
  return out_(net_(torch::cat({known, asked}, 1)).slice(1, context.size(1)));
}

}  // namespace dream
