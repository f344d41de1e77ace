#include "core/models/genie.h"

#include <algorithm>

#include "api/error.h"
#include "core/models/gauges.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_steps = 25;
const Knob maskgit_steps{
    .name = "maskgit_steps",
    .symbol = "N",
    .title = "Steps of a frame",
    .help = "In how many rounds MaskGIT fills a frame in: each time the surest tokens stay. More are slower.",
    .minimum = 1,
    .maximum = most_steps,
    .default_value = 8,
    .whole = true};
const Knob tau_tokens{.name = "tau_tokens",
                      .symbol = "τ",
                      .title = "τ of the tokens",
                      .help = "Temperature at which hidden tokens are drawn; near 0 always the likeliest. At 1, as learned, what a "
                              "small model gets wrong piles up within some dozen frames.",
                      .minimum = 0.01,
                      .maximum = 3,
                      .default_value = 0.3,
                      .group = temperature};

/// `window` [B, T, ...] with `entry` [B, ...] at `at` [B].
torch::Tensor placed(const torch::Tensor& window, const torch::Tensor& entry, const torch::Tensor& at) {
  auto here = torch::arange(window.size(1), at.options()).unsqueeze(0) == at.unsqueeze(1);
  for (auto i = window.dim(); i > 2; --i) here = here.unsqueeze(-1);
  return torch::where(here, entry.unsqueeze(1).to(window.scalar_type()), window);
}

/// Without its first entry where `full` [B].
torch::Tensor made_room(const torch::Tensor& window, torch::Tensor full) {
  for (auto i = window.dim(); i > 1; --i) full = full.unsqueeze(-1);
  return torch::where(full, window.roll(-1, 1), window);
}

void quantiser_fields(Config& config, const std::string& prefix, QuantiserOptions& options, std::int64_t most) {
  config.add(prefix + "quantiser", options.kind,
             {.help = "vq: the nearest of learned vectors; fsq: numbers rounded to levels"});
  config.add(prefix + "codes", options.codes, {.help = "vq: codes", .low = 2, .high = static_cast<double>(most)});
  config.add(prefix + "code_width", options.width, {.help = "vq: numbers of a code", .low = 1, .high = 1024});
  config.add(prefix + "levels", options.levels, {.help = "fsq: levels of a number", .low = 2, .high = 64});
  config.add(prefix + "numbers", options.numbers, {.help = "fsq: numbers of a code", .low = 1, .high = 16});
  config.add(prefix + "commitment", options.commitment,
             {.help = "vq: weight of the pull on the encoder", .low = 0, .high = 100});
}

template <class Options>
void network_fields(Config& config, const std::string& prefix, Options& options) {
  config.add(prefix + "width", options.width,
             {.help = "Numbers of a token within the network", .low = 4, .high = 8192});
  config.add(prefix + "layers", options.layers, {.help = "Space-time blocks", .low = 1, .high = 64});
  config.add(prefix + "heads", options.heads, {.help = "Heads of an attention", .low = 1, .high = 64});
}

}  // namespace

void GenieOptions::fields(Config& config) {
  config.add("world.frames", frames,
             {.help = "Frames that it looks back at, the new one among them", .low = 2, .high = 64});
  config.add("tokenizer.patch", tokenizer.patch,
             {.help = "Side of a token's patch", .unit = "pixels", .low = 2, .high = 64});
  network_fields(config, "tokenizer.", tokenizer);
  quantiser_fields(config, "tokenizer.", tokenizer.codes, 65536);
  config.add("actions.patch", actions.patch, {.help = "Side of a patch", .unit = "pixels", .low = 2, .high = 64});
  network_fields(config, "actions.", actions);
  quantiser_fields(config, "actions.", actions.codes, 8);
  config.add("actions.balance", actions.balance,
             {.help = "vq: weight of the loss that asks for all codes to be in use; 0: none",
              .low = 0,
              .high = 10,
              .live = true});
  config.add("actions.unrounded", actions.unrounded,
             {.help = "Updates before anything is rounded to a code", .low = 0, .high = 1e9});
  config.add("actions.patience", actions.patience,
             {.help = "vq: batches after which an idle code is put where something is", .low = 1, .high = 1e9});
  network_fields(config, "dynamics.", dynamics);
  config.add("dynamics.action", dynamics.action,
             {.help = "added to a frame's tokens (the paper), or prepended as a token of its own (jasmine)"});
}

