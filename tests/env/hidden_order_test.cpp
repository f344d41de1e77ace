// That the order is hidden, holds for an episode, and can be found and remembered.
#include "core/env/hidden_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "api/error.h"
#include "core/env/registry.h"

namespace dream {
namespace hidden_order_test {

std::vector<std::uint8_t> picture(Env& env) {
  std::vector<std::uint8_t> seen(env.spaces().image_bytes());
  env.observe_image(seen);
  return seen;
}
std::vector<double> truth(const Env& env, const std::string& name) {
  for (const auto& array : env.diagnostics())
    if (array.name == name) return array.values;
  return {};
}
StepResult expert_step(HiddenOrder& env) {
  float action = 0;
  env.expert(std::span(&action, 1));
  return env.step(std::span(&action, 1));
}
std::vector<float> vector_of(Env& env) {
  std::vector<float> seen(env.spaces().vector_names.size());
  env.observe_vector(seen);
  return seen;
}

/// Walks from cell to cell, across and then along.
StepResult towards(HiddenOrder& env, int thing) {
  const auto seen = vector_of(env);
  const auto at = [&](std::size_t i) { return seen[i]; };
  const auto base = static_cast<std::size_t>(2 + 3 * thing);
  float action = at(0) < at(base)         ? HiddenOrder::right
                 : at(0) > at(base)       ? HiddenOrder::left
                 : at(1) < at(base + 1)   ? HiddenOrder::down
                                          : HiddenOrder::up;
  return env.step(std::span(&action, 1));
}

TEST(HiddenOrder, WhoKnowsTheOrderIsPaidAtEveryThing) {
  HiddenOrder env;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    env.reset(seed);
    const auto order = truth(env, "order");
    double earned = 0;
    StepResult result;
    while (!result.done()) {
      const auto found = truth(env, "found")[0];
      result = expert_step(env);
      earned += static_cast<double>(result.reward);
      if (result.reward > 0) {
        EXPECT_EQ(truth(env, "found")[0], static_cast<int>(found + 1) % 3);
      } else {
        EXPECT_EQ(truth(env, "found")[0], found) << "seed " << seed;
      }
      EXPECT_FALSE(result.terminated);
    }
    EXPECT_EQ(truth(env, "order"), order) << "it holds for the episode";
    EXPECT_GE(earned, 9) << "seed " << seed;
  }
}

TEST(HiddenOrder, WhoRemembersErrsSeldomAndIsRightThen) {
  for (const int things : {2, 3, 4, 5}) {
    HiddenOrder env({.things = things, .expert = OrderExpert::seeks});
    EXPECT_EQ(env.spaces().vector_names.size(), static_cast<std::size_t>(2 + 3 * things));
    int most = 0, knew = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      env.reset(seed);
      int errors = 0;
      StepResult result;
      while (!result.done()) {
        const double found = truth(env, "found")[0], known = truth(env, "known")[0];
        result = expert_step(env);
        const bool wrong = result.reward == 0 && truth(env, "found")[0] < found;
        EXPECT_FALSE(wrong && found < known) << "what has been met is not missed again; seed " << seed;
        errors += wrong;
        EXPECT_GE(truth(env, "known")[0], known);
      }
      most = std::max(most, errors);
      knew += truth(env, "known")[0] == things;
    }
    EXPECT_LE(most, things * (things - 1) / 2);
    EXPECT_GE(knew, things < 5 ? 200 : 190) << "and there is time left to be paid for it";
  }
}

TEST(HiddenOrder, AsksForFactorsThatItHas) {
  EXPECT_EQ(make_env("HiddenOrder[things=5,expert=seeks]")->spaces().max_episode_steps, 100);
  EXPECT_EQ(make_env("HiddenOrder")->spaces().max_episode_steps, 60);
  for (const char* name : {"HiddenOrder[things=6]", "HiddenOrder[things=1]", "HiddenOrder[things=]", "HiddenOrder[expert=guesses]", "HiddenOrder[side=7]"})
    EXPECT_THROW(make_env(name), Error) << name;
}

TEST(HiddenOrder, AWrongOneBringsAllBack) {
  HiddenOrder env;
  int met = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    env.reset(seed);
    const auto order = truth(env, "order");
    while (truth(env, "found")[0] < 1) expert_step(env);
    const auto last = static_cast<int>(order[2]);  // too early
    StepResult result;
    while (truth(env, "found")[0] == 1 && !result.done()) result = towards(env, last);
    if (truth(env, "found")[0] != 0) continue;  // the second lay on the way
    ++met;
    EXPECT_EQ(result.reward, 0);
    const auto seen = vector_of(env);
    for (const std::size_t thing : {0, 1, 2}) EXPECT_EQ(seen[4 + 3 * thing], 1);
  }
  EXPECT_GT(met, 100);
}

TEST(HiddenOrder, NothingShowsTheOrder) {
  // Every order comes, and the first picture tells nothing of it: pictures of equal places are equal.
  HiddenOrder env;
  std::map<std::vector<std::uint8_t>, std::set<std::vector<double>>> orders;
  std::map<std::vector<double>, int> often;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    env.reset(seed);
    const auto order = truth(env, "order");
    ++often[order];
    orders[picture(env)].insert(order);
  }
  EXPECT_EQ(often.size(), 6u);
  for (const auto& [order, count] : often) EXPECT_NEAR(count, 1000, 150);
  std::size_t several = 0;
  for (const auto& [seen, which] : orders) several += which.size() > 1;
  EXPECT_GT(several, orders.size() / 4);
}

TEST(HiddenOrder, RefusesStatesThatCannotBe) {
  HiddenOrder env;
  env.reset(1);
  const auto good = env.save_state();
  const auto before = picture(env);
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{0x55};
    try {
      env.load_state(bad);
      env.load_state(good);
    } catch (const Error&) {
      ++refused;
      EXPECT_EQ(picture(env), before);
    }
  }
  EXPECT_GT(refused, 8);
}

}  // namespace hidden_order_test
}  // namespace dream
