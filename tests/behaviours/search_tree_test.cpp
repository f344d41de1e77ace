#include "core/behaviours/search_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "core/behaviours/tree_policy.h"
#include "tests/behaviours/two_states.h"
#include "tests/models/model_test.h"

namespace dream {
namespace search_tree_test {

using test::seeded;
using test::TwoStates;

std::vector<float> logits_of(std::initializer_list<double> priors) {
  std::vector<float> logits;
  for (const double p : priors) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// Nothing is worth anything: the prior alone chooses, P·√N/(1 + n).
TEST(SearchTree, ThePriorAloneChoosesAsPuctSays) {
  SearchTree tree(2, {.simulations = 8, .discount = 1});
  const auto priors = logits_of({0.7, 0.3});
  tree.begin(priors, 0);
  std::vector<std::int64_t> picks;
  for (int i = 0; i < 8; ++i) {
    // The first step of each way down.
    auto leaf = tree.select();
    auto node = leaf.parent;
    std::int64_t first = leaf.action;
    for (std::int64_t a = 0; node != 0 && a < 2; ++a) {
      // A leaf below an action of the root: find which.
      if (tree.child(0, a) < 0) continue;
      for (auto at = node; at != 0;) {
        bool found = false;
        for (std::int64_t up = 0; up < tree.nodes() && !found; ++up)
          for (std::int64_t b = 0; b < 2 && !found; ++b)
            if (tree.child(up, b) == at) {
              if (up == 0) first = b;
              at = up, found = true;
            }
      }
    }
    picks.push_back(first);
    tree.expand(leaf, 0, 1, priors, 0);
  }
  EXPECT_EQ(picks, (std::vector<std::int64_t>{0, 0, 1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(tree.visits(0, 0), 6);
  EXPECT_EQ(tree.visits(0, 1), 2);
  EXPECT_EQ(tree.improved(), (std::vector<double>{0.75, 0.25}));
}

/// Two choices, twice; only the worse first step leads to the great reward. The world itself is the model.
TEST(SearchTree, FindsTheBestWayThroughAnExactWorld) {
  struct World {  // state: the steps so far, as "", "0", "01" …
    static double reward(const std::vector<std::int64_t>& way) {
      if (way.size() == 1) return way[0] == 0 ? 0.5 : 0;
      if (way.size() == 2) return way[0] == 1 && way[1] == 1 ? 2 : 0;
      return 0;
    }
  };
  for (const auto root : {RootSearch::puct, RootSearch::gumbel}) {
    for (const std::int64_t simulations : {50, 200}) {
      SearchTree tree(2, {.root = root, .simulations = simulations, .discount = 0.9});
      const auto even = logits_of({0.5, 0.5});
      tree.begin(even, 0);
      std::map<std::int64_t, std::vector<std::int64_t>> ways{{0, {}}};
      for (std::int64_t i = 0; i < simulations; ++i) {
        const auto leaf = tree.select();
        auto way = ways.at(leaf.parent);
        way.push_back(leaf.action);
        ways[tree.nodes()] = way;
        tree.expand(leaf, World::reward(way), way.size() >= 2 ? 0 : 1, even, 0);
      }
      EXPECT_EQ(tree.visits(0, 0) + tree.visits(0, 1), simulations) << "a visit for each simulation";
      EXPECT_NEAR(tree.q(0, 1), 0.9 * 2, simulations == 50 ? 0.4 : 0.2) << simulations;
      EXPECT_GT(tree.q(0, 1), tree.q(0, 0));
      const auto improved = tree.improved();
      EXPECT_NEAR(improved[0] + improved[1], 1, 1e-9);
      if (root == RootSearch::gumbel) {
        EXPECT_EQ(tree.best(), 1);
      } else if (simulations == 200) {
        EXPECT_GT(improved[1], 0.8);
      }
    }
  }
}

TEST(SearchTree, AnEndLetsNothingCountAfterIt) {
  SearchTree tree(2, {.simulations = 4, .discount = 1});
  const auto even = logits_of({0.5, 0.5});
  tree.begin(even, 0);
  tree.expand({0, 0}, 1, 0, even, 100);  // pays 1 and ends; what the network says of the state after it is nothing
  tree.expand({0, 1}, 1, 1, even, 3);
  EXPECT_EQ(tree.q(0, 0), 1);
  EXPECT_EQ(tree.q(0, 1), 4);
  EXPECT_EQ(tree.value(), 2.5);
}

TEST(SearchTree, NoiseIsMixedIntoTheRootsPrior) {
  SearchTree tree(3, {.simulations = 1});
  tree.begin(logits_of({0.5, 0.3, 0.2}), 0);
  const std::vector<double> noise = {0, 0, 1};
  tree.add_noise(noise, 0.25);
  EXPECT_NEAR(tree.prior(0, 0), 0.375, 1e-7);
  EXPECT_NEAR(tree.prior(0, 2), 0.4, 1e-7);
}

/// What was not tried is worth 0 in MuZero, the mean of what was in EfficientZero.
TEST(SearchTree, WhatWasNotTried) {
  for (const bool of_parent : {false, true}) {
    SearchTree tree(3, {.simulations = 4, .discount = 1, .exploration = 2, .parent_value = of_parent});
    const auto even = logits_of({0.34, 0.33, 0.33});
    tree.begin(even, 0);
    tree.expand({0, 0}, 0, 1, even, -5);
    tree.expand({0, 1}, 0, 1, even, 5);
    // −5 is worth 0 between the two, 5 is worth 1: the third 0, or a half.
    tree.expand({0, 1}, 0, 1, even, 5);
    const auto next = tree.select();
    EXPECT_EQ(next.action == 2 && next.parent == 0, of_parent);
  }
}

/// Karnin et al. 2013 as mctx shares simulations out: for two actions and 25 always 13 and 12.
TEST(SequentialHalving, SharesSimulationsOut) {
  EXPECT_EQ(sequential_halving(1, 3), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(sequential_halving(2, 4), (std::vector<std::int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(sequential_halving(4, 8), (std::vector<std::int64_t>{0, 0, 0, 0, 1, 1, 2, 2}));
  const auto many = sequential_halving(16, 50);
  EXPECT_EQ(many.size(), 50u);
  SearchTree tree(2, {.root = RootSearch::gumbel, .simulations = 25, .discount = 1});
  const auto skewed = logits_of({0.9, 0.1});
  tree.begin(skewed, 0);
  for (int i = 0; i < 25; ++i) tree.expand(tree.select(), 0, 1, skewed, 0);
  EXPECT_EQ(std::max(tree.visits(0, 0), tree.visits(0, 1)), 13);
  EXPECT_EQ(std::min(tree.visits(0, 0), tree.visits(0, 1)), 12);
}

/// The whole of it over a model: lanes side by side as each alone, and a policy that knows nothing finds what pays.
class TreePolicyTest : public test::ModelTest {
 protected:
  /// As models take choices, an index; the search sees a world that it knows in full.
  class World : public TwoStates {
   public:
    World() : TwoStates(true) {}
    Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
      return TwoStates::imagine(carry, torch::one_hot(action.select(-1, 0).to(torch::kInt64), 2).to(torch::kFloat32), knobs, rng);
    }
  };
  World model_;
};

TEST_F(TreePolicyTest, FindsWhatPaysAndLeavesWhatItFound) {
  for (const auto root : {RootSearch::puct, RootSearch::gumbel}) {
    TreePolicyOptions options;
    options.search.root = root, options.search.simulations = 16, options.search.discount = 0.9;
    TreePolicy policy(2, TwoStates::choices(), options);
    const Seen seen{&model_, model_.initial(5)};
    const auto decision = policy.decide(seen, {}, Mode::judge, seeded(1));
    EXPECT_TRUE(torch::equal(decision.action, torch::ones({5, 1})));
    EXPECT_EQ(decision.record.at("visits").sizes(), (std::vector<std::int64_t>{5, 2}));
    EXPECT_LT((decision.record.at("visits").sum(1) - 1).abs().max().item<double>(), 1e-6);
    EXPECT_GT(decision.record.at("search_value").min().item<double>(), 0.4);
    // Without simulations it acts by the policy, which knows nothing yet: the first of equal ones.
    const auto raw = policy.decide({&model_, model_.initial(5), {}, {}, {{"simulations", 0}}}, {}, Mode::judge, seeded(1));
    EXPECT_TRUE(torch::equal(raw.action, torch::zeros({5, 1})));
    EXPECT_TRUE(raw.record.empty());
  }
}

TEST_F(TreePolicyTest, ALanesSearchIsItsOwn) {
  TreePolicyOptions options;
  options.search.simulations = 12;
  TreePolicy policy(2, TwoStates::choices(), options);
  for (auto& parameter : policy.parameters()) torch::nn::init::normal_(parameter, 0, 0.3);
  auto carry = model_.initial(2);
  carry["s"] = torch::tensor({{1.0f, 0.0f}, {0.2f, 0.8f}});
  const auto both = policy.search({&model_, carry}, 12, false, seeded(1));
  for (std::int64_t lane = 0; lane < 2; ++lane) {
    const auto alone = policy.search({&model_, select_lane(carry, lane)}, 12, false, seeded(1));
    EXPECT_EQ(both[static_cast<std::size_t>(lane)].improved(), alone[0].improved());
    EXPECT_NEAR(both[static_cast<std::size_t>(lane)].value(), alone[0].value(), 1e-6);
  }
}

TEST_F(TreePolicyTest, ShowsItsTree) {
  TreePolicyOptions options;
  options.search.simulations = 10;
  TreePolicy policy(2, TwoStates::choices(), options);
  ProbeSink sink({"search/tree", "search/policy"});
  policy.report({&model_, model_.initial(1)}, {}, sink, seeded(1));
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 2u);
  const auto& tree = std::get<Tree>(*probes[1].value);
  ASSERT_EQ(tree.nodes.size(), 11u);
  EXPECT_EQ(tree.nodes[0].visits, 10);
  int below_root = 0;
  for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
    EXPECT_LT(tree.nodes[i].parent, static_cast<int>(i));
    EXPECT_GT(tree.nodes[i].visits, 0);
    if (tree.nodes[i].parent == 0) below_root += tree.nodes[i].visits;
  }
  EXPECT_EQ(below_root, 10);
  EXPECT_EQ(tree.nodes[static_cast<std::size_t>(tree.chosen)].action, "reward");
}

}  // namespace search_tree_test
}  // namespace dream
