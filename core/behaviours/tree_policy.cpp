#include "core/behaviours/tree_policy.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_pictures = 64;  // nodes of a tree that are decoded

/// Noise that sums to 1, [A]: gamma variables over their sum, by Marsaglia & Tsang's method (2000), from uniform and normal
/// draws, so that all chance comes from `rng`.
std::vector<double> dirichlet(std::int64_t choices, double alpha, at::Generator rng) {
  std::vector<double> values;
  double sum = 0;
  for (std::int64_t a = 0; a < choices; ++a) {
    // γ(α) = γ(α + 1)·u^(1/α).
    const double d = alpha + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    double gamma = d;
    for (int tries = 0; tries < 100; ++tries) {
      const double x = torch::randn({1}, rng, torch::kFloat64).item<double>();
      const double u = torch::rand({1}, rng, torch::kFloat64).item<double>();
      const double v = std::pow(1 + c * x, 3);
      if (v > 0 && std::log(std::max(u, 1e-300)) < 0.5 * x * x + d - d * v + d * std::log(v)) {
        gamma = d * v;
        break;
      }
    }
    const double u = torch::rand({1}, rng, torch::kFloat64).item<double>();
    values.push_back(gamma * std::pow(std::max(u, 1e-300), 1 / alpha));
    sum += values.back();
  }
  for (auto& value : values) value = sum > 0 ? value / sum : 1.0 / static_cast<double>(choices);
  return values;
}

LayerStyle head_style() {
  return {.act = Act::elu, .norm = Norm::none, .init = Init::fan_in};
}

}  // namespace

void TreePolicyOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "simulations", search.simulations,
             {.help = "Simulations of a search before every action; 0: the policy acts by itself", .low = 0, .high = 1000, .live = true});
  config.add(prefix + "root", search.root,
             {.help = "puct: MuZero's search; gumbel: actions of the root without replacement, by sequential halving"});
  config.add(prefix + "considered", search.considered, {.help = "gumbel: actions of the root that are tried", .low = 1, .high = 1000});
  config.add(prefix + "discount", search.discount, {.help = "What a step later counts, γ", .low = 0, .high = 1});
  config.add(prefix + "exploration", search.exploration, {.help = "c1 of pUCT: what the prior counts", .low = 0, .high = 100, .live = true});
  config.add(prefix + "parent_value", search.parent_value,
             {.help = "What was not tried is worth its parent's mean (EfficientZero), not 0", .live = true});
  config.add(prefix + "noise_alpha", noise_alpha, {.help = "α of the Dirichlet noise in the root's prior", .low = 0.01, .high = 10, .live = true});
  config.add(prefix + "noise_share", noise_share, {.help = "Share of that noise while collecting", .low = 0, .high = 1, .live = true});
  config.add(prefix + "temperature", temperature,
             {.help = "While collecting actions are drawn by visits^(1/T); 0: the most visited", .low = 0, .high = 10, .live = true});
  config.add(prefix + "layers", layers, {.help = "Hidden layers of policy and value", .low = 0, .high = 10});
  config.add(prefix + "units", units, {.help = "Units of each", .low = 1, .high = 8192});
  config.add(prefix + "support", support,
             {.help = "Values are told apart from −support to support after h, which makes 20 of 480", .low = 1, .high = 300});
}

TreePolicy::TreePolicy(std::int64_t features, const ActionSpace& space, const TreePolicyOptions& options)
    : options_(options), space_(space), support_(options.support) {
  if (!space.discrete()) throw Error("a tree search needs actions that are choices");
  const auto choices = static_cast<std::int64_t>(space.choices.size());
  policy_ = register_module("policy", Mlp(features, options.layers, options.units, head_style(), choices, 0.0));
  value_ = register_module("value", Mlp(features, options.layers, options.units, head_style(), support_.bins(), 0.0));
}

Knob TreePolicy::simulations() const {
  return {"simulations",
          "sims",
          "Simulations",
          "How often the search looks ahead before an action; 0: the policy acts by itself.",
          0,
          std::max(200.0, static_cast<double>(options_.search.simulations)),
          static_cast<double>(options_.search.simulations),
          false,
          true,
          {}};
}

