#include "core/models/iris.h"

#include <string>

#include "api/error.h"
#include "core/nn/categorical.h"

namespace dream {
namespace {

const Knob token_temperature{.name = "tau_tokens",
                             .symbol = "τ",
                             .title = "τ of the tokens",
                             .help = "Divides the logits of every token of the next frame: low draws the likeliest.",
                             .minimum = 0.05,
                             .maximum = 2,
                             .default_value = 1,
                             .group = temperature};

constexpr const char* token_probe = "tokens/grid";

std::string page_name(std::size_t i) {
  return (i < 10 ? "page0" : "page") + std::to_string(i);
}

}  // namespace

void IrisOptions::fields(Config& config) {
  auto& t = tokenizer;
  config.add("tokenizer.channels", t.channels, {.help = "Channels of its convolutions; a group of its norms has two", .low = 2, .high = 1024});
  config.add("tokenizer.levels", t.levels, {.help = "Levels of its coders, each of half the side: 5 make 4 x 4 tokens of a picture of 64 x 64", .low = 1, .high = 8});
  config.add("tokenizer.blocks", t.blocks, {.help = "Residual blocks of a level; the decoder has one more", .low = 1, .high = 8});
  config.add("tokenizer.attention", t.attention,
             {.help = "The largest side at which places look at one another, from 8 on; 0 = only in the middle", .low = 0, .high = 64});
  config.add("tokenizer.codes", t.codes, {.help = "Codes that a token is one of", .low = 2, .high = 65536});
  config.add("tokenizer.width", t.width, {.help = "Numbers of a code", .low = 1, .high = 4096});
  config.add("tokenizer.commitment", t.commitment, {.help = "β: weight of the encoder's pull towards the codes", .low = 0, .high = 10, .title = "commitment β"});
  config.add("tokenizer.detail", t.detail,
             {.help = "Weight of the error of differences between neighbouring pixels, which stands in the place of LPIPS", .low = 0, .high = 10});
  config.add("tokenizer.focus", t.focus,
             {.help = "How much more a pixel counts that is not as in the mean picture, by squares; 0: all alike, by amounts (published)", .low = 0, .high = 1000});
  config.add("tokenizer.first_codes", t.first_codes, {.help = "Deviation of the first codes; 0: within ± 1 / codes (published)", .low = 0, .high = 10});
  config.add("tokenizer.revive", t.revive, {.help = "A code that nobody uses is put where somebody is; not in the paper"});
  auto& w = transformer;
  config.add("world.width", w.width, {.help = "Numbers of a token in the transformer", .low = 4, .high = 4096});
  config.add("world.layers", w.layers, {.help = "Its layers", .low = 1, .high = 64});
  config.add("world.heads", w.heads, {.help = "Heads of its attention; they divide the width", .low = 1, .high = 64});
  config.add("world.frames", w.frames,
             {.help = "Frames that it looks back at, the present one among them; then its memory is emptied", .unit = "frames", .low = 2, .high = 100});
  config.add("world.dropout", w.dropout, {.help = "Share of numbers that are dropped while it learns", .low = 0, .high = 0.9});
}

IrisModel::IrisModel(const IrisOptions& options, const Spaces& spaces) : options_(options), input_(spaces.action) {
  tokenizer_ = register_module("tokenizer", IrisTokenizer(options.tokenizer, at::IntArrayRef{spaces.image_channels, spaces.image_height, spaces.image_width}));
  transformer_ = register_module("transformer", IrisTransformer(options.transformer, tokenizer_->places(), tokenizer_->codes(), input_.size()));
}

void IrisModel::set_bfloat16(bool on) {
  tokenizer_->set_bfloat16(on);
  transformer_->set_bfloat16(on);
}

Carry IrisModel::initial(std::int64_t batch) {
  const auto memory = transformer_->nothing(batch);
  const auto zero = torch::zeros({batch, 1}, memory.kept.pages[0].options());
  Carry carry{{"codes", memory.codes.to(torch::kFloat32)}, {"filled", zero}, {"since", zero - 1}, {"end", zero}};
  carry["state"] = torch::zeros({batch, transformer_->width()}, zero.options());
  carry["reward"] = torch::cat({zero, zero + 1, zero}, 1);
  for (std::size_t i = 0; i < memory.kept.pages.size(); ++i) carry[page_name(i)] = memory.kept.pages[i];
  return carry;
}

IrisTransformerImpl::Memory IrisModel::memory_of(const Carry& carry) const {
  IrisTransformerImpl::Memory memory{{{}, carry.at("filled").squeeze(1).to(torch::kInt64)}, codes_of(carry)};
  for (std::size_t i = 0; i < static_cast<std::size_t>(transformer_->frames()); ++i) memory.kept.pages.push_back(carry.at(page_name(i)));
  return memory;
}

Carry IrisModel::with_codes(const Carry& carry, const IrisTransformerImpl::Next& next) {
  auto made = carry;
  made["codes"] = next.memory.codes.to(torch::kFloat32);
  made["state"] = next.state;
  made["frame"] = tokenizer_->pictures(next.memory.codes);
  for (std::size_t i = 0; i < next.memory.kept.pages.size(); ++i) made[page_name(i)] = next.memory.kept.pages[i];
  return made;
}

Carry IrisModel::carry_of_next(const Carry& before, const IrisTransformerImpl::Next& next) {
  auto made = with_codes({}, next);
  made["before"] = before.at("codes");
  made["expected"] = next.expected;
  made["filled"] = next.memory.kept.count.unsqueeze(1).to(torch::kFloat32);
  const auto since = before.at("since");
  made["since"] = torch::where(next.emptied.unsqueeze(1), torch::ones_like(since), torch::where(since < 0, since, since + 1));
  // No action led to a first frame.
  const auto began = before.at("filled") == 0;
  made["reward"] = torch::where(began, before.at("reward"), next.reward.exp());
  made["end"] = torch::where(began, before.at("end"), next.end.exp().slice(1, 1));
  return made;
}

Carry IrisModel::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator) {
  torch::NoGradGuard no_grad;
  const auto began = carry.at("filled") == 0;
  const auto action = input_(previous_action).masked_fill(began, 0);
  const auto picture = observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255;
  auto made = carry_of_next(carry, transformer_->see(memory_of(carry), action, tokenizer_->tokens(picture)));
  const auto told = -made["expected"].gather(2, codes_of(made).unsqueeze(-1)).sum(1);
  made["surprise"] = told.masked_fill(began, 0);
  return made;
}

