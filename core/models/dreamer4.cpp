#include "core/models/dreamer4.h"

#include <algorithm>
#include <bit>

#include "api/error.h"
#include "core/models/gauges.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::uint64_t dreamer4_surprise_seed = 7;  // the noise that tells nothing

Knob dreamer4_steps(std::int64_t finest) {
  return {.name = "steps",
          .symbol = "K",
          .title = "Steps of a frame",
          .help = "In how many shortcut steps a frame is made from noise: powers of two, what lies between is rounded down. It has learned "
                  "how long each is, so that few do; more are slower.",
          .minimum = 1,
          .maximum = static_cast<double>(finest),
          .default_value = static_cast<double>(std::min<std::int64_t>(4, finest)),
          .whole = true};
}
const Knob dreamer4_distrust{.name = "distrust",
                             .symbol = "k",
                             .title = "Distrust of earlier frames",
                             .help = "Noise on the frames that it looks back at, so that it takes less of them for granted and what it got wrong "
                                     "piles up more slowly; the agent sees it too.",
                             .minimum = 0,
                             .maximum = 0.9,
                             .default_value = 0.1};
const Knob dreamer4_noise{.name = "tau_noise",
                          .symbol = "τ",
                          .title = "τ of the noise",
                          .help = "Scales the noise that a frame begins with: near 0 always nearly the same frame.",
                          .minimum = 0,
                          .maximum = 2,
                          .default_value = 1,
                          .group = temperature};

void dreamer4_net_fields(Config& config, const std::string& prefix, BlockCausalOptions& net, const std::string& blocks) {
  config.add(prefix + "width", net.width, {.help = "Numbers of a token within the network", .low = 4, .high = 8192});
  config.add(prefix + "layers", net.layers, {.help = blocks, .low = 1, .high = 128});
  config.add(prefix + "heads", net.heads, {.help = "Heads of an attention", .low = 1, .high = 64});
  config.add(prefix + "time_every", net.time_every, {.help = "Every so many blocks look back in time", .low = 1, .high = 128});
  config.add(prefix + "hidden", net.hidden, {.help = "Numbers between the two layers of a block, of the width", .low = 1, .high = 16});
}

Dreamer4Options dreamer4_settled(Dreamer4Options options) {
  options.tokenizer.net.context = options.dynamics.net.context;
  return options;
}

BlockCausalImpl::Cache dreamer4_cache(const Carry& carry, const std::string& prefix) {
  return {carry.at(prefix + "keys"), carry.at(prefix + "values")};
}

void put_dreamer4_cache(Carry& carry, const std::string& prefix, const BlockCausalImpl::Cache& cache) {
  carry[prefix + "keys"] = cache.keys, carry[prefix + "values"] = cache.values;
}

/// What was there before the newest frame came, as long as it can matter.
BlockCausalImpl::Cache without_newest_frame(const BlockCausalImpl::Cache& cache) {
  return {torch::cat({torch::zeros_like(cache.keys.slice(4, 0, 1)), cache.keys.slice(4, 0, -1)}, 4),
          torch::cat({torch::zeros_like(cache.values.slice(4, 0, 1)), cache.values.slice(4, 0, -1)}, 4)};
}

torch::Tensor dreamer4_count(const Carry& carry, const std::string& name) { return carry.at(name).squeeze(1).to(torch::kInt64); }

}  // namespace

