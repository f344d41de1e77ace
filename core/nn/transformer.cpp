#include "core/nn/transformer.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <string>

#include "api/error.h"
#include "core/nn/attention.h"
#include "core/nn/dropout.h"

namespace dream {

TransformerImpl::TransformerImpl(const TransformerOptions& options) : options_(options) {
  const auto d = options.width;
  if (options.heads < 1 || d % options.heads != 0) {
    throw Error("a transformer of width " + std::to_string(d) + " cannot have " + std::to_string(options.heads) +
                " heads: they must divide it");
  }
  const auto norm = [&](const std::string& name) {
    return register_module(name, NormLayer(d, LayerStyle{.norm = Norm::layer, .eps = options.eps}));
  };
  // GPT-2's beginning: N(0, 0.02), the outputs that are added up narrower by the number of them.
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out, double deviation) {
    auto layer = register_module(name, torch::nn::Linear(in, out));
    torch::nn::init::normal_(layer->weight, 0, deviation);
    torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const double narrow = 0.02 / std::sqrt(2.0 * static_cast<double>(options.layers));
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.before_attention = norm(name + "norm1");
    block.query_key_value = linear(name + "qkv", d, 3 * d, 0.02);
    block.attended = linear(name + "attended", d, d, narrow);
    block.before_layers = norm(name + "norm2");
    block.up = linear(name + "up", d, 4 * d, 0.02);
    block.down = linear(name + "down", 4 * d, d, narrow);
    blocks_.push_back(std::move(block));
  }
  last_ = norm("norm");
}

torch::Tensor TransformerImpl::forward(torch::Tensor x, const torch::Tensor& present, std::vector<torch::Tensor>* weights,
                                       std::optional<at::Generator> chance) {
  const auto batch = x.size(0), tokens = x.size(1), d = options_.width, heads = options_.heads, each = d / heads;
  const auto drop = [&](const torch::Tensor& y) { return chance ? dropout(y, options_.dropout, *chance) : y; };
  // What is hidden is far below all else, and finite: where nothing may be looked at at all, all is looked at evenly.
  constexpr double far_below = -1e30;
  auto hidden = torch::zeros({1, 1, 1, tokens}, x.options().requires_grad(false).dtype(torch::kFloat32));
  if (options_.causal) hidden = torch::full({1, 1, tokens, tokens}, far_below, hidden.options()).triu(1);
  if (present.defined()) hidden = hidden.masked_fill((present < 0.5).view({batch, 1, 1, tokens}), far_below);
  // Under autocast what goes from block to block is bf16 too: half of the time went into conversions.
  if (at::autocast::is_autocast_enabled(x.device().type())) x = x.to(at::autocast::get_autocast_dtype(x.device().type()));
  for (auto& block : blocks_) {
    const auto asked = block.query_key_value(block.before_attention(x));
    torch::Tensor seen;
    if (!weights && !present.defined() && (options_.dropout == 0 || !chance)) {
      seen = attention(asked.unsqueeze(2), heads, options_.causal).squeeze(2);
    } else {  // where somebody looks at the weights, or they are not all of them
      const auto parts = asked.view({batch, tokens, 3, heads, each}).permute({2, 0, 3, 1, 4}).unbind();
      const auto scale = 1 / std::sqrt(static_cast<double>(each));
      const auto looks = (parts[0] * scale).matmul(parts[1].transpose(-1, -2)).add(hidden).softmax(-1);
      if (weights) weights->push_back(looks.detach());
      seen = drop(looks).matmul(parts[2]).transpose(1, 2).reshape({batch, tokens, d});
    }
    x = x + drop(block.attended(seen));
    const auto between = block.up(block.before_layers(x));
    x = x + drop(block.down(options_.between == Between::relu ? between.relu() : torch::gelu(between, options_.between == Between::gelu ? "none" : "tanh")));
  }
  return last_(x);
}

}  // namespace dream
