#include "core/models/delta_iris.h"

#include <string>

#include "api/error.h"
#include "core/nn/categorical.h"

namespace dream {
namespace {

const Knob delta_temperature{.name = "tau_tokens",
                             .symbol = "τ",
                             .title = "τ of the Δ-tokens",
                             .help = "Divides the logits of every Δ-token of the next frame: low draws the likeliest.",
                             .minimum = 0.05,
                             .maximum = 2,
                             .default_value = 1,
                             .group = temperature};

constexpr const char* delta_probe = "tokens/grid";

std::string page_of(std::size_t i) {
  return (i < 10 ? "page0" : "page") + std::to_string(i);
}

}  // namespace

void DeltaIrisOptions::fields(Config& config) {
  auto& t = tokenizer;
  config.add("tokenizer.channels", t.channels, {.help = "Channels of its encoder and its decoder, from the first level on", .low = 2, .high = 1024});
  config.add("tokenizer.frame_channels", t.frame_channels,
             {.help = "Channels of the coder by which the decoder sees the frame before", .low = 2, .high = 1024});
  config.add("tokenizer.levels", t.levels, {.help = "five: of 1, 1, 2, 2 and 4 times the channels, as published; three: of 1, 2 and 2 times"});
  config.add("tokenizer.latent", t.latent,
             {.help = "Numbers of a cell, of which a picture has an eighth of its side squared", .low = 1, .high = 1024});
  config.add("tokenizer.seen", t.seen, {.help = "Numbers that a cell tells the decoder of the frame before", .low = 1, .high = 1024});
  config.add("tokenizer.acted", t.acted, {.help = "Numbers that a cell tells the decoder of the action", .low = 1, .high = 1024});
  config.add("tokenizer.tokens", t.tokens, {.help = "Δ-tokens of a frame, K, a square", .low = 1, .high = 256, .title = "Δ-tokens K"});
  config.add("tokenizer.codes", t.codes, {.help = "Codes that a Δ-token is one of", .low = 2, .high = 65536});
  config.add("tokenizer.width", t.width, {.help = "Numbers of a code", .low = 1, .high = 4096});
  config.add("tokenizer.commitment", t.commitment, {.help = "Weight of the encoder's pull towards the codes", .low = 0, .high = 10});
  config.add("tokenizer.amount", t.amount, {.help = "Weight of the error's amount (L1); that of its square is 1", .low = 0, .high = 10});
  config.add("tokenizer.worst", t.worst, {.help = "Weight of the worst pixel's squared error", .low = 0, .high = 10});
  config.add("tokenizer.revive_until", t.revive_until,
             {.help = "Updates in which a code that nobody uses is put where somebody is, while few are in use", .low = 0, .high = 1e9});
  auto& w = transformer;
  config.add("world.width", w.width, {.help = "Numbers of a token in the transformer; a multiple of the cells of a picture", .low = 4, .high = 4096});
  config.add("world.layers", w.layers, {.help = "Its layers", .low = 1, .high = 64});
  config.add("world.heads", w.heads, {.help = "Heads of its attention; they divide the width", .low = 1, .high = 64});
  config.add("world.frames", w.frames,
             {.help = "Frames that it looks back at, the present one among them; then its memory is emptied",
              .unit = "frames", .low = 2, .high = 100});
  config.add("world.frame_channels", w.frame_channels, {.help = "Channels of the coder by which it sees a frame", .low = 2, .high = 1024});
  config.add("world.levels", w.levels, {.help = "Levels of that coder, as the tokenizer's"});
  config.add("world.dropout", w.dropout, {.help = "Share of numbers that are dropped while it learns", .low = 0, .high = 0.9});
  config.add("world.reward", w.reward, {.help = "What is learned of a reward: its sign (Atari), or the number, as two-hot bins (Crafter)"});
  config.add("world.codes_weight", w.codes_weight, {.help = "Weight of the Δ-tokens' loss", .low = 0, .high = 100});
  config.add("world.reward_weight", w.reward_weight, {.help = "Weight of the reward's loss", .low = 0, .high = 100});
  config.add("world.end_weight", w.end_weight, {.help = "Weight of the end's loss", .low = 0, .high = 100});
}

DeltaIris::DeltaIris(const DeltaIrisOptions& options, const Spaces& spaces)
    : options_(options), input_(spaces.action), picture_{spaces.image_channels, spaces.image_height, spaces.image_width} {
  tokenizer_ = register_module("tokenizer", DeltaIrisTokenizer(options.tokenizer, picture_, input_.size()));
  transformer_ = register_module(
      "transformer", DeltaIrisTransformer(options.transformer, picture_, tokenizer_->places(), tokenizer_->codes(), input_.size()));
}

void DeltaIris::set_bfloat16(bool on) {
  tokenizer_->set_bfloat16(on);
  transformer_->set_bfloat16(on);
}

Carry DeltaIris::initial(std::int64_t batch) {
  const auto memory = transformer_->nothing(batch);
  const auto none = [&](std::int64_t size) { return torch::zeros({batch, size}, memory.pages[0].options()); };
  const auto black = torch::zeros({batch, picture_[0], picture_[1], picture_[2]}, memory.pages[0].options());
  Carry carry{{"frame", black}, {"before", black}, {"acted", none(input_.size())}, {"codes", none(tokenizer_->places())}};
  carry["filled"] = carry["end"] = none(1);
  carry["since"] = none(1) - 1;
  carry["state"] = none(transformer_->width());
  carry["reward"] = signs() ? torch::cat({none(1), none(1) + 1, none(1)}, 1) : none(1);
  for (std::size_t i = 0; i < memory.pages.size(); ++i) carry[page_of(i)] = memory.pages[i];
  return carry;
}

DeltaIrisTransformerImpl::Memory DeltaIris::memory_of(const Carry& carry) const {
  DeltaIrisTransformerImpl::Memory memory{{}, carry.at("filled").squeeze(1).to(torch::kInt64)};
  for (std::size_t i = 0; i < static_cast<std::size_t>(transformer_->frames()); ++i) memory.pages.push_back(carry.at(page_of(i)));
  return memory;
}

DeltaIrisTransformerImpl::Painter DeltaIris::painter_of(const torch::Tensor& frame, const torch::Tensor& action) {
  return [=, this](const torch::Tensor& codes) { return tokenizer_->frames(frame, action, codes); };
}

Carry DeltaIris::with_next(const Carry& carry, const DeltaIrisTransformerImpl::Next& next) const {
  auto made = carry;
  made["codes"] = next.codes.to(torch::kFloat32);
  made["frame"] = next.frame;
  made["state"] = next.state;
  made["filled"] = next.memory.count.unsqueeze(1).to(torch::kFloat32);
  for (std::size_t i = 0; i < next.memory.pages.size(); ++i) made[page_of(i)] = next.memory.pages[i];
  return made;
}

Carry DeltaIris::carry_of_next(const Carry& before, const torch::Tensor& action, const DeltaIrisTransformerImpl::Next& next) {
  auto made = with_next({}, next);
  made["before"] = before.at("frame");
  made["acted"] = action;
  made["expected"] = next.expected;
  const auto since = before.at("since");
  made["since"] = torch::where(next.emptied.unsqueeze(1), torch::zeros_like(since), torch::where(since < 0, since, since + 1));
  // No action led to a first frame.
  const auto began = before.at("filled") == 0;
  const auto reward = signs() ? next.reward.softmax(-1) : transformer_->mean_reward(next.reward).unsqueeze(1);
  made["reward"] = torch::where(began, before.at("reward"), reward);
  made["end"] = torch::where(began, before.at("end"), next.end.exp().slice(1, 1));
  return made;
}

Carry DeltaIris::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator) {
  torch::NoGradGuard no_grad;
  const auto began = carry.at("filled") == 0;
  const auto action = input_(previous_action).masked_fill(began, 0);
  const auto frame = observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).contiguous();
  const auto codes = tokenizer_->tokens(carry.at("frame"), action, frame).masked_fill(began, 0);
  auto made = carry_of_next(carry, action, transformer_->see(memory_of(carry), action, codes, frame));
  const auto told = -made["expected"].gather(2, codes.unsqueeze(-1)).sum(1);
  made["surprise"] = told.masked_fill(began, 0);
  return made;
}