void Dreamer4Options::fields(Config& config) {
  config.add("world.context", dynamics.net.context, {.help = "Frames that it looks back at, the new one among them", .unit = "frames", .low = 2, .high = 1024});
  config.add("tokenizer.patch", tokenizer.patch, {.help = "Side of a patch", .unit = "pixels", .low = 2, .high = 64});
  config.add("tokenizer.latents", tokenizer.latents, {.help = "Latent tokens of a frame", .low = 1, .high = 1024});
  config.add("tokenizer.numbers", tokenizer.numbers, {.help = "Numbers of a latent, each in (−1, 1)", .low = 1, .high = 256});
  config.add("tokenizer.most_masked", tokenizer.most_masked,
             {.help = "While it learns, a frame's patches are hidden with a chance of U(0, this)", .low = 0, .high = 1});
  dreamer4_net_fields(config, "tokenizer.", tokenizer.net, "Blocks of each half");
  config.add("dynamics.pack", dynamics.pack, {.help = "Latents that make one spatial token of the dynamics", .low = 1, .high = 64});
  config.add("dynamics.registers", dynamics.registers, {.help = "Tokens of a frame that hold nothing at first", .low = 0, .high = 64});
  config.add("dynamics.finest", dynamics.finest,
             {.help = "Steps of the finest grid, a power of two: no frame is made in more", .low = 2, .high = 1024});
  dreamer4_net_fields(config, "dynamics.", dynamics.net, "Blocks");
  config.add("heads.ahead", ahead, {.help = "Steps whose rewards and actions the heads say at once", .low = 1, .high = 32});
  config.add("heads.units", units, {.help = "Units of a hidden layer", .low = 4, .high = 4096});
  config.add("heads.layers", head_layers, {.help = "Hidden layers of a head", .low = 1, .high = 8});
  config.add("heads.bins", bins, {.help = "Bins that say rewards and values", .low = 3, .high = 1023});
}

Dreamer4Model::Dreamer4Model(const Dreamer4Options& given, const Spaces& spaces)
    : options_(dreamer4_settled(given)), action_input_(spaces.action), two_hot_(TwoHot::Kind::symexp, given.bins, torch::kCPU) {
  tokenizer_ = register_module(
      "tokenizer", Dreamer4Tokenizer(options_.tokenizer, spaces.image_channels, spaces.image_height, spaces.image_width));
  dynamics_ = register_module("dynamics", Dreamer4Dynamics(options_.dynamics, tokenizer_->latents(), tokenizer_->numbers(), action_input_.size()));
  const LayerStyle style;
  const auto head = [&](std::int64_t out) { return Mlp(dynamics_->width(), options_.head_layers, options_.units, style, out, 0); };
  reward_ = register_module("reward", head(options_.ahead * options_.bins));
  end_ = register_module("end", head(1));
}

torch::Tensor Dreamer4Model::reward_logits(const torch::Tensor& agent) {
  return reward_(agent).to(torch::kFloat32).unflatten(-1, {options_.ahead, options_.bins});
}

std::vector<torch::Tensor> Dreamer4Model::head_parameters() const {
  auto all = reward_->parameters();
  for (const auto& parameter : end_->parameters()) all.push_back(parameter);
  return all;
}

Carry Dreamer4Model::initial(std::int64_t batch) {
  const auto state = dynamics_->initial(batch);
  const auto like = state.agent.options();
  Carry carry = {{"latent", state.latent},
                 {"agent", state.agent},
                 {"action", torch::zeros({batch, action_input_.size()}, like)},
                 {"filled", torch::zeros({batch, 1}, like)},
                 {"seen", torch::zeros({batch, 1}, like)}};
  put_dreamer4_cache(carry, "", state.cache);
  for (auto* net : {&tokenizer_->encoder(), &tokenizer_->decoder()}) {
    const auto empty = torch::zeros((*net)->cache_shape(batch), like);
    put_dreamer4_cache(carry, net == &tokenizer_->encoder() ? "encoder_" : "decoder_", {empty, empty});
  }
  return carry;
}

Dreamer4DynamicsImpl::State Dreamer4Model::state_of(const Carry& carry) const {
  return {carry.at("latent"), carry.at("agent"), dreamer4_count(carry, "filled"), dreamer4_cache(carry, "")};
}