std::vector<SearchTree> TreePolicy::search(const Seen& seen, std::int64_t simulations, bool exploring, at::Generator rng,
                                           Carry* kept) {
  torch::NoGradGuard no_grad;
  auto& model = *seen.model;
  const auto lanes = seen.lanes(), choices = static_cast<std::int64_t>(space_.choices.size());
  auto options = options_.search;
  options.simulations = simulations;

  Carry states;  // [nodes, B, ...]
  for (const auto& [name, tensor] : model.initial(1)) {
    const auto& root = seen.carry.at(name);
    auto shape = root.sizes().vec();
    shape.insert(shape.begin(), simulations + 1);
    states[name] = torch::zeros(shape, root.options());
    states[name][0].copy_(root);
  }
  const auto features = seen.features();
  const auto device = features.device();
  auto logits = policy_->forward(features).to(torch::kCPU, torch::kFloat32).contiguous();
  auto values = support_.mean(value_->forward(features)).to(torch::kCPU, torch::kFloat32).contiguous();
  const auto row = [&](std::int64_t lane) {
    return std::span<const float>(logits.const_data_ptr<float>() + lane * choices, static_cast<std::size_t>(choices));
  };
  const bool gumbel = options.root == RootSearch::gumbel;
  torch::Tensor noise;
  if (gumbel && exploring)
    noise = -(-torch::rand({lanes, choices}, rng, torch::kFloat32).clamp_min(1e-20).log()).clamp_min(1e-20).log();

  std::vector<SearchTree> trees;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    auto& tree = trees.emplace_back(choices, options);
    std::span<const float> drawn;
    if (noise.defined()) drawn = {noise.const_data_ptr<float>() + lane * choices, static_cast<std::size_t>(choices)};
    tree.begin(row(lane), static_cast<double>(values[lane].item<float>()), drawn);
    if (exploring && !gumbel && options_.noise_share > 0)
      tree.add_noise(dirichlet(choices, options_.noise_alpha, rng), options_.noise_share);
  }
  const auto lane_index = torch::arange(lanes, torch::TensorOptions(device).dtype(torch::kInt64));
  std::vector<SearchTree::Leaf> leaves(static_cast<std::size_t>(lanes));
  for (std::int64_t i = 0; i < simulations; ++i) {
    auto parents = torch::empty({lanes}, torch::kInt64);
    auto actions = torch::empty({lanes, 1});
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto leaf = leaves[static_cast<std::size_t>(lane)] = trees[static_cast<std::size_t>(lane)].select();
      parents.data_ptr<std::int64_t>()[lane] = leaf.parent;
      actions.data_ptr<float>()[lane] = static_cast<float>(leaf.action);
    }
    Carry from;
    const auto at = parents.to(device) * lanes + lane_index;
    for (const auto& [name, tensor] : states) from[name] = tensor.flatten(0, 1).index_select(0, at);
    const auto next = model.imagine(from, actions.to(device), {}, rng);
    for (auto& [name, tensor] : states) tensor[i + 1].copy_(next.at(name));
    const auto outcome = model.outcome(next);
    const auto seen_there = model.features(next);
    logits = policy_->forward(seen_there).to(torch::kCPU, torch::kFloat32).contiguous();
    values = support_.mean(value_->forward(seen_there)).to(torch::kCPU, torch::kFloat32).contiguous();
    const auto rewards = outcome.reward.to(torch::kCPU, torch::kFloat32).contiguous();
    const auto dones =
        outcome.done.defined() ? outcome.done.to(torch::kCPU, torch::kFloat32).contiguous() : torch::zeros({lanes});
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      trees[static_cast<std::size_t>(lane)].expand(
          leaves[static_cast<std::size_t>(lane)], static_cast<double>(rewards.const_data_ptr<float>()[lane]),
          1 - static_cast<double>(dones.const_data_ptr<float>()[lane]), row(lane),
          static_cast<double>(values.const_data_ptr<float>()[lane]));
    }
  }
  if (kept) *kept = std::move(states);
  return trees;
}