Carry DeltaIris::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto chance = torch::rand({action.size(0), tokenizer_->places()}, std::move(rng), carry.at("state").options());
  const auto acted = input_(action);
  const auto painter = painter_of(carry.at("frame"), acted);
  return carry_of_next(carry, acted, transformer_->draw(memory_of(carry), acted, value_of(knobs, delta_temperature), chance, painter));
}

std::vector<Knob> DeltaIris::knobs() const {
  return {delta_temperature};
}

Prediction DeltaIris::predict(const Carry& carry) {
  auto told = outcome(carry);
  told.frame = carry.at("frame");
  return told;
}

Prediction DeltaIris::outcome(const Carry& carry) {
  const auto& reward = carry.at("reward");
  return {{}, signs() ? reward.select(1, 2) - reward.select(1, 0) : reward.squeeze(1), carry.at("end").squeeze(1)};
}

torch::Tensor DeltaIris::surprise(const Carry& seen) {
  const auto found = seen.find("surprise");
  return found == seen.end() ? torch::Tensor() : found->second.squeeze(1);
}

Belief DeltaIris::belief(const Carry& carry) {
  const auto latent = torch::one_hot(codes_of(carry), tokenizer_->codes()).to(torch::kFloat32);
  Belief belief{latent.flatten(1), {}, {}};
  if (carry.contains("expected")) belief.prior.log_probabilities = carry.at("expected");
  if (carry.contains("surprise")) belief.posterior.log_probabilities = unimix((latent + 1e-30).log(), 1e-6);
  return belief;
}

