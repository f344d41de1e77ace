#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/choice.h"

namespace dream {

/// How the root's actions are tried. puct: MuZero (Schrittwieser et al. 2020, appendix B). gumbel: without replacement, by
/// sequential halving (Danihelka et al. 2022), also with few simulations an improvement of the policy.
enum class RootSearch { puct, gumbel };
constexpr auto choice_names(RootSearch) {
  return names_of_choice("puct", "gumbel");
}

struct SearchOptions {
  RootSearch root = RootSearch::puct;
  std::int64_t simulations = 50;
  double discount = 0.997;
  double exploration = 1.25, exploration_base = 19652;  // c1 and c2 of pUCT
  bool parent_value = false;       // what was not tried is worth its parent's mean (EfficientZero), not 0
  std::int64_t considered = 16;    // gumbel: actions of the root that are tried at all
  double visit_offset = 50, value_scale = 0.1;  // gumbel: σ(q) = (offset + max N)·scale·q
};

/// One Monte Carlo tree search of one lane over numbered choices. It knows no model: who asks says what was found where it
/// wants to look. Node 0 is the root; the others are numbered as they are opened.
class SearchTree {
 public:
  SearchTree(std::int64_t choices, const SearchOptions& options);

  /// Begins at a state: what the policy thinks of its actions, as logits, and what it is worth. `gumbel` (as many, or none)
  /// is added to the root's logits.
  void begin(std::span<const float> logits, double value, std::span<const float> gumbel = {});
  /// Mixes noise that sums to 1 into the root's prior (not with gumbel).
  void add_noise(std::span<const double> noise, double share);

  struct Leaf {
    std::int64_t parent = 0, action = 0;
  };
  /// Where the next simulation looks: a known node and an action that was not tried there.
  Leaf select();
  /// What was found there; opens a node and takes the return back to the root. `live`: 1 − P(the step ends the episode).
  void expand(const Leaf& leaf, double reward, double live, std::span<const float> logits, double value);

  std::int64_t nodes() const { return static_cast<std::int64_t>(nodes_.size()); }
  std::int64_t visits(std::int64_t node, std::int64_t action) const { return edge(node, action).visits; }
  double q(std::int64_t node, std::int64_t action) const;  // r + γ·v of the node below; 0 where nothing was tried
  double prior(std::int64_t node, std::int64_t action) const { return edge(node, action).prior; }
  double reward(std::int64_t node, std::int64_t action) const { return edge(node, action).reward; }
  std::int64_t child(std::int64_t node, std::int64_t action) const { return edge(node, action).child; }  // -1: none
  double value(std::int64_t node = 0) const;      // mean return of all that went through it
  double predicted(std::int64_t node = 0) const { return nodes_[static_cast<std::size_t>(node)].predicted; }

  /// What the search makes of the policy: shares of the root's visits; with gumbel softmax(logits + σ(completed q)).
  std::vector<double> improved() const;
  /// gumbel: the action that is left, by logits + noise + σ(q) among those tried most.
  std::int64_t best() const;

 private:
  struct Edge {
    double prior = 0, logit = 0, reward = 0, live = 1;
    std::int64_t visits = 0, child = -1;
  };
  struct Node {
    double predicted = 0, sum = 0;
    std::int64_t visits = 0, parent = -1, action = -1;
  };
  Edge& edge(std::int64_t node, std::int64_t action) {
    return edges_[static_cast<std::size_t>(node * choices_ + action)];
  }
  const Edge& edge(std::int64_t node, std::int64_t action) const {
    return edges_[static_cast<std::size_t>(node * choices_ + action)];
  }
  std::int64_t open(std::int64_t parent, std::int64_t action, std::span<const float> logits, double value);
  std::int64_t by_puct(std::int64_t node) const;
  std::int64_t by_gumbel(std::int64_t node) const;
  std::int64_t at_gumbel_root() const;
  /// σ of q completed by the mixed value where nothing was tried, [A].
  std::vector<double> completed(std::int64_t node) const;
  std::vector<double> softmax_of(std::int64_t node, const std::vector<double>& added) const;
  double normalised(double q) const { return high_ > low_ ? (q - low_) / (high_ - low_) : q; }

  std::int64_t choices_;
  SearchOptions options_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;                // of node n from n·A
  std::vector<double> gumbel_;             // of the root
  std::vector<std::int64_t> halving_;      // visits that the root's next action must have had, per simulation
  double low_ = 1e300, high_ = -1e300;     // of all r + γ·v that were backed up
};

/// For `considered` actions and `simulations`: how often the action of each simulation must have been tried before
/// (sequential halving; Karnin et al. 2013, as Danihelka et al. use it).
std::vector<std::int64_t> sequential_halving(std::int64_t considered, std::int64_t simulations);

}  // namespace dream
