// The search against muzero-general's and mctx', over a made-up world that both sides compute; made by
// tests/golden/make_muzero.py.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/base/npy.h"
#include "core/behaviours/search_tree.h"

namespace dream {
namespace search_golden_test {

constexpr int choices = 4, states = 101;

struct Sines {
  static int next(int s, std::int64_t a) { return static_cast<int>((3 * s + 5 * a + 1) % states); }
  static double reward(int s, std::int64_t a) { return std::sin(0.3 * s + static_cast<double>(a)); }
  static double value(int s) { return 2 * std::cos(0.9 * s); }
  static std::vector<float> logits(int s) {
    std::vector<float> all;
    for (int a = 0; a < choices; ++a) all.push_back(static_cast<float>(std::sin(0.7 * s + 1.3 * a)));
    return all;
  }
};

SearchTree searched(int start, const SearchOptions& options) {
  SearchTree tree(choices, options);
  tree.begin(Sines::logits(start), Sines::value(start));
  std::vector<int> at{start};
  for (std::int64_t i = 0; i < options.simulations; ++i) {
    const auto leaf = tree.select();
    const int from = at[static_cast<std::size_t>(leaf.parent)], to = Sines::next(from, leaf.action);
    at.push_back(to);
    tree.expand(leaf, Sines::reward(from, leaf.action), 1, Sines::logits(to), Sines::value(to));
  }
  return tree;
}

TEST(GoldenSearch, VisitsAsMuzeroGeneral) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/muzero/muzero.npz");
  for (const int start : {0, 7, 42, 88}) {
    const auto wanted = golden.at("puct/" + std::to_string(start)).view<double>("puct");
    const auto tree = searched(start, {.simulations = static_cast<std::int64_t>(wanted[0]), .discount = wanted[1]});
    EXPECT_NEAR(tree.value(), wanted[2], 1e-6) << start;
    for (int a = 0; a < choices; ++a)
      EXPECT_EQ(static_cast<double>(tree.visits(0, a)), wanted[static_cast<std::size_t>(3 + a)]) << start << " action " << a;
  }
}

TEST(GoldenSearch, GumbelAsMctx) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/muzero/muzero.npz");
  for (const int start : {0, 7, 42, 88}) {
    const auto wanted = golden.at("gumbel/" + std::to_string(start)).view<double>("gumbel");
    const auto tree = searched(start, {.root = RootSearch::gumbel,
                                       .simulations = static_cast<std::int64_t>(wanted[0]),
                                       .discount = wanted[1],
                                       .considered = static_cast<std::int64_t>(wanted[2])});
    EXPECT_EQ(static_cast<double>(tree.best()), wanted[4]) << start;
    const auto improved = tree.improved();
    for (int a = 0; a < choices; ++a) {
      const auto at = static_cast<std::size_t>(a);
      EXPECT_EQ(static_cast<double>(tree.visits(0, a)), wanted[5 + at]) << start << " action " << a;
      EXPECT_NEAR(improved[at], wanted[9 + at], 1e-5) << start << " action " << a;
    }
  }
}

}  // namespace search_golden_test
}  // namespace dream