/// What comes after `before`: the tokenizer's half of the window goes on with it.
Carry Dreamer4Model::carry_of_state(const Dreamer4DynamicsImpl::State& state, const Carry& before, const torch::Tensor& action) {
  Carry carry = {{"latent", state.latent},
                 {"agent", state.agent},
                 {"action", action},
                 {"filled", state.at.unsqueeze(1).to(torch::kFloat32)},
                 {"seen", before.at("seen")}};
  put_dreamer4_cache(carry, "", state.cache);
  put_dreamer4_cache(carry, "encoder_", dreamer4_cache(before, "encoder_"));
  const auto painted = dreamer4_cache(before, "decoder_");
  const auto window = dynamics_->context() - 1;
  const auto past = tokenizer_->decoder()->past_of(painted.last(window), dreamer4_count(before, "filled").clamp_max(window));
  put_dreamer4_cache(carry, "decoder_", painted.with(tokenizer_->remembered(dynamics_->unpacked(state.latent), past)));
  return carry;
}

Carry Dreamer4Model::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                             at::Generator rng) {
  const auto before = state_of(carry);
  const auto window = dynamics_->context() - 1;
  const auto pictures = dreamer4_cache(carry, "encoder_");
  const auto seen = dreamer4_count(carry, "seen");
  BlockCausalImpl::Cache kept;
  const auto latents = tokenizer_->encode_next(pictures_of(observation.image),
                                               tokenizer_->encoder()->past_of(pictures.last(window), seen.clamp_max(window)), &kept);
  const auto action = action_input_(previous_action);
  torch::Tensor looks;
  const auto state = dynamics_->remember(before, dynamics_->packed(latents), action, before.at > 0, dreamer4_distrust.default_value,
                                         std::move(rng), &looks);
  auto next = carry_of_state(state, carry, action);
  put_dreamer4_cache(next, "encoder_", pictures.with(kept));
  next["seen"] = (seen + 1).clamp_max(window + 1).unsqueeze(1).to(torch::kFloat32);
  next["looks"] = looks;
  return next;
}

Carry Dreamer4Model::imagine(const Carry& carry, const torch::Tensor& given, const KnobValues& knobs, at::Generator rng) {
  const auto before = state_of(carry);
  const auto asked = static_cast<std::uint64_t>(std::max(1.0, value_of(knobs, dreamer4_steps(dynamics_->finest()))));
  const Dreamer4DynamicsImpl::Wish wish{std::min(static_cast<std::int64_t>(std::bit_floor(asked)), dynamics_->finest()),
                                        value_of(knobs, dreamer4_noise), value_of(knobs, dreamer4_distrust)};
  const auto action = action_input_(given);
  torch::Tensor film, looks;
  const auto state = dynamics_->imagine(before, action, before.at > 0, wish, std::move(rng), &film, &looks);
  auto next = carry_of_state(state, carry, action);
  next["denoising"] = film, next["looks"] = looks;
  return next;
}

std::vector<Knob> Dreamer4Model::knobs() const { return {dreamer4_steps(dynamics_->finest()), dreamer4_distrust, dreamer4_noise}; }

Prediction Dreamer4Model::outcome(const Carry& carry) {
  const auto& agent = carry.at("agent");
  return {{}, reward_of(agent), torch::sigmoid(end_logits(agent))};
}

Prediction Dreamer4Model::predict(const Carry& carry) {
  auto made = outcome(carry);
  const auto window = dynamics_->context() - 1;
  const auto past = tokenizer_->decoder()->past_of(dreamer4_cache(carry, "decoder_").first(window), (dreamer4_count(carry, "filled") - 1).clamp_min(0));
  made.frame = tokenizer_->decode_next(dynamics_->unpacked(carry.at("latent")), past);
  return made;
}

torch::Tensor Dreamer4Model::surprise(const Carry& seen) {
  const auto latent = seen.at("latent");
  const auto at = (dreamer4_count(seen, "filled") - 1).clamp_min(0), nothing = torch::zeros_like(at);
  const auto noise = torch::randn(latent.sizes().slice(1), make_generator(latent.device(), dreamer4_surprise_seed), latent.options());
  const auto past = dynamics_->net()->past_of(dreamer4_cache(seen, "").first(dynamics_->context() - 1), at);
  const auto expected = dynamics_->next(noise.expand_as(latent), {seen.at("action"), at > 0, nothing, nothing}, past, false).clean;
  return 0.5 * (latent - expected).square().flatten(1).sum(1);
}

