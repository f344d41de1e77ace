#include "core/models/genie.h"

#include <algorithm>

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

}  // namespace

void GenieOptions::fields(Config& config) {
  config.add("world.frames", frames,
             {.help = "Frames that it looks back at, the new one among them", .low = 2, .high = 64});
  config.add("tokenizer.patch", tokenizer.patch,
             {.help = "Side of a token's patch", .unit = "pixels", .low = 2, .high = 64});
  network_fields(config, "tokenizer.", tokenizer);
  quantiser_fields(config, "tokenizer.", tokenizer.codes, 65536);
  latent_action_fields(config, actions);
  network_fields(config, "dynamics.", dynamics);
  config.add("dynamics.action", dynamics.action,
             {.help = "added to a frame's tokens (the paper), or prepended as a token of its own (jasmine)"});
}

GenieModel::GenieModel(const GenieOptions& options, const Spaces& spaces)
    : LatentActionModel(options.frames, spaces), options_(options) {
  tokenizer_ = register_module("tokenizer", GenieTokenizer(options.tokenizer, shape_));
  find_actions(options.actions);
  dynamics_ = register_module("dynamics", MaskGit(options.dynamics, options.frames, tokenizer_->places(),
                                                  tokenizer_->codes(), latent_actions_->code_width()));
}

Carry GenieModel::initial(std::int64_t batch) {
  auto carry = blank(batch);
  carry["tokens"] = torch::zeros({batch, options_.frames, tokenizer_->places()}, carry.at("filled").options());
  return carry;
}

Carry GenieModel::observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator) {
  const auto window = open(carry);
  const auto picture = pictures_of(observation.image);
  auto next = with_next(window, picture, code_before(window, picture));
  const auto tokens = tokenizer_->tokens(next.at("pictures"));
  next["tokens"] = tokens.to(torch::kFloat32);
  next["frame"] = newest(tokenizer_->pictures(tokens), next);
  return next;
}

Carry GenieModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const auto window = open(carry);
  const auto tokens = made_room(carry.at("tokens"), window.full).to(torch::kInt64);
  const auto code = codes_of(action);
  const auto past = dynamics_->past(tokens, action_values(window.actions));
  const auto drawn = dynamics_->sample(latent_actions_->values(code), past, window.at,
                                       static_cast<std::int64_t>(value_of(knobs, maskgit_steps)),
                                       value_of(knobs, tau_tokens), std::move(rng));
  const auto all = placed(tokens, drawn.tokens, window.at);
  const auto lane = torch::arange(all.size(0), window.at.options());
  auto next = with_next(window, tokenizer_->pictures(all).index({lane, window.at}), code);
  next["tokens"] = all.to(torch::kFloat32);
  next["confidence"] = drawn.confidence;
  next["step"] = drawn.step.to(torch::kFloat32);
  return next;
}

std::vector<Knob> GenieModel::knobs() const {
  return {maskgit_steps, tau_tokens};
}

torch::Tensor GenieModel::surprise(const Carry& seen) {
  // The newest frame against what the frames before it and the inferred action tell, all of it hidden.
  const auto at = (seen.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  const auto tokens = seen.at("tokens").to(torch::kInt64), actions = seen.at("actions").to(torch::kInt64);
  const auto truth = newest(tokens, seen);
  const auto values = action_values(actions);
  const auto logits = dynamics_->next(torch::full_like(truth, tokenizer_->codes()), newest(values, seen),
                                      dynamics_->past(tokens, values), at);
  return -logits.log_softmax(-1).gather(-1, truth.unsqueeze(-1)).squeeze(-1).sum(-1);
}

torch::Tensor GenieModel::features(const Carry& carry) {
  return tokenizer_->values(newest(carry.at("tokens"), carry).to(torch::kInt64)).flatten(1);
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
             over_frame(newest(carry.at("tokens"), carry)[0], 0, codes));
  if (carry.contains("confidence") && sink.wants("tokens/confidence"))
    sink.put("tokens/confidence", "How sure it was", "Probability of each token when MaskGIT chose it",
             over_frame(carry.at("confidence")[0], 0, 1));
  if (carry.contains("step") && sink.wants("tokens/order"))
    sink.put("tokens/order", "Order of unmasking", "The round of MaskGIT after which each token stayed",
             over_frame(carry.at("step")[0], 1, std::max(2.0f, carry.at("step")[0].max().item<float>())));
  report_codes(sink);
}

}  // namespace dream
