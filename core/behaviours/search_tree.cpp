#include "core/behaviours/search_tree.h"

#include <algorithm>
#include <cmath>

namespace dream {

std::vector<std::int64_t> sequential_halving(std::int64_t considered, std::int64_t simulations) {
  std::vector<std::int64_t> wanted;
  if (considered <= 1) {
    for (std::int64_t i = 0; i < simulations; ++i) wanted.push_back(i);
    return wanted;
  }
  const auto rounds = static_cast<std::int64_t>(std::ceil(std::log2(static_cast<double>(considered))));
  std::vector<std::int64_t> visits(static_cast<std::size_t>(considered), 0);
  while (static_cast<std::int64_t>(wanted.size()) < simulations) {
    // Each round shares out as many simulations among those that are left; then the worse half goes.
    const auto each = std::max<std::int64_t>(1, simulations / (rounds * considered));
    for (std::int64_t i = 0; i < each; ++i) {
      for (std::int64_t k = 0; k < considered; ++k) wanted.push_back(visits[static_cast<std::size_t>(k)]++);
    }
    considered = std::max<std::int64_t>(2, considered / 2);
  }
  wanted.resize(static_cast<std::size_t>(simulations));
  return wanted;
}

SearchTree::SearchTree(std::int64_t choices, const SearchOptions& options) : choices_(choices), options_(options) {
  nodes_.reserve(static_cast<std::size_t>(options.simulations + 1));
  edges_.reserve(nodes_.capacity() * static_cast<std::size_t>(choices));
}

std::int64_t SearchTree::open(std::int64_t parent, std::int64_t action, std::span<const float> logits, double value) {
  const auto node = nodes();
  nodes_.push_back({value, 0, 0, parent, action});
  const double most = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  for (const float logit : logits) {
    edges_.push_back({std::exp(static_cast<double>(logit) - most) / sum, static_cast<double>(logit), 0, 1, 0, -1});
  }
  return node;
}

void SearchTree::begin(std::span<const float> logits, double value, std::span<const float> gumbel) {
  nodes_.clear(), edges_.clear();
  low_ = 1e300, high_ = -1e300;
  open(-1, -1, logits, value);
  gumbel_.assign(gumbel.begin(), gumbel.end());
  gumbel_.resize(static_cast<std::size_t>(choices_), 0);
  if (options_.root == RootSearch::gumbel)
    halving_ = sequential_halving(std::min(options_.considered, choices_), options_.simulations);
}

void SearchTree::add_noise(std::span<const double> noise, double share) {
  for (std::int64_t a = 0; a < choices_; ++a) {
    auto& prior = edge(0, a).prior;
    prior = (1 - share) * prior + share * noise[static_cast<std::size_t>(a)];
  }
}

double SearchTree::value(std::int64_t node) const {
  const auto& n = nodes_[static_cast<std::size_t>(node)];
  return n.visits > 0 ? n.sum / static_cast<double>(n.visits) : n.predicted;
}

double SearchTree::q(std::int64_t node, std::int64_t action) const {
  const auto& e = edge(node, action);
  return e.child < 0 ? 0 : e.reward + options_.discount * e.live * value(e.child);
}

SearchTree::Leaf SearchTree::select() {
  std::int64_t node = 0;
  while (true) {
    const auto gumbel = options_.root == RootSearch::gumbel;
    const auto action = !gumbel ? by_puct(node) : node == 0 ? at_gumbel_root() : by_gumbel(node);
    const auto below = child(node, action);
    if (below < 0) return {node, action};
    node = below;
  }
}

/// The largest of q + P·√N / (1 + n) · (c1 + ln((N + c2 + 1) / c2)); the first of equal ones.
std::int64_t SearchTree::by_puct(std::int64_t node) const {
  const auto visits = static_cast<double>(nodes_[static_cast<std::size_t>(node)].visits);
  const double weight = options_.exploration + std::log((visits + options_.exploration_base + 1) / options_.exploration_base);
  double of_parent = 0;
  if (options_.parent_value) {
    double sum = 0;
    int tried = 0;
    for (std::int64_t a = 0; a < choices_; ++a) {
      if (edge(node, a).visits > 0) sum += normalised(q(node, a)), ++tried;
    }
    of_parent = tried > 0 ? sum / tried : 0;
  }
  std::int64_t best = 0;
  double most = -1e300;
  for (std::int64_t a = 0; a < choices_; ++a) {
    const auto& e = edge(node, a);
    const double worth = e.visits > 0 ? normalised(q(node, a)) : of_parent;
    const double score = worth + e.prior * std::sqrt(visits) / (1 + static_cast<double>(e.visits)) * weight;
    if (score > most) most = score, best = a;
  }
  return best;
}

std::vector<double> SearchTree::completed(std::int64_t node) const {
  std::int64_t most = 0, all = 0;
  double tried = 0, weighted = 0;
  for (std::int64_t a = 0; a < choices_; ++a) {
    const auto& e = edge(node, a);
    most = std::max(most, e.visits), all += e.visits;
    if (e.visits > 0) tried += e.prior, weighted += e.prior * q(node, a);
  }
  const auto& n = nodes_[static_cast<std::size_t>(node)];
  const double count = static_cast<double>(all);
  const double mixed = tried > 0 ? (n.predicted + count * weighted / tried) / (1 + count) : n.predicted;
  std::vector<double> values;
  for (std::int64_t a = 0; a < choices_; ++a) values.push_back(edge(node, a).visits > 0 ? q(node, a) : mixed);
  const auto [low, high] = std::ranges::minmax(values);
  const double range = std::max(high - low, 1e-8);
  for (auto& v : values) v = (options_.visit_offset + static_cast<double>(most)) * options_.value_scale * (v - low) / range;
  return values;
}

std::vector<double> SearchTree::softmax_of(std::int64_t node, const std::vector<double>& added) const {
  std::vector<double> values;
  for (std::int64_t a = 0; a < choices_; ++a) values.push_back(edge(node, a).logit + added[static_cast<std::size_t>(a)]);
  const double most = std::ranges::max(values);
  double sum = 0;
  for (auto& v : values) sum += v = std::exp(v - most);
  for (auto& v : values) v /= sum;
  return values;
}

/// Visits follow the improved policy: the largest of π' − n / (1 + N).
std::int64_t SearchTree::by_gumbel(std::int64_t node) const {
  const auto policy = softmax_of(node, completed(node));
  std::int64_t all = 0, best = 0;
  for (std::int64_t a = 0; a < choices_; ++a) all += edge(node, a).visits;
  double most = -1e300;
  for (std::int64_t a = 0; a < choices_; ++a) {
    const double score =
        policy[static_cast<std::size_t>(a)] - static_cast<double>(edge(node, a).visits) / (1 + static_cast<double>(all));
    if (score > most) most = score, best = a;
  }
  return best;
}

std::int64_t SearchTree::at_gumbel_root() const {
  std::int64_t done = 0, best = 0;
  for (std::int64_t a = 0; a < choices_; ++a) done += edge(0, a).visits;
  const auto wanted = done < static_cast<std::int64_t>(halving_.size()) ? halving_[static_cast<std::size_t>(done)] : -1;
  const auto added = completed(0);
  double most = -1e300;
  for (std::int64_t a = 0; a < choices_; ++a) {
    if (wanted >= 0 && edge(0, a).visits != wanted) continue;
    const auto at = static_cast<std::size_t>(a);
    // Nothing is known before the first simulation: logits and noise alone choose.
    const double score = edge(0, a).logit + gumbel_[at] + (done > 0 ? added[at] : 0);
    if (score > most) most = score, best = a;
  }
  return best;
}

void SearchTree::expand(const Leaf& leaf, double reward, double live, std::span<const float> logits, double value) {
  const auto opened = open(leaf.parent, leaf.action, logits, value);
  auto& found = edge(leaf.parent, leaf.action);
  found.reward = reward, found.live = live, found.child = opened;
  double back = value;
  for (auto node = opened; node >= 0;) {
    auto& n = nodes_[static_cast<std::size_t>(node)];
    n.sum += back;
    ++n.visits;
    double arrived = options_.discount * this->value(node);
    if (n.parent >= 0) {
      auto& e = edge(n.parent, n.action);
      ++e.visits;
      arrived = e.reward + options_.discount * e.live * this->value(node);
      back = e.reward + options_.discount * e.live * back;
    }
    low_ = std::min(low_, arrived), high_ = std::max(high_, arrived);
    node = n.parent;
  }
}

std::vector<double> SearchTree::improved() const {
  if (options_.root == RootSearch::gumbel) return softmax_of(0, completed(0));
  std::vector<double> shares;
  double all = 0;
  for (std::int64_t a = 0; a < choices_; ++a) all += static_cast<double>(edge(0, a).visits);
  for (std::int64_t a = 0; a < choices_; ++a)
    shares.push_back(all > 0 ? static_cast<double>(edge(0, a).visits) / all : edge(0, a).prior);
  return shares;
}

std::int64_t SearchTree::best() const {
  std::int64_t most_visits = 0, best = 0;
  for (std::int64_t a = 0; a < choices_; ++a) most_visits = std::max(most_visits, edge(0, a).visits);
  const auto added = completed(0);
  double most = -1e300;
  for (std::int64_t a = 0; a < choices_; ++a) {
    if (edge(0, a).visits != most_visits) continue;
    const auto at = static_cast<std::size_t>(a);
    const double score = edge(0, a).logit + gumbel_[at] + added[at];
    if (score > most) most = score, best = a;
  }
  return best;
}

}  // namespace dream
