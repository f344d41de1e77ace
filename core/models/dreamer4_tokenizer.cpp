#include "core/models/dreamer4_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "api/error.h"
#include "core/nn/patches.h"

namespace dream {
namespace {

/// Of `latents` + `patches` tokens: the first look at all, or, where `paints`, at themselves; the others at their own
/// kind, and where `paints` at the first as well.
torch::Tensor tokenizer_sight(std::int64_t latents, std::int64_t patches, bool paints) {
  auto seen = torch::ones({latents + patches, latents + patches}, torch::kBool);
  (paints ? seen.slice(0, 0, latents).slice(1, latents) : seen.slice(0, latents).slice(1, 0, latents)).fill_(false);
  return seen;
}

/// Logits by which the first tokens and the patches of their share of the picture look at each other, in the order of reading.
torch::Tensor tokenizer_regions(std::int64_t latents, std::int64_t patches) {
  constexpr double nearer = 3;
  auto leaning = torch::zeros({latents + patches, latents + patches});
  for (std::int64_t i = 0; i < std::max(latents, patches); ++i) {
    const auto latent = i * latents / std::max(latents, patches), patch = latents + i * patches / std::max(latents, patches);
    leaning[latent][patch] = leaning[patch][latent] = nearer;
  }
  return leaning;
}

/// `tokens` [n, D] for every frame that `like` [..., S, D] has: [..., n, D].
torch::Tensor tokens_of_every_frame(const torch::Tensor& tokens, const torch::Tensor& like) {
  auto shape = like.sizes().vec();
  shape[shape.size() - 2] = tokens.size(0);
  return tokens.to(like.scalar_type()).expand(shape);
}

}  // namespace

Dreamer4TokenizerImpl::Dreamer4TokenizerImpl(const Dreamer4TokenizerOptions& options, std::int64_t channels, std::int64_t height,
                                             std::int64_t width)
    : options_(options), height_(height), width_(width), patches_((height / options.patch) * (width / options.patch)) {
  if (height % options.patch != 0 || width % options.patch != 0)
    throw Error("patches of " + std::to_string(options.patch) + " pixels do not cover a picture of " + std::to_string(height) + " x " +
                std::to_string(width));
  const auto d = options.net.width, pixels = options.patch * options.patch * channels;
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    auto layer = register_module(name, torch::nn::Linear(in, out));
    begin_weight(layer->weight, in, out, Init::fan_in);
    torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const auto token = [&](const std::string& name, std::vector<std::int64_t> shape) {
    return register_parameter(name, 0.02 * torch::randn(shape));
  };
  const auto regions = options.regions ? tokenizer_regions(options.latents, patches_) : torch::Tensor();
  in_ = linear("in", pixels, d);
  begin_weight(in_->weight, 1, 1, Init::fan_in);  // see pieces_of()
  to_latent_ = linear("to_latent", d, options.numbers);
  latent_ = token("latent", {options.latents, d}), mask_ = token("mask", {d});
  encoder_ = register_module("encoder", BlockCausal(options.net, tokenizer_sight(options.latents, patches_, false), options.latents, regions));
  from_latent_ = linear("from_latent", options.numbers, d), out_ = linear("out", d, pixels);
  query_ = token("query", {patches_, d});
  decoder_ = register_module("decoder", BlockCausal(options.net, tokenizer_sight(options.latents, patches_, true), options.latents, regions));
}

/// The patches' pixels in [−1, 1] over the root of their number: neighbours are alike, and each step of an optimiser would
/// otherwise move all tokens together, by as much as there are pixels.
torch::Tensor Dreamer4TokenizerImpl::pieces_of(const torch::Tensor& pictures) const {
  const auto pieces = patches_of(pictures * 2 - 1, options_.patch);
  return pieces / std::sqrt(static_cast<double>(pieces.size(-1)));
}

torch::Tensor Dreamer4TokenizerImpl::with_latents(const torch::Tensor& patches) const {
  return torch::cat({tokens_of_every_frame(latent_, patches), patches}, -2);
}

torch::Tensor Dreamer4TokenizerImpl::to_latents(const torch::Tensor& tokens) {
  return to_latent_(tokens.slice(-2, 0, options_.latents)).to(torch::kFloat32).tanh();
}

torch::Tensor Dreamer4TokenizerImpl::from_latents(const torch::Tensor& latents) { return from_latent_(latents).tanh(); }

torch::Tensor Dreamer4TokenizerImpl::with_queries(const torch::Tensor& tokens) const {
  return torch::cat({tokens, tokens_of_every_frame(query_, tokens)}, -2);
}

torch::Tensor Dreamer4TokenizerImpl::painted(const torch::Tensor& tokens) {
  const auto pixels = out_(tokens.slice(-2, options_.latents)).to(torch::kFloat32).sigmoid();
  return joined_patches(pixels, options_.patch, height_, width_);
}

torch::Tensor Dreamer4TokenizerImpl::encode(const torch::Tensor& pictures, const torch::Tensor& episodes, const torch::Tensor& masked) {
  auto patches = in_(pieces_of(pictures));
  if (masked.defined()) patches = torch::where(masked.unsqueeze(-1), mask_.to(patches.scalar_type()), patches);
  return to_latents(encoder_(with_latents(patches), episodes));
}

torch::Tensor Dreamer4TokenizerImpl::decode(const torch::Tensor& latents, const torch::Tensor& episodes) {
  return painted(decoder_(with_queries(from_latents(latents)), episodes));
}

Dreamer4TokenizerImpl::Loss Dreamer4TokenizerImpl::loss(const torch::Tensor& pictures, const torch::Tensor& episodes,
                                                        at::Generator rng) {
  const auto batch = pictures.size(0), frames = pictures.size(1);
  const auto share = options_.most_masked * torch::rand({batch, frames, 1}, rng, pictures.options());
  const auto masked = torch::rand({batch, frames, patches_}, rng, pictures.options()) < share;
  Loss made;
  made.latents = encode(pictures, episodes, masked);
  made.rebuilt = decode(made.latents, episodes);
  made.total = (made.rebuilt - pictures).square().mean();
  return made;
}

torch::Tensor Dreamer4TokenizerImpl::encode_next(const torch::Tensor& picture, const Past& past, Cache* kept) {
  return to_latents(encoder_->next(with_latents(in_(pieces_of(picture))), past, kept));
}

torch::Tensor Dreamer4TokenizerImpl::decode_next(const torch::Tensor& latents, const Past& past) {
  return painted(decoder_->next(with_queries(from_latents(latents)), past));
}

Dreamer4TokenizerImpl::Cache Dreamer4TokenizerImpl::remembered(const torch::Tensor& latents, const Past& past) {
  Cache kept;
  decoder_->next(from_latents(latents), past, &kept);
  return kept;
}

}  // namespace dream
