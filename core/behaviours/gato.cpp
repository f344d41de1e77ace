#include "core/behaviours/gato.h"

#include <algorithm>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_shown = 40;  // tokens of the attention that fit a picture

std::vector<std::string> checked_worlds(const std::string& list, const std::string& world) {
  auto worlds = gato_worlds(list);
  if (std::ranges::find(worlds, world) == worlds.end())
    throw Error(world + " is none of its worlds, which are " + list + "; policy.worlds names them before it learns");
  return worlds;
}

}  // namespace

void GatoOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "worlds", worlds, {.help = "Worlds that it learns to act in, separated by ':'; each has its lines of text"});
  config.add(prefix + "context", network.context, {.help = "Steps that it remembers", .unit = "steps", .low = 1, .high = 1000});
  config.add(prefix + "width", network.net.width, {.help = "Numbers of a token", .low = 1, .high = 8192});
  config.add(prefix + "layers", network.net.layers, {.help = "Blocks", .low = 1, .high = 100});
  config.add(prefix + "heads", network.net.heads, {.help = "Heads of the attention; they divide the width", .low = 1, .high = 128});
  config.add(prefix + "dropout", network.net.dropout, {.help = "Share of numbers that are left out while it learns", .low = 0, .high = 0.9});
  config.add(prefix + "channels", network.channels, {.help = "Channels of the pictures' residual block, a multiple of 4", .low = 4, .high = 1024});
  config.add(prefix + "recalls_actions", network.recalls_actions,
             {.help = "It is told what it did at the steps that it remembers, not only what it saw (published); who is told tends to "
                      "repeat it"});
  config.add(prefix + "bins", bins, {.help = "Tokens for numbers", .low = 2, .high = 65536});
}

Gato::Gato(const GatoOptions& options, const std::string& world, const Spaces& spaces)
    : options_(options),
      worlds_(checked_worlds(options.worlds, world)),
      lines_(gato_lines(worlds_)),
      vocabulary_(options.bins, lines_),
      tokens_(world, spaces, vocabulary_),
      spaces_(spaces),
      world_(world),
      network_(register_module("network", GatoNetwork(options.network, vocabulary_))) {}

Carry Gato::initial(std::int64_t lanes) const {
  const auto steps = options_.network.context;
  return {{"seen", torch::zeros({lanes, steps, tokens_.seen(), options_.network.net.width})},
          {"done", torch::zeros({lanes, steps, tokens_.done()})},
          {"filled", torch::zeros({lanes, 1})}};
}

std::vector<Knob> Gato::knobs() const {
  // The first is what a world asks for by itself, so that a world which is entered does not inherit another's.
  Knob knob{"instruction", "text", "Instruction",
            "The line of text that it is told before all that it sees. Another world's makes it do what nobody there has shown "
            "it; one that asks for something else makes it do that.",
            0, static_cast<double>(lines_.size()), 0};
  knob.choices = {"as the world asks"};
  for (const auto& line : lines_) knob.choices.push_back(line.text);
  return {knob};
}

const GatoLine& Gato::line(const KnobValues& knobs) const {
  const auto chosen = static_cast<std::size_t>(value_of(knobs, this->knobs()[0]));
  if (chosen > 0 && chosen <= lines_.size()) return lines_[chosen - 1];
  return *std::ranges::find(lines_, world_, &GatoLine::world);
}

GatoNetworkImpl::Window Gato::window_of(const Seen& seen, const Carry& memory) {
  const auto device = network_->parameters().front().device();
  const auto here = [&](const torch::Tensor& x) { return x.defined() ? x.to(device) : x; };
  const auto now = network_->see(tokens_, here(seen.observation.image), here(seen.observation.vector));
  const auto done = here(memory.at("done")).to(torch::kInt64);
  const auto filled = (here(memory.at("filled")) + 1).clamp_max(static_cast<double>(options_.network.context));
  const auto place = torch::arange(options_.network.context, filled.options());
  return {here(vocabulary_.line(line(seen.knobs).text)),
          torch::cat({here(memory.at("seen")).slice(1, 1), now.unsqueeze(1)}, 1),
          torch::cat({done.slice(1, 1), torch::zeros_like(done.slice(1, 0, 1))}, 1),
          (place.unsqueeze(0) >= static_cast<double>(options_.network.context) - filled).to(torch::kFloat32)};
}

