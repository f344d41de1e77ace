#include "core/nn/space_time.h"

#include <cmath>
#include <limits>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

/// Attention of `q` over `k`, `v`, [N, heads, T, each]; `hidden` keys, where defined, are not looked at.
torch::Tensor looked_at(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& hidden) {
  auto weights = q.matmul(k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  if (hidden.defined()) weights = weights.masked_fill(hidden, -std::numeric_limits<float>::infinity());
  return weights.softmax(-1).to(v.scalar_type()).matmul(v);
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

/// Queries, keys and values of the last two dimensions of x [..., T, D]: [3, N, heads, T, each].
torch::Tensor SpaceTimeImpl::split(Attention& attention, const torch::Tensor& x) {
  const auto d = options_.width, heads = options_.heads, tokens = x.size(-2);
  return attention.query_key_value(attention.norm(x)).view({-1, tokens, 3, heads, d / heads}).permute({2, 0, 3, 1, 4});
}

/// x [N, S, D].
torch::Tensor SpaceTimeImpl::within_frames(Block& block, const torch::Tensor& x) {
  const auto parts = split(block.space, x);
  return x + block.space.attended(looked_at(parts[0], parts[1], parts[2], {}).transpose(1, 2).reshape(x.sizes()));
}

torch::Tensor SpaceTimeImpl::layers_of(Block& block, const torch::Tensor& x) {
  return x + block.down(torch::gelu(block.up(block.norm(x)), "tanh"));
}

torch::Tensor SpaceTimeImpl::forward(torch::Tensor x, Past* past) {
  const auto batch = x.size(0), frames = x.size(1), places = x.size(2), d = options_.width;
  const auto later = torch::ones({frames, frames}, x.options().dtype(torch::kBool)).triu(1);
  x = x + of_place_ + of_frame_.slice(0, 0, frames).unsqueeze(1);
  for (auto& block : blocks_) {
    x = within_frames(block, x.reshape({batch * frames, places, d})).view({batch, frames, places, d});
    x = x.transpose(1, 2);  // [B, S, T, D]
    const auto parts = split(block.time, x);
    if (past) {
      const auto kept = [&](const torch::Tensor& part) {
        return part.view({batch, places, options_.heads, frames, -1});
      };
      past->keys.push_back(kept(parts[1].contiguous())), past->values.push_back(kept(parts[2].contiguous()));
    }
    x = x + block.time.attended(
                looked_at(parts[0], parts[1], parts[2], later).transpose(1, 2).reshape({batch, places, frames, d}));
    x = layers_of(block, x).transpose(1, 2);
  }
  return last_(x.contiguous());
}

torch::Tensor SpaceTimeImpl::next(const torch::Tensor& frame, const Past& past, const torch::Tensor& at) {
  const auto batch = frame.size(0), places = frame.size(1), d = options_.width, heads = options_.heads;
  auto x = frame + of_place_ + of_frame_.index_select(0, at).unsqueeze(1);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    x = within_frames(block, x);
    const auto parts = split(block.time, x.reshape({batch * places, 1, d}));
    const auto all = [&](const torch::Tensor& before, const torch::Tensor& now) {
      return torch::cat({before, now.reshape({batch, places, heads, 1, d / heads}).to(before.scalar_type())}, 3);
    };
    const auto keys = all(past.keys[i], parts[1]), values = all(past.values[i], parts[2]);
    auto hidden = torch::arange(keys.size(3), at.options()) >= at.unsqueeze(1);  // [B, T + 1]; the frame sees itself
    hidden.select(1, keys.size(3) - 1).fill_(false);
    const auto seen = looked_at(parts[0].reshape({batch, places, heads, 1, d / heads}), keys, values,
                                hidden.view({batch, 1, 1, 1, -1}));
    x = x + block.time.attended(seen.reshape({batch, places, d}));
    x = layers_of(block, x);
  }
  return last_(x);
}

}  // namespace dream
