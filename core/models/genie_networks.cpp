#include "core/models/genie_networks.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "api/error.h"
#include "core/nn/patches.h"

namespace dream {
namespace {

constexpr double least_variance = 1e-5;  // of what is standardised
constexpr double least_change =
    1e-3;  // of a frame's patches together, mean |x' − x| of each in [-1, 1], that counts as any

torch::nn::Linear linear_layer(std::int64_t in, std::int64_t out, double scale = 1) {
  torch::nn::Linear layer(in, out);
  begin_weight(layer->weight, in, out, Init::fan_in, scale);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

/// One class of each row of probabilities [..., K]: where their running sum reaches a share of it that is drawn, from (0, 1].
/// torch::multinomial draws, and takes the logarithm of, K numbers.
torch::Tensor drawn_of(const torch::Tensor& p, at::Generator rng) {
  const auto sum = p.cumsum(-1);
  const auto reached = sum.slice(-1, -1) * (1 - torch::rand(p.sizes().slice(0, static_cast<std::size_t>(p.dim() - 1)), std::move(rng), p.options()).unsqueeze(-1));
  return (sum < reached).sum(-1).clamp_max(p.size(-1) - 1);
}

torch::Tensor centred(const torch::Tensor& pictures) {
  return pictures * 2 - 1;
}

}  // namespace

std::int64_t genie_places(const GenieShape& shape, std::int64_t patch) {
  if (shape.height % patch != 0 || shape.width % patch != 0)
    throw Error("patches of " + std::to_string(patch) + " pixels do not cover pictures of " +
                std::to_string(shape.width) + " x " + std::to_string(shape.height));
  return (shape.height / patch) * (shape.width / patch);
}

// -- tokenizer --------------------------------------------------------------------------------------------------------

GenieTokenizerImpl::GenieTokenizerImpl(const GenieTokenizerOptions& options, const GenieShape& shape)
    : options_(options), shape_(shape) {
  const auto pixels = options.patch * options.patch * shape.channels;
  const SpaceTimeOptions network{options.width, options.layers, options.heads, genie_places(shape, options.patch),
                                 shape.frames};
  quantiser_ = register_module("quantiser", Quantiser(options.codes));
  in_ = register_module("in", linear_layer(pixels, options.width));
  encoder_ = register_module("encoder", SpaceTime(network));
  to_code_ = register_module("to_code", linear_layer(options.width, quantiser_->width()));
  from_code_ = register_module("from_code", linear_layer(quantiser_->width(), options.width));
  decoder_ = register_module("decoder", SpaceTime(network));
  out_ = register_module("out", linear_layer(options.width, pixels, 0.1));
}

std::int64_t GenieTokenizerImpl::places() const {
  return genie_places(shape_, options_.patch);
}

torch::Tensor GenieTokenizerImpl::encode(const torch::Tensor& pictures) {
  return to_code_(encoder_(in_(patches_of(centred(pictures), options_.patch))));
}

torch::Tensor GenieTokenizerImpl::decode(const torch::Tensor& values) {
  const auto patches = out_(decoder_(from_code_(values))).to(torch::kFloat32);
  return joined_patches(patches, options_.patch, shape_.height, shape_.width) + 0.5;
}

GenieTokenizerImpl::Loss GenieTokenizerImpl::loss(const torch::Tensor& pictures) {
  Loss made;
  made.encoded = encode(pictures);
  const auto code = quantiser_(made.encoded);
  made.rebuilt = decode(code.value);
  made.pixels = (made.rebuilt - pictures).square().mean();
  made.total = made.pixels + code.loss;
  made.index = code.index;
  return made;
}

torch::Tensor GenieTokenizerImpl::tokens(const torch::Tensor& pictures) {
  return quantiser_(encode(pictures)).index;
}

torch::Tensor GenieTokenizerImpl::pictures(const torch::Tensor& tokens) {
  return decode(values(tokens)).clamp(0, 1);
}

// -- latent actions ----------------------------------------------------------------------------------------------------

LatentActionsImpl::LatentActionsImpl(const LatentActionOptions& options, const GenieShape& shape)
    : options_(options), shape_(shape) {
  const auto pixels = options.patch * options.patch * shape.channels;
  const SpaceTimeOptions network{options.width, options.layers, options.heads, genie_places(shape, options.patch),
                                 shape.frames};
  quantiser_ = register_module("quantiser", Quantiser(options.codes));
  in_ = register_module("in", linear_layer(2 * pixels, options.width));
  encoder_ = register_module("encoder", SpaceTime(network));
  to_code_ = register_module("to_code", linear_layer(options.width, quantiser_->width()));
  mean_ = register_buffer("mean", torch::zeros({shape.frames - 1, quantiser_->width()}));
  variance_ = register_buffer("variance", torch::ones({shape.frames - 1, quantiser_->width()}));
  past_ = register_module("past", linear_layer(pixels, options.width));
  action_ = register_module("action", linear_layer(quantiser_->width(), options.width));
  decoder_ = register_module("decoder", SpaceTime(network));
  out_ = register_module("out", linear_layer(options.width, pixels, 0.01));
}

torch::Tensor LatentActionsImpl::encode(const torch::Tensor& pictures) {
  const auto patches = patches_of(centred(pictures), options_.patch);
  const auto change = torch::cat({torch::zeros_like(patches.slice(1, 0, 1)), patches.diff(1, 1)}, 1);
  const auto found = encoder_(in_(torch::cat({patches, change}, -1)));
  const auto moved = change.abs().mean(-1, true);
  const auto pooled = (found * moved).sum(2) / (moved.sum(2) + least_change);
  const auto seen = to_code_(pooled).slice(1, 1).to(torch::kFloat32);
  const auto steps = seen.size(1);
  if (!is_training()) return (seen - mean_.slice(0, 0, steps)) / (variance_.slice(0, 0, steps) + least_variance).sqrt();
  const auto mean = seen.mean(0), variance = seen.var({0}, false);
  {
    torch::NoGradGuard no_grad;
    mean_.lerp_(mean, 0.1), variance_.lerp_(variance, 0.1);
  }
  return (seen - mean) / (variance + least_variance).sqrt();
}

torch::Tensor LatentActionsImpl::decode(const torch::Tensor& pictures, const torch::Tensor& values) {
  const auto x = past_(patches_of(centred(pictures), options_.patch)) + action_(values).unsqueeze(2);
  return pictures + joined_patches(out_(decoder_(x)).to(torch::kFloat32), options_.patch, shape_.height, shape_.width);
}

LatentActionsImpl::Loss LatentActionsImpl::loss(const torch::Tensor& pictures, bool rounded) {
  Loss made;
  made.encoded = encode(pictures);
  const auto code = quantiser_(made.encoded);
  const auto before = pictures.slice(1, 0, pictures.size(1) - 1), after = pictures.slice(1, 1);
  const auto still = (after - before).square().mean().clamp_min(1e-6);
  made.pixels = (decode(before, rounded ? code.value : code.soft) - after).square().mean() / still;
  made.index = code.index;
  made.total = made.pixels;
  made.balance = torch::zeros({}, made.pixels.options());
  if (rounded) made.total = made.total + code.loss;
  if (rounded && code.likely.defined()) {
    const auto p = code.likely.mean(0);
    made.balance = (p * (p + 1e-8).log()).sum(-1).mean();
    made.total = made.total + options_.balance * made.balance;
  }
  return made;
}

torch::Tensor LatentActionsImpl::codes_of(const torch::Tensor& pictures) {
  return quantiser_(encode(pictures)).index;
}

torch::Tensor LatentActionsImpl::painted(const torch::Tensor& pictures, const torch::Tensor& codes) {
  return decode(pictures, values(codes)).clamp(0, 1);
}

// -- dynamics ----------------------------------------------------------------------------------------------------------

std::int64_t mask_git_hidden(std::int64_t tokens, std::int64_t step, std::int64_t steps) {
  const double share = std::cos(std::numbers::pi / 2 * static_cast<double>(step) / static_cast<double>(steps));
  return step >= steps ? 0 : static_cast<std::int64_t>(std::floor(share * static_cast<double>(tokens)));
}

MaskGitImpl::MaskGitImpl(const MaskGitOptions& options, std::int64_t frames, std::int64_t places, std::int64_t codes,
                         std::int64_t action_width)
    : options_(options), places_(places), codes_(codes) {
  const bool prepended = options.action == ActionPlace::prepended;
  token_ = register_parameter("token",
                              torch::randn({codes + 1, options.width}) / std::sqrt(static_cast<double>(options.width)));
  action_ = register_module("action", linear_layer(action_width, options.width));
  network_ = register_module("network", SpaceTime(SpaceTimeOptions{options.width, options.layers, options.heads,
                                                                   places + (prepended ? 1 : 0), frames}));
  out_ = register_module("out", linear_layer(options.width, codes, 0.02));
}

/// tokens [..., S], actions [..., action_width] -> [..., S (+ 1), D].
torch::Tensor MaskGitImpl::embedded(const torch::Tensor& tokens, const torch::Tensor& actions) {
  const auto x = torch::embedding(token_, tokens);
  const auto action = action_(actions).unsqueeze(-2);
  return options_.action == ActionPlace::added ? x + action : torch::cat({action, x}, -2);
}

torch::Tensor MaskGitImpl::logits_of(const torch::Tensor& x) {
  return out_(x.slice(-2, x.size(-2) - places_)).to(torch::kFloat32);
}

torch::Tensor MaskGitImpl::forward(const torch::Tensor& tokens, const torch::Tensor& actions) {
  const auto led = torch::cat({torch::zeros_like(actions.slice(1, 0, 1)), actions}, 1);
  return logits_of(network_(embedded(tokens, led)));
}

MaskGitImpl::Loss MaskGitImpl::loss(const torch::Tensor& tokens, const torch::Tensor& actions, at::Generator rng) {
  const auto options = torch::TensorOptions().device(tokens.device());
  const auto rate = 0.5 + 0.5 * torch::rand({tokens.size(0), 1, 1}, rng, options);
  auto hidden = torch::rand(tokens.sizes(), rng, options) < rate;
  hidden.select(1, 0).fill_(false);
  const auto logits = forward(tokens.masked_fill(hidden, codes_), actions);
  const auto asked = hidden.flatten().nonzero().flatten();
  const auto told = logits.reshape({-1, codes_}).index_select(0, asked);
  const auto truth = tokens.flatten().index_select(0, asked);
  return {torch::cross_entropy_loss(told, truth), (told.argmax(-1) == truth).to(torch::kFloat32).mean()};
}

SpaceTimeImpl::Past MaskGitImpl::past(const torch::Tensor& tokens, const torch::Tensor& actions) {
  SpaceTimeImpl::Past past;
  network_->forward(embedded(tokens, actions), &past);
  return past;
}

torch::Tensor MaskGitImpl::next(const torch::Tensor& tokens, const torch::Tensor& action,
                                const SpaceTimeImpl::Past& past, const torch::Tensor& at) {
  return logits_of(network_->next(embedded(tokens, action), past, at));
}

MaskGitImpl::Frame MaskGitImpl::sample(const torch::Tensor& action, const SpaceTimeImpl::Past& past,
                                       const torch::Tensor& at, std::int64_t steps, double temperature,
                                       at::Generator rng) {
  const auto batch = action.size(0);
  Frame frame{torch::full({batch, places_}, codes_, at.options()), torch::zeros({batch, places_}, action.options()),
              torch::zeros({batch, places_}, at.options())};
  for (std::int64_t i = 1; i <= steps; ++i) {
    const auto p = (next(frame.tokens, action, past, at) / std::max(temperature, 1e-3)).softmax(-1);
    const auto drawn = drawn_of(p, rng);
    const auto sure = p.gather(-1, drawn.unsqueeze(-1)).squeeze(-1);
    const auto hidden = frame.tokens == codes_;
    // Of the hidden ones the least sure stay hidden: what is decided counts as surer than anything.
    const auto order = torch::where(hidden, sure, torch::full_like(sure, 2)).argsort(/*stable=*/true, 1);
    const auto least =
        order.slice(1, 0, std::min(mask_git_hidden(places_, i, steps), hidden.sum(1).min().item<std::int64_t>()));
    const auto now = hidden.scatter(1, least, false);
    frame.tokens = torch::where(now, drawn, frame.tokens);
    frame.confidence = torch::where(now, sure, frame.confidence);
    frame.step = torch::where(now, torch::full_like(frame.step, i), frame.step);
  }
  return frame;
}

}  // namespace dream
