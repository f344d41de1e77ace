#include "core/models/diffusion_forcing_network.h"

#include <cmath>

#include "api/error.h"
#include "core/nn/attention.h"
#include "core/nn/patches.h"
#include "core/nn/positions.h"

namespace dream {
namespace {

constexpr double forcing_norm_eps = 1e-6;      // of group norms
constexpr double forcing_turns = 10000;        // rotary positions' longest wave, in radians
constexpr std::int64_t forcing_level_wide = 4;  // times the width: what is made of a level
constexpr std::int64_t forcing_read = 4;       // numbers of a place that others read

/// Pictures [N, C, H, W] as tokens [N, H W, C], which lie so in channels-last memory, and back.
torch::Tensor forcing_tokens(const torch::Tensor& pictures) {
  return pictures.permute({0, 2, 3, 1}).flatten(1, 2);
}
torch::Tensor forcing_pictures(const torch::Tensor& tokens, const torch::Tensor& like) {
  return tokens.unflatten(1, {like.size(2), like.size(3)}).permute({0, 3, 1, 2});
}

/// Linear attention among the tokens of [N, S, 3 heads each] -> [N, S, heads each].
torch::Tensor forcing_linear_attention(const torch::Tensor& windows, std::int64_t heads, std::int64_t each) {
  const auto parts = windows.unflatten(2, {3, heads, each}).permute({2, 0, 3, 1, 4});  // [3, N, heads, S, each]
  const auto asks = parts[0].softmax(-1) / std::sqrt(static_cast<double>(each)), keys = parts[1].softmax(-2);
  const auto kept = keys.transpose(-1, -2).matmul(parts[2]);  // [N, heads, each, each]
  return asks.matmul(kept).transpose(1, 2).flatten(2);
}

/// Queries and keys of [B, T, S, 3 heads each] turned by complex [B or 1, T, 1, 1, each / 2], two neighbouring numbers at a time.
torch::Tensor forcing_turned(const torch::Tensor& windows, const torch::Tensor& turns) {
  const auto width = windows.size(3) / 3, half = turns.size(4);
  const auto pairs = windows.slice(3, 0, 2 * width).to(torch::kFloat32).unflatten(3, {width / half, half, 2});
  const auto turned = torch::view_as_real(torch::view_as_complex(pairs) * turns).flatten(3);
  return torch::cat({turned, windows.slice(3, 2 * width).to(torch::kFloat32)}, 3);
}

void forcing_check(const ForcingNetworkOptions& options, const GenieShape& shape) {
  genie_places(shape, options.patch);
  const auto multiple = options.patch << (options.levels - 1);
  if (shape.height % multiple != 0 || shape.width % multiple != 0)
    throw Error("a U-Net of " + std::to_string(options.levels) + " levels (world.depth) over patches of " + std::to_string(options.patch) +
                " pixels cannot halve pictures of " + std::to_string(shape.width) + " x " + std::to_string(shape.height) +
                " evenly: their sides must be multiples of " + std::to_string(multiple));
  if (options.width % options.groups != 0 || options.width % 2 != 0)
    throw Error("a U-Net cannot be " + std::to_string(options.width) + " wide: a multiple of 2 and of its " + std::to_string(options.groups) +
                " groups was expected");
  if (options.each % 2 != 0)
    throw Error("heads of " + std::to_string(options.each) + " numbers cannot be turned in pairs: world.each must be even");
  if (options.first_kernel % 2 == 0)
    throw Error("a first kernel of " + std::to_string(options.first_kernel) + " pixels has no middle: an odd number was expected");
}

}  // namespace

ForcingAttentionImpl::ForcingAttentionImpl(ForcingSight sight, std::int64_t channels, std::int64_t heads, std::int64_t each)
    : sight_(sight), heads_(heads), each_(each) {
  norm_ = register_module("norm", NormLayer(channels, LayerStyle{.norm = Norm::layer, .eps = 1e-5}));
  query_key_value_ = register_module("qkv", torch::nn::Linear(torch::nn::LinearOptions(channels, 3 * heads * each).bias(false)));
  out_ = register_module("out", torch::nn::Linear(heads * each, channels));
}

torch::Tensor ForcingAttentionImpl::within(const torch::Tensor& pictures) {
  const auto tokens = forcing_tokens(pictures), windows = asked(tokens);
  const auto seen = sight_ == ForcingSight::places_linearly ? forcing_linear_attention(windows, heads_, each_)
                                                            : attention(windows.unsqueeze(2), heads_, false).squeeze(2);
  return forcing_pictures(added(tokens, seen), pictures);
}

ForcingBlockImpl::ForcingBlockImpl(std::int64_t from, std::int64_t to, std::int64_t groups) : groups_(groups) {
  weight1_ = register_parameter("norm1_weight", torch::ones({from})), bias1_ = register_parameter("norm1_bias", torch::zeros({from}));
  conv1_ = register_module("conv1", same_conv(from, to));
  weight2_ = register_parameter("norm2_weight", torch::ones({to})), bias2_ = register_parameter("norm2_bias", torch::zeros({to}));
  conv2_ = register_module("conv2", same_conv(to, to));
  if (from != to) skip_ = register_module("skip", same_conv(from, to, 1));
}

torch::Tensor ForcingBlockImpl::normed(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias, Bends* bends,
                                       bool in_place) const {
  auto scale = weight.unsqueeze(0), shift = bias.unsqueeze(0);
  if (bends) {
    const auto bend = bends->take(2 * x.size(1)).chunk(2, 1);
    const auto more = 1 + bend[0];
    scale = scale * more, shift = shift * more + bend[1];
  }
  return group_norm(x, groups_, forcing_norm_eps, scale, shift, true, in_place);
}

torch::Tensor ForcingBlockImpl::forward(const torch::Tensor& x, Bends* bends) {
  const bool in_place = !torch::GradMode::is_enabled();  // of what nobody else sees
  const auto y = conv2_(normed(conv1_(normed(x, weight1_, bias1_, nullptr, false)), weight2_, bias2_, bends, in_place));
  const auto kept = skip_.is_empty() ? x : skip_(x);
  return in_place ? y.add_(kept) : y + kept;
}

ForcingNetworkImpl::ForcingNetworkImpl(const ForcingNetworkOptions& options, const GenieShape& shape, std::int64_t action_width)
    : options_(options), shape_(shape) {
  forcing_check(options, shape);
  const auto wide = forcing_level_wide * options.width, pixels = options.patch * options.patch * shape.channels;
  level1_ = register_module("level1", torch::nn::Linear(options.width, wide));
  level2_ = register_module("level2", torch::nn::Linear(wide, wide));
  action_ = register_module("action", torch::nn::Linear(torch::nn::LinearOptions(action_width, wide).bias(false)));
  in_ = register_module("in", same_conv(pixels, options.width, options.first_kernel));
  if (options.attention_from == 0)
    in_time_ = register_module("in_time", ForcingAttention(ForcingSight::past, options.width, options.heads, options.each));

  const auto channels = [&](std::int64_t level) { return level < 0 ? options.width : options.width << level; };
  const auto last = options.levels - 1;
  const auto sight = [&](std::int64_t level) { return level == last ? ForcingSight::places : ForcingSight::places_linearly; };
  for (std::int64_t i = 0; i <= last; ++i) {
    down_.push_back(level_of("down" + std::to_string(i) + "_", channels(i - 1), channels(i), sight(i), i >= options.attention_from, channels(i)));
    if (i < last) down_.back().side = register_module("shrink" + std::to_string(i), same_conv(channels(i), channels(i), 3, 2));
  }
  middle_ = level_of("middle_", channels(last), channels(last), ForcingSight::places, true, channels(last));
  read_ = register_module("read", torch::nn::Linear(channels(last), forcing_read));
  for (auto i = last; i >= 0; --i) {
    up_.push_back(level_of("up" + std::to_string(i) + "_", 2 * channels(i), channels(i - 1), sight(i), i >= options.attention_from, channels(i - 1)));
    if (i > 0) up_.back().side = register_module("grow" + std::to_string(i), same_conv(channels(i - 1), channels(i - 1)));
  }
  bend_ = register_module("bend", torch::nn::Linear(wide, bent_));
  last_ = register_module("last", ForcingBlock(2 * options.width, options.width, options.groups));
  out_ = register_module("out", same_conv(options.width, pixels, 1));
}

/// Two blocks, from -> to -> to, and what attends `middle` channels.
ForcingNetworkImpl::Level ForcingNetworkImpl::level_of(const std::string& name, std::int64_t from, std::int64_t to, ForcingSight space,
                                                       bool attends, std::int64_t middle) {
  Level made;
  made.first = register_module(name + "first", ForcingBlock(from, to, options_.groups));
  made.second = register_module(name + "second", ForcingBlock(to, to, options_.groups));
  bent_ += 2 * to + 2 * to;
  if (!attends) return made;
  made.space = register_module(name + "space", ForcingAttention(space, middle, options_.heads, options_.each));
  made.time = register_module(name + "time", ForcingAttention(ForcingSight::past, middle, options_.heads, options_.each));
  return made;
}

std::int64_t ForcingNetworkImpl::hidden_size() const {
  const auto shrunk = options_.patch << (options_.levels - 1);
  return (shape_.height / shrunk) * (shape_.width / shrunk) * forcing_read;
}

/// Of the numbers [B, T] of frames: by how much the pairs of a head are turned, complex [B, T, 1, 1, each / 2].
torch::Tensor ForcingNetworkImpl::turns_of(const torch::Tensor& numbers) const {
  const auto half = options_.each / 2;
  const auto pair = torch::arange(half, numbers.options().dtype(torch::kFloat32)) / half;
  const auto angle = numbers.to(torch::kFloat32).view({numbers.size(0), -1, 1, 1, 1}) * torch::pow(forcing_turns, -pair);
  return torch::polar(torch::ones_like(angle), angle);
}

torch::Tensor ForcingNetworkImpl::over_time(ForcingAttention& attention_in_time, const torch::Tensor& x, Sight& sight) {
  const auto tokens = forcing_tokens(x);  // [N, S, C]
  const auto windows = forcing_turned(attention_in_time->asked(tokens).unflatten(0, {sight.lanes, -1}), sight.turns);
  torch::Tensor seen;
  if (sight.past) {
    if (sight.own) sight.own->windows.push_back(windows.squeeze(1));
    seen = attention_of_next(windows.squeeze(1), sight.past->windows[sight.number++], sight.at, attention_in_time->heads());
  } else {
    if (sight.own) sight.own->windows.push_back(windows);
    seen = attention(windows, attention_in_time->heads(), true).flatten(0, 1);
  }
  return forcing_pictures(attention_in_time->added(tokens, seen), x);
}

torch::Tensor ForcingNetworkImpl::attended(Level& level, torch::Tensor x, Sight& sight) {
  return level.space.is_empty() ? x : over_time(level.time, level.space->within(x), sight);
}

ForcingNetworkImpl::Said ForcingNetworkImpl::said(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions,
                                                  Sight& sight) {
  // Cosines first, as theirs has them.
  const auto waves = waves_of(levels, options_.width).roll(options_.width / 2, 1).to(torch::kFloat32);
  const auto condition = level2_(torch::silu(level1_(waves))) + action_(actions);
  Bends bends(bend_(torch::silu(condition)));

  const auto rows = shape_.height / options_.patch, columns = shape_.width / options_.patch;
  auto x = in_(patches_of(frames, options_.patch).unflatten(1, {rows, columns}).permute({0, 3, 1, 2}));
  if (!in_time_.is_empty()) x = over_time(in_time_, x, sight);
  const auto first = x;
  std::vector<torch::Tensor> kept;
  for (auto& level : down_) {
    x = attended(level, level.second(level.first(x, &bends), &bends), sight);
    kept.push_back(x);
    if (!level.side.is_empty()) x = level.side(x);
  }
  x = middle_.second(attended(middle_, middle_.first(x, &bends), sight), &bends);
  const auto hidden = read_(forcing_tokens(x)).to(torch::kFloat32).flatten(1);
  for (auto& level : up_) {
    x = level.first(torch::cat({x, kept.back()}, 1), &bends);
    kept.pop_back();
    x = attended(level, level.second(x, &bends), sight);
    if (!level.side.is_empty()) x = level.side(torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
  }
  x = out_(last_(torch::cat({x, first}, 1), nullptr)).to(torch::kFloat32);
  return {joined_patches(forcing_tokens(x), options_.patch, shape_.height, shape_.width), hidden};
}

ForcingNetworkImpl::Said ForcingNetworkImpl::forward(const torch::Tensor& frames, const torch::Tensor& levels,
                                                     const torch::Tensor& actions) {
  Sight sight{.lanes = frames.size(0), .turns = turns_of(torch::arange(frames.size(1), levels.options()).unsqueeze(0))};
  const auto all = said(frames.flatten(0, 1), levels.flatten(), actions.flatten(0, 1), sight);
  const auto apart = [&](const torch::Tensor& each) { return each.unflatten(0, {frames.size(0), frames.size(1)}); };
  return {apart(all.output), apart(all.hidden)};
}

ForcingNetworkImpl::Past ForcingNetworkImpl::past(const torch::Tensor& frames, const torch::Tensor& levels, const torch::Tensor& actions) {
  Past kept;
  Sight sight{.lanes = frames.size(0), .turns = turns_of(torch::arange(frames.size(1), levels.options()).unsqueeze(0)), .own = &kept};
  said(frames.flatten(0, 1), levels.flatten(), actions.flatten(0, 1), sight);
  return kept;
}

ForcingNetworkImpl::Said ForcingNetworkImpl::next(const torch::Tensor& frame, const torch::Tensor& level, const torch::Tensor& action,
                                                  const Past& past, const torch::Tensor& at, Past* own) {
  Sight sight{.lanes = frame.size(0), .turns = turns_of(at.unsqueeze(1)), .past = &past, .at = at, .own = own};
  return said(frame, level, action, sight);
}

}  // namespace dream
