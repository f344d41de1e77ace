#include "tests/window_family/window_model.h"

#include <cmath>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream::test {
namespace {

constexpr double noise = 0.05;  // deviation of an imagined token

const Knob tau{"tau", "τ",   "τ of the token", "Scales the noise of an imagined token by √τ.", 0.05, 2, 1,
               false, false, temperature};

}  // namespace

void WindowOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "tokens", tokens, {.help = "Frames that it attends to", .low = 1, .high = 64});
  config.add(prefix + "width", width, {.help = "Numbers of a token", .low = 2, .high = 1024});
  config.add(prefix + "units", units, {.help = "Units of a hidden layer", .low = 2, .high = 1024});
}

WindowModel::WindowModel(const WindowOptions& options, const Spaces& spaces)
    : options_(options), action_input_(spaces.action) {
  const LayerStyle style;
  const auto seen = static_cast<std::int64_t>(spaces.vector_names.size()), width = options.width, units = options.units;
  encoder_ = register_module("encoder", Mlp(seen + action_input_.size(), 1, units, style, width));
  query_ = register_module("query", Dense(width, width, style));
  key_ = register_module("key", Dense(width, width, style));
  next_ = register_module("next", Mlp(2 * width + action_input_.size(), 1, units, style, width));
  decoder_ = register_module("decoder", Mlp(width, 1, units, style, seen));
  reward_ = register_module("reward", Mlp(2 * width, 1, units, style, 1));
  done_ = register_module("done", Mlp(2 * width, 1, units, style, 1));
}

Carry WindowModel::initial(std::int64_t batch) {
  const auto like = parameters().front().options().requires_grad(false);
  return {{"window", torch::zeros({batch, options_.tokens, options_.width}, like)},
          {"filled", torch::zeros({batch, 1}, like)}};
}

Carry WindowModel::with(const Carry& carry, const torch::Tensor& token) const {
  const auto window = torch::cat({carry.at("window").slice(1, 1), token.unsqueeze(1)}, 1);
  return {{"window", window}, {"filled", (carry.at("filled") + 1).clamp_max(static_cast<double>(options_.tokens))}};
}

torch::Tensor WindowModel::weights(const Carry& carry) {
  const auto& window = carry.at("window");
  const auto scores = (key_(window) * query_(token_of(carry)).unsqueeze(1)).sum(-1) / std::sqrt(options_.width);
  const auto age = torch::arange(options_.tokens - 1, -1, -1, window.options().requires_grad(false));
  return torch::softmax(scores.masked_fill(age >= carry.at("filled").clamp_min(1), -1e9), -1);
}

torch::Tensor WindowModel::features(const Carry& carry) {
  const auto attended = (weights(carry).unsqueeze(-1) * carry.at("window")).sum(1);
  return torch::cat({token_of(carry), attended}, -1);
}

Carry WindowModel::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                           at::Generator) {
  const auto began = (carry.at("filled") > 0).to(torch::kFloat32);
  return with(carry, encoder_(torch::cat({observation.vector, action_input_(previous_action) * began}, -1)));
}

torch::Tensor WindowModel::next(const Carry& carry, const torch::Tensor& action) {
  return next_(torch::cat({features(carry), action_input_(action)}, -1));
}

Carry WindowModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs,
                           at::Generator rng) {
  const auto mean = next(carry, action);
  const auto drawn = torch::randn(mean.sizes(), rng, mean.options().requires_grad(false));
  return with(carry, mean + noise * std::sqrt(value_of(knobs, tau)) * drawn);
}

Prediction WindowModel::outcome(const Carry& carry) {
  const auto x = features(carry);
  return {{}, reward_(x).squeeze(-1), torch::sigmoid(done_(x).squeeze(-1))};
}

std::vector<Knob> WindowModel::knobs() const {
  return {tau};
}

void WindowModel::report(const Carry& carry, ProbeSink& sink) {
  if (!sink.wants("window/attention")) return;
  sink.put("window/attention", "Attention", "How much each token of the window counts, oldest first",
           heatmap_from(weights(carry)[0], static_cast<int>(options_.tokens), 0, 1, false));
}

Carry WindowModel::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited; this model has no editable probe");
}

Carry WindowModel::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be randomised; this model has no editable probe");
}

}  // namespace dream::test