// -- what is shown ----------------------------------------------------------------------------------------------------

std::vector<std::string> Dreamer4Model::probe_names() const { return {"denoising/steps", "latent/z", "attention/time"}; }

void Dreamer4Model::report(const Carry& carry, ProbeSink& sink) {
  if (carry.contains("denoising") && sink.wants("denoising/steps")) {
    const auto film = carry.at("denoising")[0];  // [K, S, N]
    const auto window = dynamics_->context() - 1, steps = film.size(0);
    const auto cache = dreamer4_cache(select_lane(carry, 0), "decoder_").first(window);
    const auto many = [&](const torch::Tensor& x) { return x.expand({steps, -1, -1, -1, -1, -1}); };
    const auto at = (dreamer4_count(carry, "filled").slice(0, 0, 1) - 1).clamp_min(0).expand({steps});
    const auto past = tokenizer_->decoder()->past_of({many(cache.keys), many(cache.values)}, at);
    const auto painted = tokenizer_->decode_next(dynamics_->unpacked(film.clamp(-1, 1)), past).to(torch::kCPU);  // [K, C, H, W]
    sink.put("denoising/steps", "From noise to a frame", "What it took the frame for after each of its K steps, the first on the left: ẑ",
             image_from(torch::cat(painted.unbind(0), 2)));
  }
  if (sink.wants("latent/z"))
    sink.put("latent/z", "Latent z", "Of each spatial token, a row, its numbers in (−1, 1)",
             heatmap_from(carry.at("latent")[0], static_cast<int>(dynamics_->numbers()), -1, 1, true), true);
  if (carry.contains("looks") && sink.wants("attention/time")) {
    const auto looks = carry.at("looks")[0].transpose(0, 1).to(torch::kCPU, torch::kFloat32);  // [heads, tokens, T]
    Attention shown{1, static_cast<int>(looks.size(0)), static_cast<int>(looks.size(1)), static_cast<int>(looks.size(2)), floats(looks),
                    dynamics_->token_names(), {}};
    for (auto back = looks.size(2) - 1; back >= 0; --back) {
      shown.key_labels.push_back(back > 0 ? "−" + std::to_string(back) : "now");
      shown.key_ages.push_back(static_cast<int>(back));
    }
    sink.put("attention/time", "How far it looks back",
             "Of each token of the frame the weights over the same token of earlier ones, in the last block that looks back",
             std::move(shown));
  }
}

Carry Dreamer4Model::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
  const auto count = dynamics_->places() * dynamics_->numbers();
  if (index < 0 || index >= count)
    throw Error("latent/z has elements 0 to " + std::to_string(count - 1) + ", not " + std::to_string(index));
  auto latent = carry.at("latent").clone();
  latent.flatten(1).select(1, index).fill_(std::clamp(value, -1.0, 1.0));
  const auto before = before_newest(carry);
  const auto state = dynamics_->remember(state_of(before), latent, carry.at("action"), dreamer4_count(before, "filled") > 0, 0, {});
  return carry_of_state(state, before, carry.at("action"));
}

Carry Dreamer4Model::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  const auto before = before_newest(carry);
  const auto state = dynamics_->imagine(state_of(before), carry.at("action"), dreamer4_count(before, "filled") > 0, {}, std::move(rng));
  return carry_of_state(state, before, carry.at("action"));
}

/// The same moment before its frame: what edits put another one into.
Carry Dreamer4Model::before_newest(const Carry& carry) const {
  auto before = carry;
  before["filled"] = (carry.at("filled") - 1).clamp_min(0);
  for (const auto* prefix : {"", "decoder_"}) put_dreamer4_cache(before, prefix, without_newest_frame(dreamer4_cache(carry, prefix)));
  return before;
}

}  // namespace dream