GenieModel::GenieModel(const GenieOptions& options, const Spaces& spaces)
    : options_(options), shape_{options.frames, spaces.image_channels, spaces.image_height, spaces.image_width} {
  tokenizer_ = register_module("tokenizer", GenieTokenizer(options.tokenizer, shape_));
  latent_actions_ = register_module("latent_actions", LatentActions(options.actions, shape_));
  if (latent_actions_->codes() > 8)
    throw Error("actions.levels and actions.numbers make " + std::to_string(latent_actions_->codes()) +
                " actions, and there are keys for 8");
  dynamics_ = register_module("dynamics", MaskGit(options.dynamics, options.frames, tokenizer_->places(),
                                                  tokenizer_->codes(), latent_actions_->code_width()));
  code_use_ = register_buffer("code_use", torch::zeros({latent_actions_->codes()}));
  code_motion_ = register_buffer("code_motion", torch::zeros({latent_actions_->codes()}));
}

Carry GenieModel::initial(std::int64_t batch) {
  const auto like = torch::TensorOptions().dtype(torch::kFloat32).device(code_use_.device());
  return {{"tokens", torch::zeros({batch, options_.frames, tokenizer_->places()}, like)},
          {"actions", torch::zeros({batch, options_.frames}, like)},
          {"pictures", torch::zeros({batch, options_.frames, shape_.channels, shape_.height, shape_.width}, like)},
          {"frame", torch::zeros({batch, shape_.channels, shape_.height, shape_.width}, like)},
          {"filled", torch::zeros({batch, 1}, like)}};
}

GenieModel::Window GenieModel::open(const Carry& carry) const {
  const auto filled = carry.at("filled").squeeze(1).to(torch::kInt64);
  const auto full = filled >= options_.frames;
  return {made_room(carry.at("tokens"), full).to(torch::kInt64), made_room(carry.at("actions"), full).to(torch::kInt64),
          filled.clamp_max(options_.frames - 1)};
}

/// The vectors of actions [B, T]; nothing led to the window's first frame.
torch::Tensor GenieModel::action_values(const torch::Tensor& actions) const {
  const auto values = latent_actions_->values(actions);
  return torch::cat({torch::zeros_like(values.slice(1, 0, 1)), values.slice(1, 1)}, 1);
}

Carry GenieModel::observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator) {
  auto [tokens, actions, at] = open(carry);
  const auto full = carry.at("filled").squeeze(1) >= static_cast<double>(options_.frames);
  const auto pictures = placed(made_room(carry.at("pictures"), full), pictures_of(observation.image), at);
  tokens = tokenizer_->tokens(pictures);
  const auto inferred = torch::cat({torch::zeros_like(actions.slice(1, 0, 1)), latent_actions_->codes_of(pictures)}, 1);
  actions = placed(actions, inferred.gather(1, at.unsqueeze(1)).squeeze(1), at);
  Carry next = {{"tokens", tokens.to(torch::kFloat32)},
                {"actions", actions.to(torch::kFloat32)},
                {"pictures", pictures},
                {"filled", (at + 1).unsqueeze(1).to(torch::kFloat32)}};
  next["frame"] = last_of(tokenizer_->pictures(tokens), next);
  return next;
}

Carry GenieModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const auto [tokens, actions, at] = open(carry);
  const auto code = action.select(1, 0).round().to(torch::kInt64).clamp(0, latent_actions_->codes() - 1);
  const auto past = dynamics_->past(tokens, action_values(actions));
  const auto drawn = dynamics_->sample(latent_actions_->values(code), past, at,
                                       static_cast<std::int64_t>(value_of(knobs, maskgit_steps)),
                                       value_of(knobs, tau_tokens), std::move(rng));
  const auto window = placed(tokens, drawn.tokens, at);
  const auto full = carry.at("filled").squeeze(1) >= static_cast<double>(options_.frames);
  Carry next = {{"tokens", window.to(torch::kFloat32)},
                {"actions", placed(actions, code, at).to(torch::kFloat32)},
                {"filled", (at + 1).unsqueeze(1).to(torch::kFloat32)},
                {"confidence", drawn.confidence},
                {"step", drawn.step.to(torch::kFloat32)}};
  next["frame"] = last_of(tokenizer_->pictures(window), next);
  next["pictures"] = placed(made_room(carry.at("pictures"), full), next["frame"], at);
  return next;
}

