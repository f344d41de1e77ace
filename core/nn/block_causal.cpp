#include "core/nn/block_causal.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

constexpr double rope_base = 10000;

/// Attention of `query` over `key` and `value`, [..., tokens, each]; `hidden` keys, where defined, are not looked at, and
/// others as much more as `leaning` says.
torch::Tensor block_causal_attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                     const torch::Tensor& hidden, torch::Tensor* kept_weights = nullptr, const torch::Tensor& leaning = {}) {
  auto weights = (query / std::sqrt(static_cast<double>(query.size(-1)))).matmul(key.transpose(-1, -2));
  if (leaning.defined()) weights = weights + leaning;
  if (hidden.defined()) weights = weights.masked_fill(hidden, -std::numeric_limits<float>::infinity());
  weights = weights.softmax(-1);
  if (kept_weights) *kept_weights = weights;
  return weights.to(value.scalar_type()).matmul(value);
}

/// [n] places -> [n, width]: sine and cosine by turns, as nicklashansen/dreamer4 has them.
torch::Tensor alternating_waves(std::int64_t places, std::int64_t width, const torch::TensorOptions& like) {
  const auto pair = torch::arange(width, like).div(2).floor();
  const auto angle = torch::arange(places, like).unsqueeze(1) *
                     torch::exp(pair * (-2 * std::log(rope_base) / static_cast<double>(width)));
  return torch::where(torch::arange(width, like).remainder(2) == 0, angle.sin(), angle.cos());
}

}  // namespace

BlockCausalImpl::Cache BlockCausalImpl::Cache::last(std::int64_t frames) const {
  return {keys.slice(4, keys.size(4) - frames), values.slice(4, values.size(4) - frames)};
}

BlockCausalImpl::Cache BlockCausalImpl::Cache::with(const Cache& newer) const {
  return {torch::cat({keys.slice(4, 1), newer.keys.to(keys.scalar_type())}, 4),
          torch::cat({values.slice(4, 1), newer.values.to(values.scalar_type())}, 4)};
}

BlockCausalImpl::BlockCausalImpl(const BlockCausalOptions& options, const torch::Tensor& seen, std::int64_t timed,
                                 const torch::Tensor& leaning)
    : options_(options), timed_(timed), looks_back_(options.layers / options.time_every), all_seen_(seen.all().item<bool>()) {
  const auto d = options.width;
  if (options.heads < 1 || d % (2 * options.heads) != 0)
    throw Error("a block-causal transformer of width " + std::to_string(d) + " cannot have " + std::to_string(options.heads) +
                " heads: they must divide it into even parts");
  if (looks_back_ < 1)
    throw Error("of " + std::to_string(options.layers) + " blocks none looks back, as every " + std::to_string(options.time_every) +
                "th does: it must be one of them at least");
  const auto norm = [&](const std::string& name, std::int64_t size) {
    return register_module(name, NormLayer(size, LayerStyle{.norm = Norm::rms, .eps = 1e-6}));
  };
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out, double scale) {
    auto layer = register_module(name, torch::nn::Linear(in, out));
    begin_weight(layer->weight, in, out, Init::fan_in, scale);
    torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const double narrow = 1 / std::sqrt(3.0 * static_cast<double>(options.layers));  // of what is added up
  const auto attention = [&](const std::string& name) {
    Attention made;
    made.norm = norm(name + "norm", d);
    made.query_key_value = linear(name + "qkv", d, 3 * d, 1);
    if (options.norm_keys) made.query_norm = norm(name + "query_norm", d / options.heads), made.key_norm = norm(name + "key_norm", d / options.heads);
    made.attended = linear(name + "attended", d, d, narrow);
    return made;
  };
  hidden_ = register_buffer("hidden", seen.logical_not());
  if (options.places == TokenPlaces::rotary)
    of_place_ = register_parameter("of_place", torch::randn({seen.size(0), d}) / std::sqrt(static_cast<double>(d)));
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto name = "block" + std::to_string(i) + "_";
    Block block;
    block.space = attention(name + "space_");
    if (leaning.defined()) block.leaning = register_parameter(name + "leaning", leaning.repeat({options.heads, 1, 1}));
    if ((i + 1) % options.time_every == 0) block.time = attention(name + "time_");
    block.norm = norm(name + "norm", d);
    block.up = linear(name + "up", d, 2 * options.hidden * d, 1);
    block.down = linear(name + "down", options.hidden * d, d, narrow);
    blocks_.push_back(std::move(block));
  }
}

std::vector<std::int64_t> BlockCausalImpl::cache_shape(std::int64_t batch) const {
  return {batch, looks_back_, timed_, options_.heads, options_.context, options_.width / options_.heads};
}

/// Queries and keys [..., T, each] of frames `at` [T], of which only differences will matter.
torch::Tensor BlockCausalImpl::turned(const torch::Tensor& x, const torch::Tensor& at) const {
  if (options_.places != TokenPlaces::rotary) return x;
  const auto half = x.size(-1) / 2;
  const auto like = torch::TensorOptions(x.device()).dtype(torch::kFloat32);
  const auto angle = at.to(torch::kFloat32).unsqueeze(1) *
                     torch::exp(torch::arange(half, like) * (-std::log(rope_base) / static_cast<double>(half)));
  const auto sine = angle.sin().to(x.scalar_type()), cosine = angle.cos().to(x.scalar_type());
  const auto parts = x.chunk(2, -1);
  return torch::cat({parts[0] * cosine - parts[1] * sine, parts[0] * sine + parts[1] * cosine}, -1);
}

