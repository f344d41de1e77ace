#include "core/models/one_step_model.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

const std::string x_probe = "latent/x";
constexpr double most_fits = 200;  // batches after which the scale stands: what was learned in it must not move

}  // namespace

void OneStepOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "layers", layers, {.help = "Hidden layers of the model", .low = 1, .high = 10});
  config.add(prefix + "units", units, {.help = "Units of each", .low = 1, .high = 8192});
  view.fields(config, "view.");
}

OneStepModel::OneStepModel(const OneStepOptions& options, const Spaces& spaces)
    : states_(spaces.states > 0),
      size_(states_ ? spaces.states : static_cast<std::int64_t>(spaces.vector_names.size())),
      names_(spaces.vector_names),
      input_(spaces.action) {
  if (spaces.vector_names.empty()) throw Error("a one-step model needs a world that shows its state as numbers");
  mean_ = register_buffer("mean", torch::zeros({size_}));
  deviation_ = register_buffer("deviation", torch::ones({size_}));
  seen_ = register_buffer("seen", torch::zeros({1}));
  const LayerStyle style{.act = Act::silu, .norm = Norm::layer};
  trunk_ = register_module("trunk", Mlp(size_ + input_.size(), options.layers, options.units, style));
  const auto head = [&](const char* name, std::int64_t out) {
    return register_module(name, make_output(options.units, out, Init::fan_in, states_ && out > 1 ? 1 : 0.1));
  };
  next_ = head("next", size_), reward_ = head("reward", 1), done_ = head("done", 1);
  if (options.view.on && spaces.image_bytes() > 0)
    viewer_ = register_module("viewer", ViewingDecoder(size_, spaces, options.view.depth));
}

std::vector<torch::Tensor> OneStepModel::learned() const {
  std::vector<torch::Tensor> all;
  for (const auto& item : named_parameters())
    if (!item.key().starts_with("viewer.")) all.push_back(item.value());
  return all;
}

void OneStepModel::fit_scale(const torch::Tensor& vectors) {
  if (states_ || seen_.item<double>() >= most_fits) return;
  torch::NoGradGuard no_grad;
  const double share = 1 / (seen_.item<double>() + 1);
  const auto mean = vectors.mean(0), deviation = vectors.std(0, false).clamp_min(1e-3);
  mean_.add_((mean - mean_) * share);
  deviation_.add_((deviation - deviation_) * share);
  seen_.add_(1);
}

torch::Tensor OneStepModel::input_of(const torch::Tensor& vector) const {
  if (!states_) return (vector - mean_) / deviation_;
  const auto index = vector.select(-1, 0).round().to(torch::kInt64).clamp(0, size_ - 1);
  return torch::one_hot(index, size_).to(torch::kFloat32);
}

OneStepModel::Heads OneStepModel::heads(const torch::Tensor& x, const torch::Tensor& action) {
  const auto hidden = trunk_->forward(torch::cat({x, input_(action)}, -1));
  return {next_->forward(hidden), reward_->forward(hidden).squeeze(-1), done_->forward(hidden).squeeze(-1)};
}

OneStepModel::Loss OneStepModel::loss(const torch::Tensor& x, const torch::Tensor& action, const torch::Tensor& after,
                                      const torch::Tensor& reward, const torch::Tensor& done, const torch::Tensor& counts) {
  const auto said = heads(x, action);
  const auto each = states_ ? -(after * said.next.log_softmax(-1)).sum(-1) : (x + said.next - after).square().mean(-1);
  // Where an episode ended, the state after it is seen as well.
  const auto all = counts.sum().clamp_min(1);
  return {(each * counts).sum() / all, ((said.reward - reward).square() * counts).sum() / all,
          (torch::binary_cross_entropy_with_logits(said.done, done, {}, {}, at::Reduction::None) * counts).sum() / all};
}

Carry OneStepModel::initial(std::int64_t batch) {
  const auto like = mean_.options();
  return {{"x", torch::zeros({batch, size_}, like)}, {"reward", torch::zeros({batch}, like)}, {"done", torch::zeros({batch}, like)}};
}

Carry OneStepModel::observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator) {
  const auto none = torch::zeros_like(carry.at("reward"));
  return {{"x", input_of(observation.vector)}, {"reward", none}, {"done", none}};
}

Carry OneStepModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  const auto& x = carry.at("x");
  const auto said = heads(x, action);
  const auto next = states_ ? torch::one_hot(said.next.argmax(-1), size_).to(torch::kFloat32) : x + said.next;
  return {{"x", next}, {"reward", said.reward}, {"done", said.done.sigmoid()}};
}

Prediction OneStepModel::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  if (!viewer_.is_empty()) prediction.frame = viewer_->forward(carry.at("x"));
  return prediction;
}

void OneStepModel::report(const Carry& carry, ProbeSink& sink) {
  if (!sink.wants(x_probe)) return;
  const auto x = carry.at("x")[0];
  if (states_) {
    sink.put(x_probe, "State", "Which state the model takes this for", heatmap_from(x, columns_for(size_), 0, 1, false));
    return;
  }
  Vector value;
  value.values = floats(x);
  if (names_.size() <= 16) value.labels = names_;
  sink.put(x_probe, "State x", "The world's numbers as the model has them, scaled to deviation 1", std::move(value), true);
}

Carry OneStepModel::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != x_probe || states_) throw Error("'" + probe + "' cannot be edited");
  if (index < 0 || index >= size_) throw Error("'" + probe + "' has no element " + std::to_string(index));
  auto edited = carry;
  edited["x"] = carry.at("x").index_fill(1, torch::tensor({index}, carry.at("x").options().dtype(torch::kInt64)), value);
  return edited;
}

Carry OneStepModel::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != x_probe || states_) throw Error("'" + probe + "' cannot be drawn anew");
  auto drawn = carry;
  drawn["x"] = torch::randn(carry.at("x").sizes(), rng, carry.at("x").options());
  return drawn;
}

}  // namespace dream
