#include "core/models/muzero_model.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

const std::string state_probe = "latent/s";

LayerStyle plain() {
  return {.act = Act::elu, .norm = Norm::none, .init = Init::fan_in};
}

/// Each state's numbers into [0, 1], so that no layer can make the next one's input grow (appendix G).
torch::Tensor scaled(const torch::Tensor& x) {
  const auto low = x.amin(-1, true), range = x.amax(-1, true) - low;
  return (x - low) / (range + (range < 1e-5).to(range.scalar_type()) * 1e-5);
}

}  // namespace

void MuzeroOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "observe", observe, {.help = "What it sees: auto is the vector where there is one, else the picture"});
  config.add(prefix + "state", state, {.help = "Numbers of a state", .low = 1, .high = 8192});
  config.add(prefix + "layers", layers, {.help = "Hidden layers of each network", .low = 0, .high = 10});
  config.add(prefix + "units", units, {.help = "Units of each", .low = 1, .high = 8192});
  config.add(prefix + "depth", depth, {.help = "Channels of the picture's encoder are multiples of it", .low = 1, .high = 512});
  config.add(prefix + "support", support,
             {.help = "Rewards are told apart from −support to support after h", .low = 1, .high = 300});
  config.add(prefix + "ends", ends,
             {.help = "The end of an episode is predicted, and nothing after it counts in a search (published: false; "
                      "there what comes after an end is absorbing)"});
  view.fields(config, "view.");
}

MuzeroModel::MuzeroModel(const MuzeroOptions& options, const Spaces& spaces)
    : options_(options), input_(spaces.action), support_(options.support) {
  sees_vector_ = options.observe == MuzeroSees::vector ||
                 (options.observe == MuzeroSees::automatic && !spaces.vector_names.empty());
  if (sees_vector_ && spaces.vector_names.empty()) throw Error("world.observe = vector: this world shows no vector");
  if (!sees_vector_ && spaces.image_bytes() == 0) throw Error("world.observe = image: this world shows no picture");
  auto inputs = static_cast<std::int64_t>(spaces.vector_names.size());
  if (!sees_vector_) {
    encoder_ = register_module("encoder", ImageEncoder(CoderOptions{.kind = Coder::same, .depth = options.depth,
                                                                     .channels = spaces.image_channels, .style = plain()}));
    inputs = encoder_->size();
  }
  const auto make = [&](const char* name, std::int64_t in, std::int64_t out, double scale = 1) {
    return register_module(name, Mlp(in, options.layers, options.units, plain(), out, scale));
  };
  represent_ = make("represent", inputs, options.state);
  dynamics_ = make("dynamics", options.state + input_.size(), options.state);
  reward_ = make("reward", options.state + input_.size(), support_.bins(), 0);
  if (options.ends) end_ = make("end", options.state + input_.size(), 1, 0);
  if (options.view.on && spaces.image_bytes() > 0)
    viewer_ = register_module("viewer", ViewingDecoder(options.state, spaces, options.view.depth));
}

std::vector<torch::Tensor> MuzeroModel::learned() const {
  std::vector<torch::Tensor> all;
  for (const auto& item : named_parameters())
    if (!item.key().starts_with("viewer.")) all.push_back(item.value());
  return all;
}

torch::Tensor MuzeroModel::represent(const Observation& observation) {
  if (sees_vector_) return scaled(represent_->forward(observation.vector));
  const auto picture = observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).sub(0.5);
  return scaled(represent_->forward(encoder_->forward(picture)));
}

MuzeroModel::Step MuzeroModel::step(const torch::Tensor& state, const torch::Tensor& action) {
  const auto input = torch::cat({state, input_(action)}, -1);
  Step step{scaled(dynamics_->forward(input)), reward_->forward(input), {}};
  if (!end_.is_empty()) step.end = end_->forward(input).squeeze(-1);
  return step;
}

Carry MuzeroModel::initial(std::int64_t batch) {
  const auto like = dynamics_->parameters().front().options().requires_grad(false);
  return {{"s", torch::zeros({batch, options_.state}, like)},
          {"reward", torch::zeros({batch}, like)},
          {"done", torch::zeros({batch}, like)}};
}

Carry MuzeroModel::observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator) {
  const auto& like = carry.at("reward");
  return {{"s", represent(observation)}, {"reward", torch::zeros_like(like)}, {"done", torch::zeros_like(like)}};
}

Carry MuzeroModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  const auto next = step(carry.at("s"), action);
  return {{"s", next.state},
          {"reward", support_.mean(next.reward)},
          {"done", next.end.defined() ? next.end.sigmoid() : torch::zeros_like(carry.at("done"))}};
}

Prediction MuzeroModel::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  if (!viewer_.is_empty()) prediction.frame = viewer_->forward(carry.at("s"));
  return prediction;
}

Prediction MuzeroModel::outcome(const Carry& carry) {
  return {{}, carry.at("reward"), end_.is_empty() ? torch::Tensor{} : carry.at("done")};
}

void MuzeroModel::report(const Carry& carry, ProbeSink& sink) {
  if (!sink.wants(state_probe)) return;
  const auto state = carry.at("s")[0];
  sink.put(state_probe, "State s", "What the search knows of this moment, scaled to [0, 1]",
           heatmap_from(state, columns_for(state.numel()), 0, 1, false), true);
}

Carry MuzeroModel::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != state_probe) throw Error("'" + probe + "' cannot be edited");
  if (index < 0 || index >= options_.state) throw Error("'" + probe + "' has no element " + std::to_string(index));
  auto edited = carry;
  edited["s"] = carry.at("s").index_fill(1, torch::tensor({index}, carry.at("s").options().dtype(torch::kInt64)), value);
  return edited;
}

Carry MuzeroModel::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != state_probe) throw Error("'" + probe + "' cannot be drawn anew");
  auto drawn = carry;
  drawn["s"] = scaled(torch::randn(carry.at("s").sizes(), rng, carry.at("s").options()));
  return drawn;
}

}  // namespace dream