BlockCausalImpl::Asked BlockCausalImpl::asked(Attention& attention, const torch::Tensor& x) const {
  const auto parts = attention.query_key_value(attention.norm(x)).unflatten(-1, {3, options_.heads, -1}).unbind(-3);
  if (!options_.norm_keys) return {parts[0], parts[1], parts[2]};
  return {attention.query_norm(parts[0]), attention.key_norm(parts[1]), parts[2]};
}

/// x [..., S, D].
torch::Tensor BlockCausalImpl::within_frames(Block& block, const torch::Tensor& x) const {
  const auto [query, key, value] = asked(block.space, x);
  const auto tokens = x.size(-2);
  const auto hidden = all_seen_ ? torch::Tensor() : hidden_.slice(0, 0, tokens).slice(1, 0, tokens);
  const auto seen = block_causal_attention(query.transpose(-2, -3), key.transpose(-2, -3), value.transpose(-2, -3), hidden, nullptr,
                           block.leaning.defined() ? block.leaning.slice(1, 0, tokens).slice(2, 0, tokens) : block.leaning);
  return x + block.space.attended(seen.transpose(-2, -3).flatten(-2));
}

torch::Tensor BlockCausalImpl::layers_of(Block& block, const torch::Tensor& x) const {
  const auto parts = block.up(block.norm(x)).chunk(2, -1);
  return x + block.down(parts[0] * torch::silu(parts[1]));
}

torch::Tensor BlockCausalImpl::forward(torch::Tensor x, const torch::Tensor& episodes, Cache* kept) {
  const auto frames = x.size(1), tokens = x.size(2), timed = std::min(timed_, tokens);
  const auto number = torch::arange(frames, torch::TensorOptions(x.device()).dtype(torch::kInt64));
  if (of_place_.defined()) {
    x = x + of_place_.slice(0, 0, tokens);
  } else {
    const auto like = torch::TensorOptions(x.device()).dtype(torch::kFloat32);
    const auto waves = alternating_waves(frames, options_.width, like).unsqueeze(1) + alternating_waves(tokens, options_.width, like);
    x = x + waves / std::sqrt(static_cast<double>(options_.width));
  }
  const auto distance = number.unsqueeze(1) - number;  // [T, T]
  auto hidden = (distance < 0) | (distance >= options_.context);
  if (episodes.defined()) hidden = (hidden | (episodes.unsqueeze(2) != episodes.unsqueeze(1))).unsqueeze(1).unsqueeze(1);  // [B, 1, 1, T, T]
  if (at::autocast::is_autocast_enabled(x.device().type())) x = x.to(at::autocast::get_autocast_dtype(x.device().type()));
  std::vector<torch::Tensor> keys, values;
  for (auto& block : blocks_) {
    x = within_frames(block, x);
    if (!block.time.norm.is_empty()) {
      const auto looking = x.slice(2, 0, timed);
      const auto [query, key, value] = asked(block.time, looking);  // [B, T, timed, heads, each]
      const auto by_token = [](const torch::Tensor& part) { return part.permute({0, 2, 3, 1, 4}); };
      const auto seen = block_causal_attention(turned(by_token(query), number), turned(by_token(key), number), by_token(value), hidden);
      if (kept) keys.push_back(by_token(key)), values.push_back(by_token(value));
      const auto added = looking + block.time.attended(seen.permute({0, 3, 1, 2, 4}).flatten(3));
      x = timed == tokens ? added : torch::cat({added, x.slice(2, timed)}, 2);
    }
    x = layers_of(block, x);
  }
  if (kept) *kept = {torch::stack(keys, 1), torch::stack(values, 1)};
  return x;
}

BlockCausalImpl::Past BlockCausalImpl::past_of(const Cache& cache, const torch::Tensor& at) const {
  const auto before = cache.keys.size(4);
  const auto back = torch::arange(before, 0, -1, at.options());  // how far each lies behind the frame to come
  Past past;
  past.hidden = torch::cat({back > at.unsqueeze(1), torch::zeros({at.size(0), 1}, at.options().dtype(torch::kBool))}, 1)
                    .view({at.size(0), 1, 1, 1, before + 1});
  past.keys = turned(cache.keys, -back).unbind(1);
  past.values = cache.values.unbind(1);
  return past;
}

torch::Tensor BlockCausalImpl::next(torch::Tensor x, const Past& past, Cache* kept, torch::Tensor* weights) {
  const auto tokens = x.size(1), timed = std::min(timed_, tokens);
  x = x + of_place_.slice(0, 0, tokens);
  if (at::autocast::is_autocast_enabled(x.device().type())) x = x.to(at::autocast::get_autocast_dtype(x.device().type()));
  std::vector<torch::Tensor> keys, values;
  for (std::size_t i = 0, back = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    x = within_frames(block, x);
    if (!block.time.norm.is_empty()) {
      const auto looking = x.slice(1, 0, timed);
      const auto [query, key, value] = asked(block.time, looking);  // [B, timed, heads, each]
      const auto own_key = key.unsqueeze(3), own_value = value.unsqueeze(3);
      const auto with_own = [&](const torch::Tensor& before, const torch::Tensor& own) {
        return torch::cat({before.slice(1, 0, timed).to(own.scalar_type()), own}, 3);
      };
      const auto seen = block_causal_attention(query.unsqueeze(3), with_own(past.keys[back], own_key), with_own(past.values[back], own_value),
                               past.hidden, weights);
      if (kept) keys.push_back(own_key), values.push_back(own_value);
      const auto added = looking + block.time.attended(seen.flatten(2));
      x = timed == tokens ? added : torch::cat({added, x.slice(1, timed)}, 1);
      ++back;
    }
    x = layers_of(block, x);
  }
  if (kept) *kept = {torch::stack(keys, 1), torch::stack(values, 1)};
  if (weights) *weights = weights->squeeze(3);
  return x;
}

}  // namespace dream
