#include "core/nn/memory_transformer.h"

#include <cmath>

#include "api/error.h"
#include "core/nn/attention.h"
#include "core/nn/dropout.h"
#include "core/nn/positions.h"

namespace dream {

MemoryTransformerImpl::MemoryTransformerImpl(const MemoryTransformerOptions& options) : options_(options) {
  const auto d = options.width, wide = options.heads * options.each;
  const auto norm = [&](const std::string& name) {
    return register_module(name, NormLayer(d, LayerStyle{.norm = Norm::layer, .eps = options.eps}));
  };
  // TransDreamer begins as Glorot has it; STORM as PyTorch does.
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out, bool bias) {
    auto layer = register_module(name, torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias)));
    if (options.norm_first) {
      torch::nn::init::xavier_uniform_(layer->weight);
      if (bias) torch::nn::init::zeros_(layer->bias);
    }
    return layer;
  };
  if (options.waves) {
    if (d % 2 != 0) throw Error("positions are half sines and half cosines, which a width of " + std::to_string(d) + " cannot be cut into; choose an even one");
    positions_ = register_buffer("positions", waves_of(torch::arange(options.window, torch::kFloat32), d).to(torch::kFloat32));
  } else {
    positions_ = register_parameter("positions", torch::randn({options.window, d}));
    first_norm_ = norm("norm");
  }
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.attention_norm = norm(name + "norm1");
    block.query_key_value = linear(name + "qkv", d, 3 * wide, false);
    block.attended = linear(name + "attended", wide, d, false);
    block.layers_norm = norm(name + "norm2");
    block.up = linear(name + "up", d, options.between, true);
    block.down = linear(name + "down", options.between, d, true);
    blocks_.push_back(std::move(block));
  }
}

torch::Tensor MemoryTransformerImpl::placed(const torch::Tensor& x, const torch::Tensor& places, const std::optional<at::Generator>& chance) {
  auto place = positions_.index_select(0, places.flatten()).view_as(x);
  if (options_.waves) return x + (chance ? dropout(place, options_.dropout, *chance) : place);
  return first_norm_(x + place);
}

torch::Tensor MemoryTransformerImpl::after_attention(Block& block, const torch::Tensor& x, const torch::Tensor& seen,
                                                     const std::optional<at::Generator>& chance) {
  const auto drop = [&](const torch::Tensor& y) { return chance ? dropout(y, options_.dropout, *chance) : y; };
  const bool first = options_.norm_first;
  auto y = x + drop(block.answer(block.attended, seen, narrow_));
  if (!first) y = block.attention_norm(y);
  const auto risen = torch::relu(block.rise(block.up, first ? block.layers_norm(y) : y, narrow_));
  y = y + drop(block.fall(block.down, risen, narrow_));
  return first ? y : block.layers_norm(y);
}

torch::Tensor MemoryTransformerImpl::forward(const torch::Tensor& x, const torch::Tensor& places, const torch::Tensor& hidden,
                                             std::optional<at::Generator> chance, Rows* kept) {
  const auto batch = x.size(0), tokens = x.size(1), heads = options_.heads, each = options_.each;
  // What is hidden is far below all else, and finite.
  const auto below = hidden.to(torch::kFloat32).mul(-1e9).unsqueeze(1);
  auto y = placed(x, places, chance);
  Rows outputs;
  for (auto& block : blocks_) {
    const auto row = torch::linear(options_.norm_first ? block.attention_norm(y) : y, block.query_key_value->weight);
    if (kept) kept->push_back(row.detach().to(torch::kFloat32));
    const auto parts = row.view({batch, tokens, 3, heads, each}).permute({2, 0, 3, 1, 4}).unbind();
    auto looks = (parts[0] / std::sqrt(static_cast<double>(each))).matmul(parts[1].transpose(-1, -2)).add(below).softmax(-1);
    if (chance) looks = dropout(looks, options_.dropout, *chance);
    const auto seen = looks.matmul(parts[2]).transpose(1, 2).reshape({batch, tokens, heads * each});
    y = after_attention(block, y, seen, chance);
    if (options_.all_layers) outputs.push_back(y);
  }
  return options_.all_layers ? torch::cat(outputs, -1) : y;
}

torch::Tensor MemoryTransformerImpl::step(const torch::Tensor& x, Rows& memory, const torch::Tensor& count) {
  const auto lanes = torch::arange(x.size(0), count.options());
  auto y = placed(x, count, {});
  Rows outputs;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    const auto row = block.ask(block.query_key_value, options_.norm_first ? block.attention_norm(y) : y, narrow_).to(torch::kFloat32);
    const auto seen = attention_of_next(row.unsqueeze(1), memory[i].unsqueeze(2), count, options_.heads).squeeze(1);
    memory[i] = memory[i].index_put({lanes, count}, row);
    y = after_attention(block, y, seen, {});
    if (options_.all_layers) outputs.push_back(y);
  }
  return (options_.all_layers ? torch::cat(outputs, -1) : y).to(torch::kFloat32);
}

MemoryTransformerImpl::Rows MemoryTransformerImpl::nothing(std::int64_t batch, std::int64_t window) const {
  const auto like = positions_.options().requires_grad(false);
  return Rows(blocks_.size(), torch::zeros({batch, window, 3 * options_.heads * options_.each}, like));
}

torch::Tensor MemoryTransformerImpl::looks(const Rows& memory, std::int64_t count) const {
  Rows all;
  for (const auto& rows : memory) {
    const auto parts = rows[0].slice(0, 0, count).view({count, 3, options_.heads, options_.each}).permute({1, 2, 0, 3}).unbind();
    const auto later = torch::ones({count, count}, rows.options().dtype(torch::kBool)).triu(1);
    const auto scores = parts[0].matmul(parts[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(options_.each));
    all.push_back(scores.masked_fill(later, -1e9).softmax(-1));
  }
  return torch::stack(all);
}

}  // namespace dream
