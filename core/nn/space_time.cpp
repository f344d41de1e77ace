#include "core/nn/space_time.h"

#include <cmath>
#include <string>

#include "api/error.h"
#include "core/nn/attention.h"
#include "core/nn/gelu_kernel.h"
#include "core/nn/pointwise.h"

namespace dream {
namespace {

torch::Tensor tanh_gelu(const torch::Tensor& x) {
  return pointwise<gelu_forward, gelu_backward>(x, [](const torch::Tensor& y) { return torch::gelu(y, "tanh"); });
}

}  // namespace

SpaceTimeImpl::SpaceTimeImpl(const SpaceTimeOptions& options) : options_(options) {
  const auto d = options.width;
  if (options.heads < 1 || d % options.heads != 0) {
    throw Error("a space-time transformer of width " + std::to_string(d) + " cannot have " +
                std::to_string(options.heads) + " heads: they must divide it");
  }
  const auto norm = [&](const std::string& name) {
    return register_module(name, NormLayer(d, LayerStyle{.norm = Norm::layer, .eps = 1e-5}));
  };
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out, double scale) {
    auto layer = register_module(name, torch::nn::Linear(in, out));
    begin_weight(layer->weight, in, out, Init::fan_in, scale);
    torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const double narrow = 1 / std::sqrt(3.0 * static_cast<double>(options.layers));  // of what is added up
  const auto attention = [&](const std::string& name) {
    return Attention{norm(name + "norm"), linear(name + "qkv", d, 3 * d, 1), linear(name + "attended", d, d, narrow)};
  };
  const double position = 1 / std::sqrt(static_cast<double>(d));
  of_place_ = register_parameter("of_place", position * torch::randn({options.places, d}));
  of_frame_ = register_parameter("of_frame", position * torch::randn({options.frames, d}));
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.space = attention(name + "space_");
    block.time = attention(name + "time_");
    block.norm = norm(name + "norm");
    block.up = linear(name + "up", d, 4 * d, 1);
    block.down = linear(name + "down", 4 * d, d, narrow);
    blocks_.push_back(std::move(block));
  }
  last_ = norm("norm");
}

torch::Tensor SpaceTimeImpl::asked(Attention& attention, const torch::Tensor& x) {
  return attention.query_key_value(attention.norm(x));
}

/// x [..., S, D].
torch::Tensor SpaceTimeImpl::within_frames(Block& block, const torch::Tensor& x) {
  const auto windows = asked(block.space, x).reshape({-1, x.size(-2), 1, 3 * options_.width});
  return x + block.space.attended(attention(windows, options_.heads, false).view(x.sizes()));
}

torch::Tensor SpaceTimeImpl::layers_of(Block& block, const torch::Tensor& x) {
  return x + block.down(tanh_gelu(block.up(block.norm(x))));
}

torch::Tensor SpaceTimeImpl::forward(torch::Tensor x, Past* past) {
  x = x + of_place_ + of_frame_.slice(0, 0, x.size(1)).unsqueeze(1);
  for (auto& block : blocks_) {
    x = within_frames(block, x);
    const auto windows = asked(block.time, x);
    if (past) past->push_back(windows);
    x = x + block.time.attended(attention(windows, options_.heads, true));
    x = layers_of(block, x);
  }
  return last_(x);
}

torch::Tensor SpaceTimeImpl::next(const torch::Tensor& frame, const Past& past, const torch::Tensor& at) {
  auto x = frame + of_place_ + of_frame_.index_select(0, at).unsqueeze(1);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    x = within_frames(block, x);
    x = x + block.time.attended(attention_of_next(asked(block.time, x), past[i], at, options_.heads));
    x = layers_of(block, x);
  }
  return last_(x);
}

}  // namespace dream
