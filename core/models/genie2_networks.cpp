#include "core/models/genie2_networks.h"

#include <cmath>

#include "core/nn/patches.h"
#include "core/nn/positions.h"

namespace dream {
namespace {

constexpr double follow_latents = 0.02;   // share of a batch in the running mean and deviation
constexpr double least_deviation = 0.05;  // of a latent's number, which may be idle
constexpr std::int64_t level_waves = 32;  // numbers that say a level
constexpr double level_scale = 1000;      // so that the waves of 0 … 1 differ, as those of a thousand steps

torch::nn::Linear genie2_linear(std::int64_t in, std::int64_t out, double scale = 1) {
  torch::nn::Linear layer(in, out);
  begin_weight(layer->weight, in, out, Init::fan_in, scale);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

Transformer genie2_transformer(const FrameAutoencoderOptions& options) {
  return Transformer(TransformerOptions{.width = options.width,
                                        .layers = options.layers,
                                        .heads = options.heads,
                                        .dropout = 0,
                                        .between = Between::gelu_tanh,
                                        .causal = false});
}

/// [...] with dimensions behind it, to be multiplied with `like`.
torch::Tensor genie2_wide(torch::Tensor level, const torch::Tensor& like) {
  while (level.dim() < like.dim()) level = level.unsqueeze(-1);
  return level;
}

/// x̂ of z and the network's v.
torch::Tensor clean_of(const torch::Tensor& noisy, const torch::Tensor& v, const torch::Tensor& level) {
  const auto k = genie2_wide(level, noisy), variance = (1 - k).square() + k.square();
  return (1 - k) / variance * noisy + k / variance.sqrt() * v;
}

torch::Tensor scaled_in(const torch::Tensor& noisy, const torch::Tensor& level) {
  const auto k = genie2_wide(level, noisy);
  return noisy / ((1 - k).square() + k.square()).sqrt();
}

}  // namespace

torch::Tensor noised(const torch::Tensor& clean, const torch::Tensor& noise, const torch::Tensor& level) {
  const auto k = genie2_wide(level, clean);
  return (1 - k) * clean + k * noise;
}

// -- autoencoder ------------------------------------------------------------------------------------------------------

FrameAutoencoderImpl::FrameAutoencoderImpl(const FrameAutoencoderOptions& options, const GenieShape& shape)
    : options_(options), shape_(shape) {
  const auto pixels = options.patch * options.patch * shape.channels, places = genie_places(shape, options.patch);
  rows_ = shape.height / options.patch, columns_ = places / rows_;
  positions_ = register_buffer("positions", positions_in_picture(rows_, columns_, options.width));
  mean_ = register_buffer("mean", torch::zeros({options.numbers}));
  deviation_ = register_buffer("deviation", torch::ones({options.numbers}));
  in_ = register_module("in", genie2_linear(pixels, options.width));
  encoder_ = register_module("encoder", genie2_transformer(options));
  to_latent_ = register_module("to_latent", genie2_linear(options.width, options.numbers));
  from_latent_ = register_module("from_latent", genie2_linear(options.numbers, options.width));
  decoder_ = register_module("decoder", genie2_transformer(options));
  out_ = register_module("out", genie2_linear(options.width, pixels, 0.1));
}

/// [N, C, H, W] -> [N, S, numbers] in (−1, 1).
torch::Tensor FrameAutoencoderImpl::encode(const torch::Tensor& pictures) {
  return to_latent_(encoder_(in_(patches_of(pictures * 2 - 1, options_.patch)) + positions_))
      .to(torch::kFloat32)
      .tanh();
}

torch::Tensor FrameAutoencoderImpl::decode(const torch::Tensor& raw) {
  const auto patches = out_(decoder_(from_latent_(raw) + positions_)).to(torch::kFloat32);
  return joined_patches(patches, options_.patch, shape_.height, shape_.width) + 0.5;
}

FrameAutoencoderImpl::Loss FrameAutoencoderImpl::loss(const torch::Tensor& pictures, at::Generator rng) {
  const auto raw = encode(pictures.reshape({-1, shape_.channels, shape_.height, shape_.width}));
  {
    torch::NoGradGuard no_grad;
    const auto all = raw.detach().flatten(0, 1);
    mean_.lerp_(all.mean(0), follow_latents),
        deviation_.lerp_(all.std(0, false).clamp_min(least_deviation), follow_latents);
  }
  const auto noise = torch::randn(raw.sizes(), std::move(rng), raw.options());
  Loss made;
  made.rebuilt = decode(raw + options_.noise * noise).view(pictures.sizes());
  made.total = (made.rebuilt - pictures).square().mean();
  return made;
}

torch::Tensor FrameAutoencoderImpl::latents(const torch::Tensor& pictures) {
  auto shape = pictures.sizes().vec();
  shape.resize(shape.size() - 3);
  shape.insert(shape.end(), {places(), options_.numbers});
  return ((encode(pictures.reshape({-1, shape_.channels, shape_.height, shape_.width})) - mean_) / deviation_)
      .view(shape);
}

torch::Tensor FrameAutoencoderImpl::pictures(const torch::Tensor& latents) {
  auto shape = latents.sizes().vec();
  shape.resize(shape.size() - 2);
  shape.insert(shape.end(), {shape_.channels, shape_.height, shape_.width});
  const auto raw = latents.reshape({-1, places(), options_.numbers}) * deviation_ + mean_;
  return decode(raw).clamp(0, 1).view(shape);
}

torch::Tensor FrameAutoencoderImpl::within(const torch::Tensor& latents) const {
  return latents.clamp((-1 - mean_) / deviation_, (1 - mean_) / deviation_);
}

// -- dynamics ---------------------------------------------------------------------------------------------------------

FrameDiffusionImpl::FrameDiffusionImpl(const FrameDiffusionOptions& options, std::int64_t frames, std::int64_t places,
                                       std::int64_t numbers, std::int64_t action_width)
    : options_(options), frames_(frames), places_(places), numbers_(numbers) {
  in_ = register_module("in", genie2_linear(numbers, options.width));
  level_ = register_module("level", genie2_linear(level_waves, options.width));
  action_ = register_module("action", genie2_linear(action_width, options.width));
  untold_ = register_parameter("untold", torch::zeros({options.width}));
  network_ = register_module("network", SpaceTime(SpaceTimeOptions{.width = options.width,
                                                                   .layers = options.layers,
                                                                   .heads = options.heads,
                                                                   .places = places,
                                                                   .frames = frames,
                                                                   .by_distance = true,
                                                                   .condition = options.width}));
  out_ = register_module("out", genie2_linear(options.width, numbers, 0.02));
}

/// levels, told [...], actions [..., action_width] -> [..., width].
torch::Tensor FrameDiffusionImpl::condition(const torch::Tensor& levels, const torch::Tensor& actions,
                                            const torch::Tensor& told) {
  auto shape = levels.sizes().vec();
  shape.push_back(level_waves);
  const auto waves = waves_of(level_scale * levels.flatten(), level_waves).view(shape).to(torch::kFloat32);
  return level_(waves) + torch::where(told.unsqueeze(-1), action_(actions).to(torch::kFloat32), untold_);
}

torch::Tensor FrameDiffusionImpl::forward(const torch::Tensor& noisy, const torch::Tensor& levels,
                                          const torch::Tensor& actions, const torch::Tensor& told) {
  const auto led = condition(levels, actions, told);
  const auto x = network_(in_(scaled_in(noisy, levels)), nullptr, led);
  return clean_of(noisy, out_(x).to(torch::kFloat32), levels);
}

torch::Tensor FrameDiffusionImpl::loss(const torch::Tensor& latents, const torch::Tensor& actions, at::Generator rng) {
  const auto levels = torch::rand({latents.size(0), latents.size(1)}, rng, latents.options());
  const auto noise = torch::randn(latents.sizes(), rng, latents.options());
  auto told = torch::rand(levels.sizes(), rng, latents.options()) >= options_.action_dropout;
  told.select(1, 0).fill_(false);
  const auto led = torch::cat({torch::zeros_like(actions.slice(1, 0, 1)), actions}, 1);
  const auto k = genie2_wide(levels, latents), deviation = ((1 - k).square() + k.square()).sqrt();
  // x̂ − x = k / s (v̂ − v): in terms of v every level weighs the same.
  const auto missed = (forward(noised(latents, noise, levels), levels, led, told) - latents) * deviation;
  return (missed / k.clamp_min(1e-3)).square().mean();
}

std::vector<std::int64_t> FrameDiffusionImpl::cache_shape(std::int64_t batch, std::int64_t frames) const {
  return {batch, options_.layers, places_, options_.heads, frames, options_.width / options_.heads};
}

torch::Tensor FrameDiffusionImpl::next(const torch::Tensor& noisy, const torch::Tensor& level, const Given& given,
                                       Cache* kept) {
  SpaceTimeImpl::Past past, own;
  for (std::int64_t i = 0; i < options_.layers; ++i)
    past.keys.push_back(given.past.keys.select(1, i)), past.values.push_back(given.past.values.select(1, i));
  const auto x = network_->next(in_(scaled_in(noisy, level)), past, given.at,
                                condition(level, given.action, given.told), kept ? &own : nullptr);
  if (kept) *kept = {torch::stack(own.keys, 1), torch::stack(own.values, 1)};
  return clean_of(noisy, out_(x).to(torch::kFloat32), level);
}

FrameDiffusionImpl::Frame FrameDiffusionImpl::sample(const Given& given, const Wish& wish, at::Generator rng) {
  const auto batch = given.action.size(0);
  const auto nobody = torch::zeros_like(given.told);
  Frame frame;
  std::vector<torch::Tensor> steps;
  auto z = wish.temperature * torch::randn({batch, places_, numbers_}, std::move(rng), given.past.keys.options());
  for (std::int64_t i = 0; i < wish.steps; ++i) {
    const double k = 1 - static_cast<double>(i) / static_cast<double>(wish.steps),
                 after = 1 - static_cast<double>(i + 1) / static_cast<double>(wish.steps);
    const auto level = torch::full({batch}, k, z.options());
    auto clean = next(z, level, given);
    if (wish.guidance != 1) {
      const auto untold = next(z, level, {given.action, nobody, given.past, given.at});
      frame.heard = (clean - untold).square().mean(-1).sqrt();
      clean = untold + wish.guidance * (clean - untold);
    }
    z = i + 1 == wish.steps ? clean : clean + after / k * (z - clean);
    steps.push_back(clean);
  }
  frame.latents = z, frame.steps = torch::stack(steps, 1);
  return frame;
}

}  // namespace dream
