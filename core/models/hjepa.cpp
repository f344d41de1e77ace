#include "core/models/hjepa.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr LayerStyle slow_style{Act::relu, Norm::none, 1e-5, true, Init::fan_in};

}  // namespace

void SlowLevelOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "latent", latent, {.help = "Numbers of w, the slower embedding", .low = 2, .high = 4096});
  config.add(prefix + "units", units, {.help = "Width of the upper level's layers", .low = 1, .high = 8192});
  config.add(prefix + "stride", stride,
             {.help = "Steps that the upper level foretells at once", .unit = "steps", .low = 2, .high = 100});
  const auto weight = [&](const char* name, double& value, const char* help) {
    config.add(prefix + name, value, {.help = help, .low = 0, .high = 1000, .live = true});
  };
  weight("variance", variance, "Weight of what a number's deviation lacks of 1");
  weight("covariance", covariance, "Weight of the mean squared covariance of two numbers");
  weight("slowness", slowness, "Weight of how far w moves in a step");
  weight("inverse", inverse, "Weight of the mean action that is told from w and w a stride later");
  view.fields(config, prefix + "view.");
}

SlowLevel::SlowLevel(std::int64_t below, const SlowLevelOptions& options, const Spaces& spaces)
    : options_(options), action_input_(spaces.action) {
  const auto e = options.latent, a = action_input_.size();
  embed_ = register_module("embed", Mlp(below, 2, options.units, slow_style, e));
  change_ = register_module("change", Mlp(e + a, 2, options.units, slow_style, e));
  inverse_ = register_module("inverse", Mlp(2 * e, 2, options.units, slow_style, a));
  if (options.view.on) viewer_ = register_module("viewer", ViewingDecoder(e, spaces, options.view.depth));
}

std::vector<torch::Tensor> SlowLevel::learned() const {
  std::vector<torch::Tensor> all;
  for (const auto& p : named_parameters())
    if (!p.key().starts_with("viewer")) all.push_back(p.value());
  return all;
}

SlowLevel::Loss SlowLevel::loss(const torch::Tensor& z, const torch::Tensor& action, const torch::Tensor& first,
                                const SlowLevelOptions& options) {
  const auto stride = options_.stride, count = z.size(0) - stride;
  const auto w = embed(z.detach());
  // Windows of a stride: [count, B, A or nothing, stride].
  const auto mean = action.unfold(0, stride, 1).mean(-1);
  const auto within = 1 - first.slice(0, 1).unfold(0, stride, 1).amax(-1);
  const auto from = w.slice(0, 0, count), to = w.slice(0, stride);
  const auto mean_where = [](const torch::Tensor& rows, const torch::Tensor& counts) {
    return (rows * counts).sum() / counts.sum().clamp_min(1);
  };
  Loss made;
  const auto add = [&](const char* name, double weight, const torch::Tensor& term) {
    made.total = made.total.defined() ? made.total + weight * term : weight * term;
    made.terms.emplace_back(name, term.detach());
  };
  const auto expected = next(from, mean);
  auto missed = mean_where((expected - to).square().mean(-1), within);
  if (count > stride) {  // and two strides on
    const auto twice = next(expected.slice(0, 0, count - stride), mean.slice(0, stride));
    missed = missed + mean_where((twice - to.slice(0, stride)).square().mean(-1),
                                 within.slice(0, 0, count - stride) * within.slice(0, stride));
  }
  add("prediction", 1, missed);
  const auto rows = w.flatten(0, 1);
  add("variance", options.variance, variance_hinge(rows));
  add("covariance", options.covariance, covariance_off_diagonal(rows));
  add("slowness", options.slowness,
      mean_where((w.slice(0, 1) - w.slice(0, 0, -1)).square().mean(-1), 1 - first.slice(0, 1)));
  add("inverse", options.inverse, mean_where((inverse_(torch::cat({from, to}, -1)) - mean).square().mean(-1), within));
  made.w = w.detach();
  return made;
}

Carry SlowLevel::initial(std::int64_t batch) {
  const auto like = parameters().front().options().requires_grad(false);
  return {{"w", torch::zeros({batch, options_.latent}, like)},
          {"goal", torch::zeros({batch, options_.latent}, like)},
          {"aimed", torch::zeros({batch, 1}, like)}};
}

Carry SlowLevel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  Carry later = carry;
  later["w"] = next(carry.at("w"), action_input_(action));
  return later;
}

Prediction SlowLevel::predict(const Carry& carry) {
  auto said = outcome(carry);
  if (viewer_) said.frame = viewer_(carry.at("w"));
  return said;
}

Carry SlowLevel::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited: the upper level follows the lower one");
}
Carry SlowLevel::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be drawn anew: the upper level follows the lower one");
}

// -- both levels ------------------------------------------------------------------------------------------------------

Hjepa::Hjepa(const JepaOptions& options, const SlowLevelOptions& slow, const Spaces& spaces) : Jepa(options, spaces) {
  slow_ = register_module("slow", std::make_shared<SlowLevel>(options.latent, slow, spaces));
}

std::vector<torch::Tensor> Hjepa::learned() const {
  std::vector<torch::Tensor> all;
  for (const auto& p : named_parameters())
    if (!p.key().starts_with("slow") && !p.key().starts_with("viewer")) all.push_back(p.value());
  return all;
}

Carry Hjepa::initial(std::int64_t batch) {
  auto carry = Jepa::initial(batch);
  const auto like = carry.at("z").options();
  carry["subgoal"] = torch::zeros({batch, slow_->options().latent}, like);
  carry["led"] = torch::zeros({batch, 1}, like);
  return carry;
}

Carry Hjepa::above(const Carry& carry) {
  return {{"w", slow_->embed(carry.at("z"))}, {"goal", slow_->embed(carry.at("goal"))}, {"aimed", carry.at("aimed")}};
}

Prediction Hjepa::outcome(const Carry& carry) {
  const auto led = carry.at("led").squeeze(-1);
  const auto to_subgoal = (slow_->embed(carry.at("z")) - carry.at("subgoal")).square().mean(-1);
  Prediction said;
  said.reward = -(led * to_subgoal + (1 - led) * distance(carry));
  return said;
}

std::vector<std::string> Hjepa::probe_names() const {
  auto names = Jepa::probe_names();
  names.emplace_back("latent/w");
  return names;
}

void Hjepa::report(const Carry& carry, ProbeSink& sink) {
  Jepa::report(carry, sink);
  if (!sink.wants("latent/w")) return;
  Vector bars;
  bars.values = floats(slow_->embed(carry.at("z"))[0]);
  sink.put("latent/w", "Slow latent w",
           "w = g(z): what the upper level knows of it, which moves less from step to step", std::move(bars));
}

}  // namespace dream