Decision TreePolicy::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  torch::NoGradGuard no_grad;
  if (!seen.model) throw Error("nothing is searched without a model");
  const auto count = static_cast<std::int64_t>(value_of(seen.knobs, simulations()));
  const auto lanes = seen.lanes(), choices = static_cast<std::int64_t>(space_.choices.size());
  const bool exploring = mode == Mode::collect;
  if (count == 0) {
    const auto logits = policy_->forward(seen.features());
    const auto action = exploring ? torch::multinomial(logits.softmax(-1), 1, true, rng) : logits.argmax(-1, true);
    return {action.to(torch::kFloat32)};
  }
  const auto trees = search(seen, count, exploring, rng);
  auto visits = torch::empty({lanes, choices}), worth = torch::empty({lanes, 1}), action = torch::empty({lanes, 1});
  const auto drawn = torch::rand({lanes}, rng, torch::kFloat64);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto& tree = trees[static_cast<std::size_t>(lane)];
    const auto improved = tree.improved();
    for (std::int64_t a = 0; a < choices; ++a)
      visits.data_ptr<float>()[lane * choices + a] = static_cast<float>(improved[static_cast<std::size_t>(a)]);
    worth.data_ptr<float>()[lane] = static_cast<float>(tree.value());
    std::int64_t best = 0;
    if (options_.search.root == RootSearch::gumbel) {
      best = tree.best();
    } else if (exploring && options_.temperature > 0) {
      std::vector<double> weights;
      double sum = 0;
      for (const double share : improved) sum += weights.emplace_back(std::pow(share, 1 / options_.temperature));
      double left = drawn[lane].item<double>() * sum;
      while (best + 1 < choices && (left -= weights[static_cast<std::size_t>(best)]) >= 0) ++best;
    } else {
      best = std::ranges::max_element(improved) - improved.begin();
    }
    action.data_ptr<float>()[lane] = static_cast<float>(best);
  }
  return {action.to(seen.features().device()), {}, {{"visits", visits}, {"search_value", worth}}};
}

/// The first nodes as they look, side by side.
Image TreePolicy::picture_of(const Seen& lane, const SearchTree& tree, const Carry& kept, std::int64_t nodes) const {
  Carry states;
  for (const auto& [name, tensor] : kept) states[name] = tensor.slice(0, 0, std::min(nodes, tree.nodes())).flatten(0, 1);
  const auto frames = lane.model->predict(states).frame;
  if (!frames.defined()) return {};
  return image_from(frames.clamp(0, 1).permute({1, 2, 0, 3}).flatten(2, 3));
}

void TreePolicy::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator rng) {
  if (!sink.wants("search/tree") && !sink.wants("search/policy")) return;
  torch::NoGradGuard no_grad;
  const auto count = static_cast<std::int64_t>(value_of(seen.knobs, simulations()));
  const Seen lane{seen.model, select_lane(seen.carry, 0), {}, {}, seen.knobs};
  const auto raw = policy_->forward(lane.features())[0].softmax(-1);
  Carry kept;
  const auto trees = count > 0 ? search(lane, count, false, rng, &kept) : std::vector<SearchTree>{};
  if (sink.wants("search/policy")) {
    Vector value;
    value.labels = space_.choices;
    value.values = floats(raw);
    if (!trees.empty()) {
      const auto improved = trees[0].improved();
      value.values.assign(improved.begin(), improved.end());
      value.mean = floats(raw);
      value.deviation.assign(value.mean.size(), 0);
    }
    sink.put("search/policy", "Policy after the search",
             "Bars: what the search makes of the policy; line: the policy by itself", std::move(value));
  }
  if (!sink.wants("search/tree") || trees.empty()) return;
  const auto& tree = trees[0];
  const auto choices = static_cast<std::int64_t>(space_.choices.size());
  Tree value;
  value.unit = "discounted reward";
  const auto improved = tree.improved();
  const auto chosen = options_.search.root == RootSearch::gumbel ? tree.best()
                                                                 : std::ranges::max_element(improved) - improved.begin();
  value.nodes.resize(static_cast<std::size_t>(tree.nodes()));
  value.nodes[0] = {-1, static_cast<int>(count), static_cast<float>(tree.value()), 0, 0, "", {}};
  for (std::int64_t node = 0; node < tree.nodes(); ++node) {
    for (std::int64_t a = 0; a < choices; ++a) {
      const auto child = tree.child(node, a);
      if (child < 0) continue;
      value.nodes[static_cast<std::size_t>(child)] = {static_cast<int>(node),
                                                      static_cast<int>(tree.visits(node, a)),
                                                      static_cast<float>(tree.q(node, a)),
                                                      static_cast<float>(tree.prior(node, a)),
                                                      static_cast<float>(tree.reward(node, a)),
                                                      space_.choices[static_cast<std::size_t>(a)],
                                                      {static_cast<float>(a)}};
      if (node == 0 && a == chosen) value.chosen = static_cast<int>(child);
    }
  }
  auto pictures = picture_of(lane, tree, kept, most_pictures);
  if (pictures.width > 0) {
    value.thumb_height = pictures.height;
    value.thumb_width = pictures.width / static_cast<int>(std::min(most_pictures, tree.nodes()));
    value.thumbnails = std::make_shared<const Image>(std::move(pictures));
  }
  sink.put("search/tree", "Search tree",
           "Simulations from here, at the left: a branch is as thick as it was visited often, its colour is its mean return",
           std::move(value));
}

}  // namespace dream
