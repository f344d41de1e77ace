#include "core/models/diffusion_forcing_network.h"

#include "core/nn/patches.h"
#include "core/nn/positions.h"

namespace dream {
namespace {

constexpr std::int64_t forcing_level_waves = 64;  // numbers that say a level
constexpr std::int64_t forcing_read = 4;          // numbers of a token that others read

torch::nn::Linear forcing_linear(std::int64_t in, std::int64_t out, double scale = 1) {
  torch::nn::Linear layer(in, out);
  begin_weight(layer->weight, in, out, Init::fan_in, scale);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

}  // namespace

ForcingNetworkImpl::ForcingNetworkImpl(const ForcingNetworkOptions& options, const GenieShape& shape, std::int64_t action_width)
    : options_(options), shape_(shape) {
  const auto pixels = options.patch * options.patch * shape.channels;
  in_ = register_module("in", forcing_linear(pixels, options.width));
  level_ = register_module("level", forcing_linear(forcing_level_waves, options.width));
  action_ = register_module("action", forcing_linear(action_width, options.width));
  blocks_ = register_module("blocks", SpaceTime(SpaceTimeOptions{.width = options.width,
                                                                 .layers = options.layers,
                                                                 .heads = options.heads,
                                                                 .places = genie_places(shape, options.patch),
                                                                 .frames = shape.frames,
                                                                 .condition = options.width}));
  out_ = register_module("out", forcing_linear(options.width, pixels, 0.1));
  read_ = register_module("read", forcing_linear(options.width, forcing_read));
}

std::int64_t ForcingNetworkImpl::hidden_size() const {
  return genie_places(shape_, options_.patch) * forcing_read;
}

/// levels [...], actions [..., action_width] -> [..., width].
torch::Tensor ForcingNetworkImpl::condition(const torch::Tensor& levels, const torch::Tensor& actions) {
  auto shape = levels.sizes().vec();
  shape.push_back(forcing_level_waves);
  const auto waves = waves_of(levels.flatten(), forcing_level_waves).view(shape).to(torch::kFloat32);
  return level_(waves) + action_(actions);
}

/// tokens [..., S, width].
ForcingNetworkImpl::Said ForcingNetworkImpl::said(const torch::Tensor& tokens) {
  const auto patches = out_(tokens).to(torch::kFloat32);
  return {joined_patches(patches, options_.patch, shape_.height, shape_.width), read_(tokens).to(torch::kFloat32).flatten(-2)};
}

ForcingNetworkImpl::Said ForcingNetworkImpl::forward(const torch::Tensor& frames, const torch::Tensor& levels,
                                                     const torch::Tensor& actions) {
  return said(blocks_(in_(patches_of(frames, options_.patch)), nullptr, condition(levels, actions)));
}

ForcingNetworkImpl::Past ForcingNetworkImpl::past(const torch::Tensor& frames, const torch::Tensor& levels,
                                                  const torch::Tensor& actions) {
  Past kept;
  blocks_(in_(patches_of(frames, options_.patch)), &kept, condition(levels, actions));
  return kept;
}

ForcingNetworkImpl::Said ForcingNetworkImpl::next(const torch::Tensor& frame, const torch::Tensor& level, const torch::Tensor& action,
                                                  const Past& past, const torch::Tensor& at, Past* own) {
  return said(blocks_->next(in_(patches_of(frame, options_.patch)), past, at, condition(level, action), own));
}

}  // namespace dream
