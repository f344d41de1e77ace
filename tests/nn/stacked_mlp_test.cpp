#include "core/nn/stacked_mlp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/two_hot.h"

namespace dream {
namespace stacked_mlp_test {

StackedOptions small(std::int64_t members) {
  StackedOptions options;
  options.in = 5;
  options.layers = {{6, true, After::mish}, {4, false, After::none}};
  options.members = members;
  return options;
}

TEST(SimNorm, EveryGroupIsASimplex) {
  torch::manual_seed(1);
  const auto z = sim_norm(torch::randn({3, 512}) * 2, 8);
  EXPECT_GE(z.min().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(z.unflatten(-1, {-1, 8}).sum(-1), torch::ones({3, 64})));
  EXPECT_TRUE(torch::allclose(z.sum(-1), torch::full({3}, 64.0), 1e-4));
  const auto even = sim_norm(torch::zeros({8}), 8);
  EXPECT_NEAR(-(even * even.log()).sum().item<double>(), std::log(8), 1e-6);
}

TEST(TwoHotBins, OfTdMpc2) {
  const TwoHot bins(TwoHot::Kind::symlog, 101, torch::kCPU, 10);
  EXPECT_NEAR(bins.bins()[0].item<double>(), -10, 1e-6);
  EXPECT_NEAR((bins.bins()[51] - bins.bins()[50]).item<double>(), 0.2, 1e-6);
  const auto one = bins.target(torch::ones({1}))[0];
  EXPECT_NEAR(one[53].item<double>(), 0.534264, 1e-5);
  EXPECT_NEAR(one[54].item<double>(), 0.465736, 1e-5);
  EXPECT_NEAR(bins.mean((one + 1e-30).log().unsqueeze(0)).item<double>(), 1, 1e-5);
  EXPECT_EQ(bins.mean(torch::zeros({1, 101})).item<double>(), 0);
  EXPECT_NEAR(bins.loss(torch::zeros({1, 101}), torch::full({1}, -7.5)).item<double>(), 4.615121, 1e-5);
}

/// An ensemble is the same as its members one by one.
TEST(StackedMlp, AnEnsembleIsItsMembers) {
  torch::manual_seed(2);
  StackedMlp all(small(3)), one(small(1));
  for (auto& p : all->parameters()) p.data().normal_(0, 0.5);
  const auto x = torch::randn({2, 7, 5});
  const auto together = all(x);
  ASSERT_EQ(together.sizes(), (std::vector<std::int64_t>{3, 2, 7, 4}));
  torch::NoGradGuard no_grad;
  for (std::int64_t member = 0; member < 3; ++member) {
    const auto from = all->parameters();
    auto to = one->parameters();
    for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i].slice(0, member, member + 1));
    EXPECT_TRUE(torch::allclose(one(x), together[member], 1e-5, 1e-6));
  }
}

/// The kernel of Mish and ATen's operation, each way.
TEST(StackedMlp, ItsMishIsATensMish) {
  StackedOptions options;
  options.in = options.layers.emplace_back(StackedLayer{1, false, After::mish}).out;
  StackedMlp net(options);
  {
    torch::NoGradGuard no_grad;
    net->parameters()[0].fill_(1);
  }
  const auto values = torch::cat({torch::linspace(-120, 120, 4001), torch::linspace(-6, 6, 4001)}).unsqueeze(1);
  const auto x = values.clone().requires_grad_(), same = values.clone().requires_grad_();
  const auto y = net(x), expected = torch::mish(same);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-6));
  const auto weights = torch::linspace(-1, 2, values.numel()).unsqueeze(1);
  (y * weights).sum().backward();
  (expected * weights).sum().backward();
  EXPECT_TRUE(torch::allclose(x.grad(), same.grad(), 1e-5, 1e-6));
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(net(values), y));
}

TEST(StackedMlp, DropsByTheGivenChanceAlone) {
  auto options = small(2);
  options.dropout = 0.5;
  StackedMlp net(options);
  const auto x = torch::randn({64, 5});
  EXPECT_TRUE(torch::equal(net(x), net(x)));
  const auto dropped = net(x, make_generator(torch::kCPU, 3));
  EXPECT_TRUE(torch::equal(dropped, net(x, make_generator(torch::kCPU, 3))));
  EXPECT_FALSE(torch::equal(dropped, net(x)));
  EXPECT_FALSE(torch::equal(dropped, net(x, make_generator(torch::kCPU, 4))));
}

TEST(StackedMlp, BeginsAsItIsAsked) {
  auto options = small(2);
  options.zero_last = true;
  options.init = StackedInit::orthogonal;
  StackedMlp net(options);
  const auto weights = net->named_parameters();
  EXPECT_EQ(weights["weight1"].abs().max().item<double>(), 0);
  const auto first = weights["weight0"][1];  // [5, 6]
  EXPECT_TRUE(torch::allclose(torch::mm(first, first.t()), torch::eye(5), 1e-4, 1e-5));
}

TEST(StackedMlp, AnAverageFollows) {
  StackedMlp slow(small(2)), fast(small(2));
  follow_slowly(*slow, *fast, 1);
  const auto before = slow->parameters()[0].detach().clone();
  fast->parameters()[0].data().add_(1);
  follow_slowly(*slow, *fast, 0.01);
  EXPECT_TRUE(torch::allclose(slow->parameters()[0], before + 0.01, 1e-5, 1e-6));
}

}  // namespace stacked_mlp_test
}  // namespace dream