Carry IrisModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto chance = torch::rand({action.size(0), tokenizer_->places()}, std::move(rng), carry.at("state").options());
  return carry_of_next(carry, transformer_->draw(memory_of(carry), input_(action), value_of(knobs, token_temperature), chance));
}

std::vector<Knob> IrisModel::knobs() const {
  return {token_temperature};
}

Prediction IrisModel::predict(const Carry& carry) {
  auto told = outcome(carry);
  const auto frame = carry.find("frame");
  told.frame = frame != carry.end() ? frame->second : tokenizer_->pictures(codes_of(carry));
  return told;
}

Prediction IrisModel::outcome(const Carry& carry) {
  const auto& signs = carry.at("reward");
  return {{}, signs.select(1, 2) - signs.select(1, 0), carry.at("end").squeeze(1)};
}

torch::Tensor IrisModel::surprise(const Carry& seen) {
  const auto found = seen.find("surprise");
  return found == seen.end() ? torch::Tensor() : found->second.squeeze(1);
}

Belief IrisModel::belief(const Carry& carry) {
  const auto latent = torch::one_hot(codes_of(carry), tokenizer_->codes()).to(torch::kFloat32);
  Belief belief{latent.flatten(1), {}, {}};
  if (carry.contains("expected")) belief.prior.log_probabilities = carry.at("expected");
  if (carry.contains("surprise")) belief.posterior.log_probabilities = unimix((latent + 1e-30).log(), 1e-6);
  return belief;
}

Carry IrisModel::with_latent(const Carry& memory, const Carry& latent) {
  return with_codes(memory, transformer_->exchanged(memory_of(memory), codes_of(latent)));
}

std::vector<std::string> IrisModel::probe_names() const {
  return {token_probe, "tokens/film", "memory/window", "outcome/sign"};
}

Carry IrisModel::edit(const Carry& carry, const std::string& probe, std::int64_t index, double) {
  if (probe != token_probe) throw Error("'" + probe + "' cannot be edited; '" + token_probe + "' can");
  const auto codes = tokenizer_->codes();
  if (index < 0 || index >= tokenizer_->places() * codes)
    throw Error(std::string(token_probe) + " has " + std::to_string(tokenizer_->places()) + " tokens of " + std::to_string(codes) + " codes, and no element " + std::to_string(index));
  auto exchanged = codes_of(carry).clone();
  exchanged.select(1, index / codes).fill_(index % codes);
  return with_codes(carry, transformer_->exchanged(memory_of(carry), exchanged));
}

/// From what was expected before its first token was known; of a first frame, as likely as codes are used.
Carry IrisModel::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != token_probe) throw Error("'" + probe + "' cannot be randomised; '" + token_probe + "' can");
  const auto batch = carry.at("codes").size(0);
  auto first = (tokenizer_->use() + 1e-6).log().expand({batch, -1});
  if (carry.contains("expected")) first = torch::where(carry.at("filled") > 1, carry.at("expected").select(1, 0), first);
  const auto chance = torch::rand({batch, tokenizer_->places()}, std::move(rng), carry.at("state").options());
  return with_codes(carry, transformer_->draw_again(memory_of(carry), first, 1, chance));
}

}  // namespace dream
