#include "core/nn/space_time.h"

#include <cmath>
#include <limits>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

/// Attention of `q` over `k`, `v`, [N, heads, T, each]; `hidden` keys, where defined, are not looked at, and others as
/// much more or less as `more` says.
torch::Tensor looked_at(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& hidden, const torch::Tensor& more = {}) {
  auto weights = q.matmul(k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  if (more.defined()) weights = weights + more;
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
  if (options.by_distance)
    of_distance_ = register_parameter("of_distance", torch::zeros({options.heads, options.frames}));
  else
    of_frame_ = register_parameter("of_frame", position * torch::randn({options.frames, d}));
  const auto condition = [&](const std::string& name, std::int64_t parts) {
    auto layer = register_module(name, torch::nn::Linear(options.condition, parts * d));
    torch::nn::init::zeros_(layer->weight), torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.space = attention(name + "space_");
    block.time = attention(name + "time_");
    block.norm = norm(name + "norm");
    block.up = linear(name + "up", d, 4 * d, 1);
    block.down = linear(name + "down", 4 * d, d, narrow);
    if (options.condition > 0) block.condition = condition(name + "condition", 9);
    blocks_.push_back(std::move(block));
  }
  last_ = norm("norm");
  if (options.condition > 0) last_condition_ = condition("condition", 2);
}

/// Of a condition [..., each]: so many parts' bends, [..., D] each; of two numbers the last one has no gate.
std::vector<SpaceTimeImpl::Bend> SpaceTimeImpl::bends(torch::nn::Linear& of, const torch::Tensor& condition,
                                                      std::int64_t parts) {
  std::vector<Bend> made(static_cast<std::size_t>(parts));
  if (of.is_empty()) return made;
  const auto numbers = of(torch::silu(condition)).chunk(parts == 1 ? 2 : 3 * parts, -1);
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = {numbers[3 * i], numbers[3 * i + 1], parts == 1 ? torch::Tensor() : numbers[3 * i + 2]};
  return made;
}

/// Queries, keys and values of the last two dimensions of x [..., T, D]: [3, N, heads, T, each].
torch::Tensor SpaceTimeImpl::split(Attention& attention, const torch::Tensor& x, const Bend& bend) {
  const auto d = options_.width, heads = options_.heads, tokens = x.size(-2);
  return attention.query_key_value(bend.on(attention.norm(x)))
      .view({-1, tokens, 3, heads, d / heads})
      .permute({2, 0, 3, 1, 4});
}

/// x [..., S, D].
torch::Tensor SpaceTimeImpl::within_frames(Block& block, const torch::Tensor& x, const Bend& bend) {
  const auto parts = split(block.space, x, bend);
  return x + bend.added(
                 block.space.attended(looked_at(parts[0], parts[1], parts[2], {}).transpose(1, 2).reshape(x.sizes())));
}

torch::Tensor SpaceTimeImpl::layers_of(Block& block, const torch::Tensor& x, const Bend& bend) {
  return x + bend.added(block.down(torch::gelu(block.up(bend.on(block.norm(x))), "tanh")));
}

torch::Tensor SpaceTimeImpl::weights_of(const torch::Tensor& distance) const {
  if (!options_.by_distance) return {};
  return of_distance_.index_select(1, distance.clamp(0, options_.frames - 1).flatten())
      .view({options_.heads, distance.size(0), -1});
}

torch::Tensor SpaceTimeImpl::forward(torch::Tensor x, Past* past, const torch::Tensor& condition) {
  const auto batch = x.size(0), frames = x.size(1), places = x.size(2), d = options_.width;
  const auto number = torch::arange(frames, x.options().dtype(torch::kInt64));
  const auto distance = number.unsqueeze(1) - number;  // [T, T]
  const auto unseen = options_.by_distance ? (distance < 0) | (distance >= options_.frames) : distance < 0;
  const auto more = weights_of(distance);
  x = x + of_place_;
  if (!options_.by_distance) x = x + of_frame_.slice(0, 0, frames).unsqueeze(1);
  for (auto& block : blocks_) {
    const auto bent = bends(block.condition, condition, 3);
    x = within_frames(block, x.contiguous(), bent[0].across(2)).transpose(1, 2);  // [B, S, T, D]
    const auto time = bent[1].across(1);
    const auto parts = split(block.time, x, time);
    if (past) {
      const auto kept = [&](const torch::Tensor& part) {
        return part.view({batch, places, options_.heads, frames, -1});
      };
      past->keys.push_back(kept(parts[1].contiguous())), past->values.push_back(kept(parts[2].contiguous()));
    }
    x = x +
        time.added(block.time.attended(
            looked_at(parts[0], parts[1], parts[2], unseen, more).transpose(1, 2).reshape({batch, places, frames, d})));
    x = layers_of(block, x, bent[2].across(1)).transpose(1, 2);
  }
  return bends(last_condition_, condition, 1)[0].across(2).on(last_(x.contiguous()));
}

torch::Tensor SpaceTimeImpl::next(const torch::Tensor& frame, const Past& past, const torch::Tensor& at,
                                  const torch::Tensor& condition, Past* kept) {
  const auto batch = frame.size(0), places = frame.size(1), d = options_.width, heads = options_.heads;
  const auto before = past.keys.front().size(3);
  auto x = frame + of_place_;
  if (!options_.by_distance) x = x + of_frame_.index_select(0, at).unsqueeze(1);
  // [B, T + 1]; the frame sees itself.
  const auto slot = torch::arange(before + 1, at.options());
  auto hidden = options_.by_distance ? before - slot > at.unsqueeze(1) : slot >= at.unsqueeze(1);
  hidden.select(1, before).fill_(false);
  const auto more = weights_of((before - slot).unsqueeze(0));  // [heads, 1, T + 1]
  const auto led = condition.defined() ? condition.unsqueeze(1) : condition;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    const auto bent = bends(block.condition, led, 3);
    x = within_frames(block, x, bent[0]);
    const auto parts = split(block.time, x.unsqueeze(2), bent[1].across(2));
    const auto now = [&](const torch::Tensor& part, const torch::Tensor& like) {
      return part.reshape({batch, places, heads, 1, d / heads}).to(like.scalar_type());
    };
    const auto key = now(parts[1], past.keys[i]), value = now(parts[2], past.values[i]);
    if (kept) kept->keys.push_back(key), kept->values.push_back(value);
    const auto seen =
        looked_at(parts[0].reshape({batch, places, heads, 1, d / heads}), torch::cat({past.keys[i], key}, 3),
                  torch::cat({past.values[i], value}, 3), hidden.view({batch, 1, 1, 1, -1}), more);
    x = x + bent[1].added(block.time.attended(seen.reshape({batch, places, d})));
    x = layers_of(block, x, bent[2]);
  }
  return bends(last_condition_, led, 1)[0].on(last_(x));
}

}  // namespace dream
