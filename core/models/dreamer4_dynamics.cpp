#include "core/models/dreamer4_dynamics.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

torch::Tensor dreamer4_doubted(const torch::Tensor& clean, double distrust, at::Generator rng) {
  return distrust > 0 ? (1 - distrust) * clean + distrust * torch::randn(clean.sizes(), std::move(rng), clean.options()) : clean;
}

}  // namespace

Dreamer4DynamicsImpl::Dreamer4DynamicsImpl(const Dreamer4DynamicsOptions& options, std::int64_t latents, std::int64_t numbers,
                                           std::int64_t action_width)
    : options_(options), places_(latents / options.pack), numbers_(numbers * options.pack) {
  if (latents % options.pack != 0)
    throw Error(std::to_string(latents) + " latents cannot be packed by " + std::to_string(options.pack) + ": it must divide them");
  const auto d = options.net.width, exponents = shortcut_exponent(options.finest) + 1;
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out, double scale = 1) {
    auto layer = register_module(name, torch::nn::Linear(in, out));
    begin_weight(layer->weight, in, out, Init::fan_in, scale);
    torch::nn::init::zeros_(layer->bias);
    return layer;
  };
  const auto tokens = [&](const std::string& name, std::vector<std::int64_t> shape) {
    return register_parameter(name, torch::randn(shape) / std::sqrt(static_cast<double>(d)));
  };
  action_ = linear("action", action_width, d);
  untold_ = tokens("untold", {d}), level_ = tokens("level", {options.finest + 1, d}), step_ = tokens("step", {exponents, d});
  in_ = linear("in", numbers_, d);
  register_ = tokens("register", {options.registers, d}), agent_ = tokens("agent", {d});
  auto seen = torch::ones({3 + places_ + options.registers, 3 + places_ + options.registers}, torch::kBool);
  seen.slice(0, 0, seen.size(0) - 1).select(1, seen.size(1) - 1).fill_(false);  // nobody looks at the agent but itself
  net_ = register_module("net", BlockCausal(options.net, seen, seen.size(0)));
  out_ = linear("out", d, numbers_, 0);  // as in both ports: it begins with ẑ = 0
}

torch::Tensor Dreamer4DynamicsImpl::packed(const torch::Tensor& latents) const {
  return latents.flatten(-2).unflatten(-1, {places_, numbers_});
}

torch::Tensor Dreamer4DynamicsImpl::unpacked(const torch::Tensor& tokens) const {
  return tokens.flatten(-2).unflatten(-1, {places_ * options_.pack, numbers_ / options_.pack});
}

std::vector<std::string> Dreamer4DynamicsImpl::token_names() const {
  std::vector<std::string> names = {"action", "τ, d"};
  for (std::int64_t i = 0; i < places_; ++i) names.push_back("z " + std::to_string(i + 1));
  for (std::int64_t i = 0; i < options_.registers; ++i) names.push_back("register " + std::to_string(i + 1));
  names.emplace_back("agent");
  return names;
}

torch::Tensor Dreamer4DynamicsImpl::action_tokens(const torch::Tensor& action, const torch::Tensor& told) {
  const auto known = action_(action);
  return torch::where(told.unsqueeze(-1), known, untold_.to(known.scalar_type())).unsqueeze(-2);
}

/// [..., S', D].
torch::Tensor Dreamer4DynamicsImpl::tokens_of(const torch::Tensor& noisy, const Given& given, bool agent) {
  const auto spatial = in_(noisy), action = action_tokens(given.action, given.told);
  const auto type = spatial.scalar_type();
  const auto everywhere = [&](const torch::Tensor& tokens) {
    auto shape = spatial.sizes().vec();
    shape[shape.size() - 2] = tokens.size(0);
    return tokens.to(type).expand(shape);
  };
  const auto signal = torch::embedding(level_, given.level) + torch::embedding(step_, given.step);
  std::vector<torch::Tensor> parts = {action, signal.to(type).unsqueeze(-2), spatial};
  if (options_.registers > 0) parts.push_back(everywhere(register_));
  if (agent) parts.push_back(everywhere(agent_.unsqueeze(0)));
  return torch::cat(parts, -2);
}

Dreamer4DynamicsImpl::Out Dreamer4DynamicsImpl::read(const torch::Tensor& tokens, bool agent) {
  Out out;
  out.clean = out_(tokens.slice(-2, 2, 2 + places_)).to(torch::kFloat32);
  if (agent) out.agent = tokens.select(-2, tokens.size(-2) - 1).to(torch::kFloat32);
  return out;
}

Dreamer4DynamicsImpl::Out Dreamer4DynamicsImpl::forward(const torch::Tensor& noisy, const Given& given, const torch::Tensor& episodes,
                                                        bool agent, Cache* kept) {
  return read(net_(tokens_of(noisy, given, agent), episodes, kept), agent);
}

