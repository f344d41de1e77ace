#include "core/nn/space_time.h"

#include <cmath>
#include <limits>
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

/// Attention of `q` over `k`, `v`, [..., heads, T, each]; `hidden` keys are not looked at, and others as much more or less as
/// `more` says.
torch::Tensor looked_at(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& hidden, const torch::Tensor& more) {
  const auto weights = q.matmul(k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1))) + more;
  return weights.masked_fill(hidden, -std::numeric_limits<float>::infinity())
      .softmax(-1)
      .to(v.scalar_type())
      .matmul(v);
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
std::vector<SpaceTimeImpl::Bend> SpaceTimeImpl::bends(Linear& of, const torch::Tensor& condition,
                                                      std::int64_t parts) {
  std::vector<Bend> made(static_cast<std::size_t>(parts));
  if (of.is_empty()) return made;
  const auto numbers = of(torch::silu(condition)).chunk(parts == 1 ? 2 : 3 * parts, -1);
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = {numbers[3 * i], numbers[3 * i + 1], parts == 1 ? torch::Tensor() : numbers[3 * i + 2]};
  return made;
}

/// Queries, keys and values side by side, [..., D] -> [..., 3 D].
torch::Tensor SpaceTimeImpl::asked(Attention& attention, const torch::Tensor& x, const Bend& bend) {
  return attention.query_key_value(bend.on(attention.norm(x)));
}

/// x [..., S, D].
torch::Tensor SpaceTimeImpl::within_frames(Block& block, const torch::Tensor& x, const Bend& bend) {
  const auto windows = asked(block.space, x, bend).reshape({-1, x.size(-2), 1, 3 * options_.width});
  return x + bend.added(block.space.attended(attention(windows, options_.heads, false).view(x.sizes())));
}

torch::Tensor SpaceTimeImpl::layers_of(Block& block, const torch::Tensor& x, const Bend& bend) {
  return x + bend.added(block.down(tanh_gelu(block.up(bend.on(block.norm(x))))));
}

torch::Tensor SpaceTimeImpl::weights_of(const torch::Tensor& distance) const {
  return of_distance_.index_select(1, distance.clamp(0, options_.frames - 1).flatten())
      .view({options_.heads, distance.size(0), -1});
}

/// windows [B, T, S, 3 D], of which every place looks at its own past by distance -> [B, T, S, D].
torch::Tensor SpaceTimeImpl::over_time(const torch::Tensor& windows, Past* past) const {
  const auto frames = windows.size(1);
  const auto number = torch::arange(frames, windows.options().dtype(torch::kInt64));
  const auto distance = number.unsqueeze(1) - number;  // [T, T]
  const auto parts =
      windows.unflatten(3, {3, options_.heads, -1}).permute({3, 0, 2, 4, 1, 5});  // [3, B, S, heads, T, each]
  if (past) past->keys.push_back(parts[1].contiguous()), past->values.push_back(parts[2].contiguous());
  const auto unseen = (distance < 0) | (distance >= options_.frames);
  return looked_at(parts[0], parts[1], parts[2], unseen, weights_of(distance)).permute({0, 3, 1, 2, 4}).flatten(3);
}

torch::Tensor SpaceTimeImpl::forward(torch::Tensor x, Past* past, const torch::Tensor& condition) {
  x = x + of_place_;
  if (!options_.by_distance) x = x + of_frame_.slice(0, 0, x.size(1)).unsqueeze(1);
  for (auto& block : blocks_) {
    const auto bent = bends(block.condition, condition, 3);
    x = within_frames(block, x, bent[0].across(2));
    const auto time = bent[1].across(2);
    const auto windows = asked(block.time, x, time);
    if (past && !options_.by_distance) past->windows.push_back(windows);
    const auto seen = options_.by_distance ? over_time(windows, past) : attention(windows, options_.heads, true);
    x = x + time.added(block.time.attended(seen));
    x = layers_of(block, x, bent[2].across(2));
  }
  return bends(last_condition_, condition, 1)[0].across(2).on(last_(x));
}

/// One more frame's queries, keys and values [B, S, 3 D], which looks at the last `at` of what is kept and at itself.
torch::Tensor SpaceTimeImpl::over_kept(const torch::Tensor& asked, const torch::Tensor& keys, const torch::Tensor& values,
                                       const torch::Tensor& at, Past* kept) const {
  const auto before = keys.size(3);
  const auto slot = torch::arange(before + 1, at.options());
  auto hidden = before - slot > at.unsqueeze(1);  // [B, T + 1]
  hidden.select(1, before).fill_(false);
  const auto parts = asked.unflatten(2, {3, options_.heads, 1, -1});  // [B, S, 3, heads, 1, each]
  const auto key = parts.select(2, 1).to(keys.scalar_type()), value = parts.select(2, 2).to(values.scalar_type());
  if (kept) kept->keys.push_back(key), kept->values.push_back(value);
  return looked_at(parts.select(2, 0), torch::cat({keys, key}, 3), torch::cat({values, value}, 3),
                   hidden.view({-1, 1, 1, 1, before + 1}), weights_of((before - slot).unsqueeze(0)))
      .flatten(2);
}

torch::Tensor SpaceTimeImpl::next(const torch::Tensor& frame, const Past& past, const torch::Tensor& at,
                                  const torch::Tensor& condition, Past* kept) {
  auto x = frame + of_place_;
  if (!options_.by_distance) x = x + of_frame_.index_select(0, at).unsqueeze(1);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    const auto bent = bends(block.condition, condition, 3);
    x = within_frames(block, x, bent[0].across(1));
    const auto time = bent[1].across(1);
    const auto own = asked(block.time, x, time);
    if (kept && !options_.by_distance) kept->windows.push_back(own);
    const auto seen = options_.by_distance ? over_kept(own, past.keys[i], past.values[i], at, kept)
                                           : attention_of_next(own, past.windows[i], at, options_.heads);
    x = x + time.added(block.time.attended(seen));
    x = layers_of(block, x, bent[2].across(1));
  }
  return bends(last_condition_, condition, 1)[0].across(1).on(last_(x));
}

}  // namespace dream