torch::Tensor Gato::act(GatoNetworkImpl::Window& window, at::Generator rng) {
  const auto first = tokens_.first_action();
  std::vector<torch::Tensor> all;
  for (std::int64_t axis = 0; axis < tokens_.done(); ++axis) {
    const auto said = network_->forward(window).select(1, -1).select(1, axis).slice(1, first, first + tokens_.action_count());
    const auto token = rng.defined() ? torch::multinomial(said.softmax(-1), 1, true, rng).squeeze(1) : said.argmax(-1);
    window.actions.select(1, -1).select(1, axis).copy_(token + first);
    all.push_back(said);
  }
  return torch::stack(all, 1);
}

Decision Gato::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  torch::NoGradGuard no_grad;
  if (!seen.observation.vector.defined() && !seen.observation.image.defined())
    throw Error("it decides by what the world shows; there is no model to dream in");
  auto window = window_of(seen, memory);
  act(window, mode == Mode::collect ? rng : at::Generator());
  return {tokens_.to_action(window.actions.select(1, -1)),
          {{"seen", window.seen.to(torch::kCPU)},
           {"done", window.actions.to(torch::kCPU, torch::kFloat32)},
           {"filled", window.present.sum(1, true).to(torch::kCPU)}}};
}

void Gato::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator) {
  if (!sink.wants("attention/heads") && !sink.wants("policy/action")) return;
  if (!seen.observation.vector.defined() && !seen.observation.image.defined()) return;
  torch::NoGradGuard no_grad;
  const auto one = [](const torch::Tensor& x) { return x.defined() ? x.slice(0, 0, 1) : x; };
  auto window = window_of({nullptr, {}, {one(seen.observation.image), one(seen.observation.vector)}, {}, seen.knobs}, select_lane(memory, 0));
  const auto said = act(window, {})[0];
  std::vector<torch::Tensor> weights;
  if (sink.wants("attention/heads")) network_->forward(window, &weights);
  const auto& text = line(seen.knobs).text;
  if (sink.wants("policy/action")) {
    Vector value;
    const auto& action = spaces_.action;
    value.values = floats(action.discrete() ? said[0].softmax(-1) : from_bins(window.actions[0][-1], options_.bins));
    value.labels = action.discrete() ? action.choices : action.axes;
    sink.put("policy/action", "What it does", "Told to “" + text + "”: each axis in [-1, 1], or how likely each choice is", std::move(value));
  }
  if (!weights.empty())
    sink.put("attention/heads", "Attention",
             "From which token (down) to which (right) it looks: the words that it is told, what was seen, the separator |, what was done",
             attention_of(window, weights, text));
}

Attention Gato::attention_of(const GatoNetworkImpl::Window& window, const std::vector<torch::Tensor>& weights, const std::string& text) const {
  const auto words = window.line.size(0), each = tokens_.seen() + 1 + tokens_.done();
  const auto there = static_cast<std::int64_t>(window.present.sum().item<double>());
  const auto shown = std::clamp<std::int64_t>((most_shown - words - 1) / each, 1, there);
  const auto from = words + each * (options_.network.context - shown);
  Attention value;
  std::vector<int> ages;
  value.layers = static_cast<int>(weights.size()), value.heads = static_cast<int>(options_.network.net.heads);
  for (std::int64_t t = shown - 1; t >= 0; --t) {
    const auto when = t == 0 ? std::string(" now") : " −" + std::to_string(t);
    for (const auto& name : tokens_.seen_names()) value.query_labels.push_back(name + when);
    value.query_labels.push_back("|" + when);
    for (const auto& axis : spaces_.action.axes) value.query_labels.push_back(axis + when);
    ages.resize(value.query_labels.size(), static_cast<int>(t));
  }
  value.key_labels = words_of(text);
  if (there > shown) value.key_labels.push_back("earlier");
  value.key_ages.assign(value.key_labels.size(), -1);
  value.key_ages.insert(value.key_ages.end(), ages.begin(), ages.end());
  value.key_labels.insert(value.key_labels.end(), value.query_labels.begin(), value.query_labels.end());
  value.queries = static_cast<int>(value.query_labels.size()), value.keys = static_cast<int>(value.key_labels.size());
  for (const auto& layer : weights) {
    const auto rows = layer[0].slice(1, from);
    const auto earlier = there > shown ? rows.slice(2, words, from).sum(2, true) : rows.slice(2, 0, 0);
    const auto part = floats(torch::cat({rows.slice(2, 0, words), earlier, rows.slice(2, from)}, 2));
    value.weights.insert(value.weights.end(), part.begin(), part.end());
  }
  return value;
}

}  // namespace dream
