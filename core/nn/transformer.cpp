#include "core/nn/transformer.h"

#include <cmath>
#include <limits>
#include <string>

#include "api/error.h"
#include "core/nn/attention.h"

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

torch::Tensor TransformerImpl::forward(torch::Tensor x, const torch::Tensor& present, std::vector<torch::Tensor>* weights) {
  const auto batch = x.size(0), tokens = x.size(1), d = options_.width, heads = options_.heads, each = d / heads;
  const auto drop = [&](const torch::Tensor& y) { return torch::dropout(y, options_.dropout, is_training()); };
  torch::Tensor hidden;
  if (options_.causal) hidden = torch::ones({tokens, tokens}, x.options().dtype(torch::kBool)).triu(1).view({1, 1, tokens, tokens});
  if (present.defined()) {
    const auto absent = (present < 0.5).view({batch, 1, 1, tokens});
    hidden = hidden.defined() ? hidden | absent : absent;
  }
  for (auto& block : blocks_) {
    const auto asked = block.query_key_value(block.before_attention(x));
    torch::Tensor seen;
    if (!weights && !present.defined() && (options_.dropout == 0 || !is_training())) {
      seen = attention(asked.unsqueeze(2), heads, options_.causal).squeeze(2);
    } else {  // where somebody looks at the weights, or they are not all of them
      const auto parts = asked.view({batch, tokens, 3, heads, each}).permute({2, 0, 3, 1, 4});
      auto looks = parts[0].matmul(parts[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(each));
      // The least number, and not −∞: where nothing may be looked at at all, all is looked at evenly.
      if (hidden.defined()) looks = looks.masked_fill(hidden, std::numeric_limits<float>::lowest());
      looks = looks.softmax(-1);
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
