#include "core/behaviours/linear_controller.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/behaviours/random_policy.h"
#include "tests/support/hashed.h"

namespace dream {
namespace linear_controller_test {

const std::vector<Squash> car = {Squash::tanh, Squash::half, Squash::cut};

TEST(LinearController, HasThePublishedParameters) {
  LinearController controller(288, car);
  EXPECT_EQ(controller.count(), 867);
  EXPECT_EQ(controller.flat().size(), 867u);
}

// Sheet, check 9: the gas of a controller that knows nothing is half open.
TEST(LinearController, DoomsHasNoBias) {
  torch::NoGradGuard no_grad;
  LinearController controller(1088, {Squash::tanh}, false);
  EXPECT_EQ(controller.count(), 1088);
  std::vector<double> weights(1088);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 0.01 * std::sin(static_cast<double>(i));
  controller.set_flat(weights);
  const auto features = test::hashed_float(1, {3, 1088}, 1);
  const auto expected = torch::tanh(features.mm(torch::tensor(weights).to(torch::kFloat32).unsqueeze(1)));
  EXPECT_LT((controller.act(features) - expected).abs().max().item<double>(), 1e-5);
  const auto rows = torch::tensor(weights).to(torch::kFloat32).repeat({2, 1});
  EXPECT_LT((controller.act_as(rows, torch::tensor({0, 1, 1}), features) - expected).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(controller.act(torch::zeros({1, 1088})).item<double>(), 0) << "it stays where it sees nothing";
  // What imitates it finds it again.
  const auto seen = test::hashed_float(2, {4000, 8}, 1);
  LinearController small(8, {Squash::tanh}, false), pupil(8, {Squash::tanh}, false);
  small.set_flat({0.3, -0.2, 0.1, 0, 0.5, -0.4, 0.2, 0.1});
  const auto found = small.nearest_parameters(seen, small.act(seen));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(found[static_cast<std::int64_t>(i)].item<double>(), small.flat()[i], 0.01);
}

TEST(LinearController, ZeroWeightsGiveHalfGas) {
  LinearController controller(288, car);
  const auto action = controller.act(torch::randn({2, 288}));
  EXPECT_TRUE(torch::equal(action, torch::tensor({{0.0f, 0.5f, 0.0f}, {0.0f, 0.5f, 0.0f}})));
}

TEST(LinearController, FlatOrderIsBiasesThenRowsOfFeatures) {
  LinearController controller(2, car);
  controller.set_flat({0.1, 0.2, -0.3, 1, 2, 3, 4, 5, 6});  // biases; feature 0's three weights; feature 1's
  const auto action = controller.act(torch::tensor({{0.5f, -0.25f}}))[0];
  EXPECT_NEAR(action[0].item<double>(), std::tanh(0.1 + 0.5 * 1 - 0.25 * 4), 1e-6);
  EXPECT_NEAR(action[1].item<double>(), (std::tanh(0.2 + 0.5 * 2 - 0.25 * 5) + 1) / 2, 1e-6);
  EXPECT_NEAR(action[2].item<double>(), 0, 1e-6);  // tanh(-0.3 + 1.5 - 1.5) < 0 is cut
  EXPECT_FLOAT_EQ(static_cast<float>(controller.flat()[4]), 2.0f);
}

TEST(LinearController, APopulationActsAsItsMembers) {
  const auto rows = test::hashed_float(1, {3, 867}, 0.2), features = test::hashed_float(2, {5, 288}, 1);
  const auto candidate = torch::tensor({2, 0, 1, 2, 1}, torch::kInt64);
  LinearController controller(288, car);
  const auto together = controller.act_as(rows, candidate, features);
  for (std::int64_t lane = 0; lane < 5; ++lane) {
    const auto row = rows[candidate[lane].item<std::int64_t>()].contiguous();
    controller.set_flat({row.data_ptr<float>(), row.data_ptr<float>() + 867});
    EXPECT_LT((controller.act(features.slice(0, lane, lane + 1))[0] - together[lane]).abs().max().item<double>(), 1e-5);
  }
}

TEST(LinearController, RefusesWhatDoesNotFit) {
  LinearController controller(4, car);
  EXPECT_THROW(controller.set_flat({1, 2, 3}), Error);
  EXPECT_THROW(controller.act(torch::zeros({1, 5})), Error);
  EXPECT_THROW(controller.act_as(torch::zeros({2, 14}), torch::zeros({1}, torch::kInt64), torch::zeros({1, 4})), Error);
  EXPECT_THROW(squash_from("tanf"), Error);
  EXPECT_EQ(squash_from("cut"), Squash::cut);
}

TEST(LinearController, RawIsLeftAsItIs) {
  LinearController controller(2, {Squash::raw, Squash::tanh});
  controller.set_flat({0.5, 0, 3, 0, 0, 1});  // biases, then the rows of both features
  const auto features = torch::tensor({{1.0f, 2.0f}, {-4.0f, 0.0f}}), acts = controller.act(features);
  EXPECT_TRUE(torch::allclose(acts, torch::tensor({{3.5f, std::tanh(2.0f)}, {-11.5f, 0.0f}})));
  EXPECT_THROW(squash_from("raw"), Error) << "no setting asks for it";
  LinearController line(1, {Squash::raw});
  const auto x = torch::linspace(-2, 2, 50).unsqueeze(1), found = line.nearest_parameters(x, 3 * x - 5);
  EXPECT_LT((found - torch::tensor({-5.0f, 3.0f})).abs().max().item<double>(), 0.02);
}

TEST(RandomPolicy, IsABrownianMotionWithinTheBounds) {
  ActionSpace space;
  space.axes = {"steer", "gas"};
  space.low = {-1, 0};
  space.high = {1, 1};
  RandomPolicy policy(space, Rng(3)), twin(space, Rng(3)), other(space, Rng(4));
  std::vector<float> before = policy.next();
  EXPECT_EQ(before, twin.next());
  EXPECT_NE(before, other.next());
  double squares = 0;
  int inner = 0;
  bool low_seen = false, high_seen = false;
  for (int i = 0; i < 20000; ++i) {
    const auto now = policy.next();
    for (int axis = 0; axis < 2; ++axis) {
      ASSERT_GE(now[axis], space.low[axis]);
      ASSERT_LE(now[axis], space.high[axis]);
    }
    if (std::abs(before[0]) < 0.3f) squares += std::pow(now[0] - before[0], 2), ++inner;  // far from a bound: not cut
    low_seen |= now[0] == -1;
    high_seen |= now[0] == 1;
    before = now;
  }
  EXPECT_TRUE(low_seen && high_seen);
  EXPECT_NEAR(squares / inner, 1.0 / 50, 0.001);
}

TEST(RandomPolicy, HoldsADiscreteActionForOneToTenSteps) {
  ActionSpace space;
  space.choices = {"a", "b", "c", "d", "e"};
  RandomPolicy policy(space, Rng(5));
  std::vector<int> seen(5);
  int run = 0, longest = 0;
  float before = -1;
  for (int i = 0; i < 5000; ++i) {
    const auto action = policy.next();
    ASSERT_EQ(action.size(), 1u);
    ++seen.at(static_cast<std::size_t>(action[0]));
    run = action[0] == before ? run + 1 : 1;
    longest = std::max(longest, run);
    before = action[0];
  }
  for (const int count : seen) EXPECT_GT(count, 500);
  EXPECT_GE(longest, 10);
  EXPECT_LE(longest, 60);  // several draws of the same action in a row
}

TEST(RandomPolicy, HoldsAnAxisForOneToTenStepsWhereItIsAskedTo) {
  ActionSpace space;
  space.axes = {"steer"}, space.low = {-1}, space.high = {1}, space.idle = {0};
  RandomPolicy policy(space, Rng(6), 10, true);
  std::vector<int> runs(11);
  double sum = 0, squares = 0;
  int run = 0, drawn = 0;
  float before = policy.next()[0];
  for (int i = 1; i < 20000; ++i, ++run) {
    const float now = policy.next()[0];
    ASSERT_GE(now, -1);
    ASSERT_LE(now, 1);
    if (now == before) continue;
    ++runs.at(static_cast<std::size_t>(run) + 1);
    ++drawn, sum += before, squares += before * before;
    before = now, run = -1;
  }
  for (std::size_t length = 1; length <= 10; ++length) EXPECT_NEAR(runs[length], drawn / 10.0, drawn / 40.0) << length;
  EXPECT_NEAR(sum / drawn, 0, 0.05);
  EXPECT_NEAR(squares / drawn, 1.0 / 3, 0.03) << "uniform over its range";
}

}  // namespace linear_controller_test
}  // namespace dream
