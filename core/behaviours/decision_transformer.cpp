#include "core/behaviours/decision_transformer.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

void DecisionTransformerOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "context", context, {.help = "Steps that it remembers, K", .unit = "steps", .low = 1, .high = 1000});
  config.add(prefix + "width", net.width, {.help = "Numbers of a token", .low = 1, .high = 8192});
  config.add(prefix + "layers", net.layers, {.help = "Blocks", .low = 1, .high = 100});
  config.add(prefix + "heads", net.heads, {.help = "Heads of the attention; they divide the width", .low = 1, .high = 128});
  config.add(prefix + "dropout", net.dropout, {.help = "Share of numbers that are left out while it learns", .low = 0, .high = 0.9});
  config.add(prefix + "longest", longest, {.help = "Steps of an episode that are told apart", .unit = "steps", .low = 1, .high = 1e6});
  config.add(prefix + "return_scale", return_scale,
             {.help = "Returns are divided by it; 0: by the largest of the data", .low = 0, .high = 1e9});
  config.add(prefix + "depth", depth, {.help = "Channels of the picture's encoder are multiples of it", .low = 1, .high = 512});
  config.add(prefix + "returns", returns,
             {.help = "It is told the return to come; without it is behaviour cloning with a memory"});
}

DecisionTransformer::DecisionTransformer(const DecisionTransformerOptions& options, const Spaces& spaces)
    : options_(options), spaces_(spaces), input_(spaces.action), sees_vector_(!spaces.vector_names.empty()) {
  const auto d = options.net.width;
  if (sees_vector_) {
    state_size_ = static_cast<std::int64_t>(spaces.vector_names.size());
  } else {
    if (spaces.image_height != 64 || spaces.image_width != 64) throw Error("its encoder takes pictures of 64 x 64 pixels");
    encoder_ = register_module("encoder", ImageEncoder(CoderOptions{.kind = Coder::same, .depth = options.depth,
                                                                     .channels = spaces.image_channels, .style = {}}));
    state_size_ = encoder_->size();
  }
  range_ = register_buffer("range", torch::tensor({0.0, 1.0, 1.0, 0.0}));
  mean_ = register_buffer("mean", torch::zeros({state_size_}));
  deviation_ = register_buffer("deviation", torch::ones({state_size_}));
  const auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
    return register_module(name, torch::nn::Linear(in, out));
  };
  of_return_ = linear("of_return", 1, d), of_state_ = linear("of_state", state_size_, d);
  of_action_ = linear("of_action", input_.size(), d), head_ = linear("head", d, input_.size());
  of_time_ = register_parameter("of_time", 0.02 * torch::randn({options.longest, d}));
  norm_ = register_module("norm", NormLayer(d, LayerStyle{.norm = Norm::layer, .eps = 1e-5}));
  net_ = register_module("net", Transformer(options.net));
}

void DecisionTransformer::know(double lowest, double highest, double usual, const torch::Tensor& mean,
                               const torch::Tensor& deviation) {
  torch::NoGradGuard no_grad;
  range_.copy_(torch::tensor({lowest, highest, usual, 1.0}));
  mean_.copy_(mean);
  deviation_.copy_(deviation.clamp_min(1e-6));
}

bool DecisionTransformer::knows() const {
  return range_[3].item<double>() > 0;
}

std::vector<Knob> DecisionTransformer::knobs() const {
  const double low = range_[0].item<double>(), high = range_[1].item<double>(), usual = range_[2].item<double>();
  const double beyond = 0.25 * std::max(high - low, 1e-6);
  return {{"return_to_go", "R", "Return that is asked for",
           "The whole episode's return that it is told to bring. Asked for much it does as the best of its data did, asked "
           "for little as the worst; beyond what the data hold, nobody knows.",
           low - beyond, high + beyond, usual}};
}

double DecisionTransformer::asked(const KnobValues& knobs) const {
  return value_of(knobs, this->knobs()[0]);
}

torch::Tensor DecisionTransformer::state_of(const Observation& observation) {
  if (sees_vector_) return observation.vector;
  return encoder_->forward(observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).sub(0.5));
}

torch::Tensor DecisionTransformer::actions_of(const Window& window, std::vector<torch::Tensor>* weights, std::optional<at::Generator> chance) {
  const auto batch = window.states.size(0), steps = window.states.size(1), d = options_.net.width;
  const double scale = options_.return_scale > 0 ? options_.return_scale
                                                 : std::max(1e-6, std::max(std::abs(range_[0].item<double>()), std::abs(range_[1].item<double>())));
  const auto time = torch::embedding(of_time_, window.times.clamp(0, options_.longest - 1));
  const auto returns = of_return_((window.returns / scale * (options_.returns ? 1.0 : 0.0)).unsqueeze(-1)) + time;
  const auto states = of_state_((window.states - mean_) / deviation_) + time;
  const auto actions = of_action_(input_(window.actions)) + time;
  // R_1, s_1, a_1, R_2, s_2, …: stacked, then laid in a row.
  const auto tokens = norm_(torch::stack({returns, states, actions}, 2).reshape({batch, 3 * steps, d}));
  const auto present = window.present.repeat_interleave(3, 1);
  const auto out = net_->forward(tokens, present, weights, std::move(chance)).view({batch, steps, 3, d});
  const auto said = head_(out.select(2, 1)).to(torch::kFloat32);  // after the state
  return spaces_.action.discrete() ? said : said.tanh();
}

torch::Tensor DecisionTransformer::loss(const Window& window, std::optional<at::Generator> chance) {
  const auto said = actions_of(window, nullptr, std::move(chance));
  const auto there = window.present;
  const auto done = input_(window.actions);
  const auto each = spaces_.action.discrete() ? -(done * said.log_softmax(-1)).sum(-1) : (said - done).square().mean(-1);
  return (each * there).sum() / there.sum().clamp_min(1);
}

