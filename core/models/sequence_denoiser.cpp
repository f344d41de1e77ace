#include "core/models/sequence_denoiser.h"

#include <cmath>
#include <string>

#include "api/error.h"
#include "core/nn/attention.h"

namespace dream {
namespace {

/// [..., width] of places [...]: half sines, half cosines, from a turn of 1 to one of 1 / 10000, both ends included.
torch::Tensor denoiser_waves(const torch::Tensor& places, std::int64_t width) {
  const auto half = width / 2;
  const auto turns = torch::exp(torch::arange(half, places.options().dtype(torch::kFloat32)) *
                                (-std::log(10000.0) / static_cast<double>(half - 1)));
  const auto angles = places.to(torch::kFloat32).unsqueeze(-1) * turns;
  return torch::cat({angles.sin(), angles.cos()}, -1);
}

}  // namespace

SequenceDenoiserImpl::SequenceDenoiserImpl(std::int64_t size, const SequenceDenoiserOptions& options) : options_(options) {
  const auto d = options.width;
  if (options.heads < 1 || d % options.heads != 0 || d % 4 != 0 || d < 8)
    throw Error("a planning transformer of width " + std::to_string(d) + " cannot have " + std::to_string(options.heads) +
                " heads: they must divide it, and 4 as well");
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    return register_module(name, torch::nn::Linear(in, out));
  };
  const auto norm = [&](const std::string& name) {
    return register_module(name, NormLayer(d, LayerStyle{.norm = Norm::layer, .eps = 1e-5}));
  };
  first_ = linear("first", size + d / 2, d);
  second_ = linear("second", d, d);
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.query_key_value = linear(name + "qkv", d, 3 * d);
    torch::nn::init::xavier_uniform_(block.query_key_value->weight);
    torch::nn::init::zeros_(block.query_key_value->bias);
    block.attended = linear(name + "attended", d, d);
    torch::nn::init::zeros_(block.attended->bias);
    block.up = linear(name + "up", d, options.units);
    block.down = linear(name + "down", options.units, d);
    block.after_attention = norm(name + "norm1");
    block.after_layers = norm(name + "norm2");
    blocks_.push_back(std::move(block));
  }
  out_ = linear("out", d, size);
}

torch::Tensor SequenceDenoiserImpl::forward(const torch::Tensor& tokens, const torch::Tensor& levels) {
  const auto places = torch::arange(tokens.size(1), levels.options());
  auto x = second_(torch::relu(first_(torch::cat({tokens, denoiser_waves(levels, options_.width / 2)}, -1))));
  x = x + denoiser_waves(places, options_.width);
  for (auto& block : blocks_) {
    const auto seen = attention(block.query_key_value(x).unsqueeze(2), options_.heads, options_.causal).squeeze(2);
    x = block.after_attention(x + block.attended(seen));
    x = block.after_layers(x + block.down(torch::relu(block.up(x))));
  }
  return out_(x);
}

}  // namespace dream