Dreamer4DynamicsImpl::Out Dreamer4DynamicsImpl::next(const torch::Tensor& noisy, const Given& given, const Past& past, bool agent,
                                                     Cache* kept, torch::Tensor* weights) {
  return read(net_->next(tokens_of(noisy, given, agent), past, kept, weights), agent);
}

// -- dreams -----------------------------------------------------------------------------------------------------------

std::int64_t Dreamer4DynamicsImpl::context_level(double distrust) const {
  const auto nearest = std::llround((1 - distrust) * static_cast<double>(options_.finest));
  return std::clamp<std::int64_t>(nearest, 0, options_.finest - 1);  // nothing learns at τ = 1
}

Dreamer4DynamicsImpl::State Dreamer4DynamicsImpl::initial(std::int64_t batch) const {
  const auto like = torch::TensorOptions().dtype(torch::kFloat32).device(level_.device());
  const auto empty = torch::zeros(net_->cache_shape(batch), like);
  return {torch::zeros({batch, places_, numbers_}, like), torch::zeros({batch, options_.net.width}, like),
          torch::zeros({batch}, like.dtype(torch::kInt64)), {empty, empty}};
}

Dreamer4DynamicsImpl::Past Dreamer4DynamicsImpl::past_of(const State& before) const {
  return net_->past_of(before.cache.last(context() - 1), before.at.clamp_max(context() - 1));
}

Dreamer4DynamicsImpl::State Dreamer4DynamicsImpl::imagine(const State& before, const torch::Tensor& action, const torch::Tensor& told,
                                                          const Wish& wish, at::Generator rng, torch::Tensor* film,
                                                          torch::Tensor* weights) {
  const auto past = past_of(before);
  const auto exponent = shortcut_exponent(wish.steps);
  if (wish.steps > options_.finest)
    throw Error("a frame is made in at most " + std::to_string(options_.finest) + " steps, not in " + std::to_string(wish.steps));
  auto z = wish.temperature * torch::randn(before.latent.sizes(), rng, before.latent.options());
  const auto step = torch::full_like(before.at, exponent);
  std::vector<torch::Tensor> taken_for;
  for (std::int64_t i = 0; i < wish.steps; ++i) {
    const auto level = torch::full_like(before.at, i * (options_.finest / wish.steps));
    const auto clean = next(z, {action, told, level, step}, past, false).clean;
    if (film) taken_for.push_back(clean);
    z = shortcut_step(z, clean, i, wish.steps);
  }
  if (film) *film = torch::stack(taken_for, 1);
  return remember(before, z.clamp(-1, 1), action, told, wish.distrust, std::move(rng), weights);  // no latent lies outside
}

Dreamer4DynamicsImpl::State Dreamer4DynamicsImpl::remember(const State& before, const torch::Tensor& latent, const torch::Tensor& action,
                                                           const torch::Tensor& told, double distrust, at::Generator rng,
                                                           torch::Tensor* weights) {
  const auto shown = dreamer4_doubted(latent, distrust, std::move(rng));
  const auto level = torch::full_like(before.at, context_level(distrust)),
             step = torch::full_like(before.at, shortcut_exponent(options_.finest));
  Cache kept;
  const auto out = next(shown, {action, told, level, step}, past_of(before), true, &kept, weights);
  return {latent, out.agent, (before.at + 1).clamp_max(context()), before.cache.with(kept)};
}

Dreamer4DynamicsImpl::Out Dreamer4DynamicsImpl::shown(const torch::Tensor& clean, const torch::Tensor& action, const torch::Tensor& told,
                                                      const torch::Tensor& episodes, double distrust, at::Generator rng, Cache* kept) {
  const auto level = torch::full_like(episodes, context_level(distrust)), step = torch::full_like(episodes, shortcut_exponent(options_.finest));
  return forward(dreamer4_doubted(clean, distrust, std::move(rng)), {action, told, level, step}, episodes, true, kept);
}

Dreamer4DynamicsImpl::State Dreamer4DynamicsImpl::watched(const torch::Tensor& clean, const torch::Tensor& action, const torch::Tensor& told,
                                                          const torch::Tensor& episodes, double distrust, at::Generator rng) {
  Cache kept;
  const auto out = shown(clean, action, told, episodes, distrust, std::move(rng), &kept);
  const auto last = clean.size(1) - 1, missing = std::max<std::int64_t>(0, context() - clean.size(1));
  const auto window = [&](const torch::Tensor& x) {
    return torch::constant_pad_nd(x.slice(4, std::max<std::int64_t>(0, x.size(4) - context())), {0, 0, missing, 0}).to(torch::kFloat32);
  };
  const auto there = (episodes == episodes.slice(1, last)).sum(1).clamp_max(context());
  return {clean.select(1, last), out.agent.select(1, last), there, {window(kept.keys), window(kept.values)}};
}

}  // namespace dream