/// The entry of window [B, T, ...] of the newest frame, [B, ...].
torch::Tensor GenieModel::last_of(const torch::Tensor& window, const Carry& carry) const {
  const auto at = (carry.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  return window.index({torch::arange(window.size(0), at.options()), at});
}

std::vector<Knob> GenieModel::knobs() const {
  return {maskgit_steps, tau_tokens};
}

ActionSpace GenieModel::actions(const Spaces&) const {
  ActionSpace space;
  const auto codes = latent_actions_->codes();
  space.axes = {"code"};
  space.low = {0};
  space.high = {static_cast<float>(codes - 1)};
  for (std::int64_t i = 0; i < codes; ++i) {
    const auto key = std::to_string(i + 1);
    space.choices.push_back("code " + key);
    space.keys.push_back({key, 0, static_cast<float>(i), "code " + key});
  }
  const auto motion = code_motion_.masked_fill(code_use_ < 0.02, 1e9);
  space.idle = {static_cast<float>(motion.argmin().item<std::int64_t>())};
  return space;
}

void GenieModel::know_codes(const torch::Tensor& use, const torch::Tensor& motion) {
  torch::NoGradGuard no_grad;
  code_use_.copy_(use), code_motion_.copy_(motion);
}

Prediction GenieModel::predict(const Carry& carry) {
  return {carry.at("frame"), {}, {}};
}

Prediction GenieModel::outcome(const Carry&) {
  return {};
}

torch::Tensor GenieModel::surprise(const Carry& seen) {
  // The newest frame against what the frames before it and the inferred action tell, all of it hidden.
  const auto at = (seen.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  const auto tokens = seen.at("tokens").to(torch::kInt64), actions = seen.at("actions").to(torch::kInt64);
  const auto truth = last_of(tokens, seen);
  const auto values = action_values(actions);
  const auto logits = dynamics_->next(torch::full_like(truth, tokenizer_->codes()), last_of(values, seen),
                                      dynamics_->past(tokens, values), at);
  return -logits.log_softmax(-1).gather(-1, truth.unsqueeze(-1)).squeeze(-1).sum(-1);
}

torch::Tensor GenieModel::features(const Carry& carry) {
  return tokenizer_->values(last_of(carry.at("tokens"), carry).to(torch::kInt64)).flatten(1);
}

std::vector<std::string> GenieModel::probe_names() const {
  return {"tokens/grid", "tokens/confidence", "tokens/order", "actions/use", "actions/motion"};
}

void GenieModel::report(const Carry& carry, ProbeSink& sink) {
  const auto columns = static_cast<int>(tokenizer_->places() / tokenizer_->rows());
  const auto codes = static_cast<float>(tokenizer_->codes() - 1);
  const auto over_frame = [&](const torch::Tensor& values, float low, float high) {
    auto map = heatmap_from(values, columns, low, high, false);
    map.picture = std::make_shared<const Image>(image_from(carry.at("frame")[0].to(torch::kCPU, torch::kFloat32)));
    return map;
  };
  if (sink.wants("tokens/grid"))
    sink.put("tokens/grid", "Tokens z", "Which of the codes stands for each patch of the frame",
             over_frame(last_of(carry.at("tokens"), carry)[0], 0, codes));
  if (carry.contains("confidence") && sink.wants("tokens/confidence"))
    sink.put("tokens/confidence", "How sure it was", "Probability of each token when MaskGIT chose it",
             over_frame(carry.at("confidence")[0], 0, 1));
  if (carry.contains("step") && sink.wants("tokens/order"))
    sink.put("tokens/order", "Order of unmasking", "The round of MaskGIT after which each token stayed",
             over_frame(carry.at("step")[0], 1, std::max(2.0f, carry.at("step")[0].max().item<float>())));
  const auto bars = [&](const torch::Tensor& values) {
    Vector made{floats(values), {}, {}, {}};
    for (std::size_t i = 1; i <= made.values.size(); ++i) made.labels.push_back("code " + std::to_string(i));
    return made;
  };
  if (sink.wants("actions/use"))
    sink.put("actions/use", "Use of the codes", "How often each was inferred from unseen pieces", bars(code_use_));
  if (sink.wants("actions/motion"))
    sink.put("actions/motion", "Change by code", "Mean |x' − x| of the pixels where each code was inferred",
             bars(code_motion_));
}

Carry GenieModel::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited; this model has no editable probe");
}

Carry GenieModel::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be randomised; this model has no editable probe");
}

}  // namespace dream