Carry DeltaIris::with_latent(const Carry& memory, const Carry& latent) {
  auto made = with_next(memory, transformer_->exchanged(memory_of(memory), codes_of(latent), latent.at("frame")));
  made["before"] = latent.at("before"), made["acted"] = latent.at("acted");
  return made;
}

std::vector<std::string> DeltaIris::probe_names() const {
  return {delta_probe, "tokens/change", "memory/window", "outcome/reward"};
}

Carry DeltaIris::where_led(const Carry& carry, const Carry& made) {
  const auto led = was_led(carry).squeeze(1);
  if (led.all().item<bool>()) return made;
  return where_fresh(led.logical_not(), carry, made);
}

Carry DeltaIris::edit(const Carry& carry, const std::string& probe, std::int64_t index, double) {
  if (probe != delta_probe) throw Error("'" + probe + "' cannot be edited; '" + delta_probe + "' can");
  const auto codes = tokenizer_->codes();
  if (index < 0 || index >= tokenizer_->places() * codes)
    throw Error(std::string(delta_probe) + " has " + std::to_string(tokenizer_->places()) + " tokens of " + std::to_string(codes) + " codes, and no element " +
                std::to_string(index));
  torch::NoGradGuard no_grad;
  auto exchanged = codes_of(carry).clone();
  exchanged.select(1, index / codes).fill_(index % codes);
  const auto frame = painter_of(carry.at("before"), carry.at("acted"))(exchanged);
  return where_led(carry, with_next(carry, transformer_->exchanged(memory_of(carry), exchanged, frame)));
}

/// From what was expected before the first Δ-token was known; where that is not known, as likely as codes are used.
Carry DeltaIris::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != delta_probe) throw Error("'" + probe + "' cannot be randomised; '" + delta_probe + "' can");
  torch::NoGradGuard no_grad;
  const auto batch = carry.at("codes").size(0), places = tokenizer_->places();
  const auto expected = carry.contains("expected") ? carry.at("expected") : (tokenizer_->use() + 1e-6).log().expand({batch, places, -1});
  const auto chance = torch::rand({batch, places}, std::move(rng), carry.at("state").options());
  const auto painter = painter_of(carry.at("before"), carry.at("acted"));
  return where_led(carry, with_next(carry, transformer_->draw_again(memory_of(carry), expected, 1, chance, painter)));
}

}  // namespace dream