torch::Tensor DecisionTransformer::to_environment(const torch::Tensor& said) const {
  if (spaces_.action.discrete()) return said.argmax(-1, true).to(torch::kFloat32);
  const auto low = torch::tensor(spaces_.action.low, said.options()), high = torch::tensor(spaces_.action.high, said.options());
  return low + (said + 1) * 0.5 * (high - low);
}

Carry DecisionTransformer::initial(std::int64_t lanes) const {
  const auto width = 2 + state_size_ + static_cast<std::int64_t>(spaces_.action.size());
  return {{"rows", torch::zeros({lanes, options_.context, width})},
          {"filled", torch::zeros({lanes, 1})},
          {"earned", torch::zeros({lanes, 1})},
          {"step", torch::zeros({lanes, 1})}};
}

/// The window with the present step as its last; its action is not known yet.
DecisionTransformer::Window DecisionTransformer::window_of(const Seen& seen, const Carry& memory, Carry* next) {
  const auto device = mean_.device();
  const auto state = state_of(seen.observation).to(device);
  const auto rows = memory.at("rows").to(device), step = memory.at("step").to(device);
  auto earned = memory.at("earned").to(device);
  if (seen.last_reward.defined()) earned = earned + seen.last_reward.to(device).unsqueeze(1) * (step > 0);
  const auto size = static_cast<std::int64_t>(spaces_.action.size());
  const auto now = torch::cat({asked(seen.knobs) - earned, step, state, torch::zeros({state.size(0), size}, state.options())}, 1);
  const auto window = torch::cat({rows.slice(1, 1), now.unsqueeze(1)}, 1);
  const auto filled = (memory.at("filled").to(device) + 1).clamp_max(static_cast<double>(options_.context));
  const auto index = torch::arange(options_.context, filled.options());
  if (next) *next = {{"rows", window}, {"filled", filled}, {"earned", earned}, {"step", step + 1}};
  return {window.select(2, 0), window.slice(2, 2, 2 + state_size_), window.slice(2, 2 + state_size_),
          window.select(2, 1).to(torch::kInt64),
          (index.unsqueeze(0) >= static_cast<double>(options_.context) - filled).to(torch::kFloat32)};
}

Decision DecisionTransformer::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  torch::NoGradGuard no_grad;
  if (!seen.observation.vector.defined() && !seen.observation.image.defined())
    throw Error("it decides by what the world shows; there is no model to dream in");
  Decision decision;
  const auto window = window_of(seen, memory, &decision.memory);
  const auto said = actions_of(window).select(1, options_.context - 1);
  decision.action = to_environment(said);
  if (mode == Mode::collect && spaces_.action.discrete())
    decision.action = torch::multinomial(said.softmax(-1), 1, true, rng).to(torch::kFloat32);
  auto& rows = decision.memory.at("rows");
  rows = torch::cat({rows.slice(2, 0, 2 + state_size_),
                     torch::cat({rows.slice(1, 0, options_.context - 1).slice(2, 2 + state_size_), decision.action.unsqueeze(1)}, 1)}, 2);
  for (auto& [name, tensor] : decision.memory) tensor = tensor.to(torch::kCPU);
  return decision;
}

void DecisionTransformer::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator) {
  if (!sink.wants("attention/heads") && !sink.wants("policy/action")) return;
  if (!seen.observation.vector.defined() && !seen.observation.image.defined()) return;
  torch::NoGradGuard no_grad;
  const auto one = [](const torch::Tensor& x) { return x.defined() ? x.slice(0, 0, 1) : x; };
  const Seen lane{nullptr, {}, {one(seen.observation.image), one(seen.observation.vector)}, one(seen.last_reward), seen.knobs};
  const auto window = window_of(lane, select_lane(memory, 0), nullptr);
  std::vector<torch::Tensor> weights;
  const auto said = actions_of(window, &weights)[0][options_.context - 1];
  if (sink.wants("policy/action")) {
    Vector value;
    value.values = floats(spaces_.action.discrete() ? said.softmax(-1) : said);
    value.labels = spaces_.action.discrete() ? spaces_.action.choices : spaces_.action.axes;
    sink.put("policy/action", "What it does", "Under the return that is asked for: each axis in [-1, 1], or how likely each choice is",
             std::move(value));
  }
  if (!sink.wants("attention/heads")) return;
  // The steps that there are, at most the last eight: 24 tokens.
  const auto shown = std::min<std::int64_t>(8, static_cast<std::int64_t>(window.present.sum().item<double>()));
  const auto tokens = 3 * shown, from = 3 * options_.context - tokens;
  Attention value;
  value.layers = static_cast<int>(weights.size()), value.heads = static_cast<int>(options_.net.heads);
  value.queries = value.keys = static_cast<int>(tokens);
  for (const auto& layer : weights) {
    const auto part = floats(layer[0].slice(1, from).slice(2, from));
    value.weights.insert(value.weights.end(), part.begin(), part.end());
  }
  for (std::int64_t t = 0; t < shown; ++t) {
    const auto ago = shown - 1 - t;
    const auto when = ago == 0 ? std::string(" now") : " −" + std::to_string(ago);
    for (const char* token : {"R", "s", "a"}) {
      value.key_labels.push_back(token + when);
      value.key_ages.push_back(static_cast<int>(ago));
    }
  }
  value.query_labels = value.key_labels;
  sink.put("attention/heads", "Attention",
           "From which token (down) to which (right) it looks: the return to come R, the state s and the action a of the last steps",
           std::move(value));
}

}  // namespace dream
