#include "core/nn/stacked_mlp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/kernel_path.h"
#include "core/nn/optimiser.h"
#include "core/nn/precision.h"
#include "core/nn/simplex.h"
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

/// The kernel of eight and ATen's softmax, each way, with a half-filled vector at the end.
TEST(SimNorm, OfEightIsATensSoftmax) {
  torch::manual_seed(4);
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const double near = type == torch::kFloat32 ? 1e-6 : 8e-3;
    const auto values = (torch::randn({37, 24}) * 9).to(type), weights = torch::randn({37, 24}).to(type);
    auto x = values.clone().requires_grad_(), same = values.clone().requires_grad_();
    const auto y = sim_norm(x, 8), expected = torch::softmax(same.unflatten(-1, {-1, 8}), -1).flatten(-2);
    EXPECT_EQ(y.scalar_type(), type);
    EXPECT_TRUE(torch::allclose(y, expected, 0, near));
    (y * weights).sum().backward();
    (expected * weights).sum().backward();
    EXPECT_TRUE(torch::allclose(x.grad(), same.grad(), 0, 2 * near));
  }
}

/// bf16 products stay near float32's, of one and of several, and follow the weights.
TEST(StackedMlp, InBf16ItStaysNear) {
  for (const std::int64_t members : {1, 3}) {
    torch::manual_seed(5);
    StackedMlp net(small(members));
    for (auto& p : net->parameters()) p.data().normal_(0, 0.5);
    torch::NoGradGuard no_grad;
    const auto x = torch::randn({100, 5});
    for (int change = 0; change < 2; ++change) {
      const auto wide = net(x);
      net->set_bfloat16(true);
      const auto narrow = net(x);
      net->set_bfloat16(false);
      EXPECT_EQ(narrow.scalar_type(), torch::kFloat32);
      EXPECT_FALSE(torch::equal(narrow, wide));
      EXPECT_LT((narrow - wide).norm().item<double>(), 0.02 * wide.norm().item<double>());
      for (auto& p : net->parameters()) p.mul_(-1.5);
    }
  }
}

/// What the optimiser has changed is planned with, on the processor and as on a graphics card.
TEST(StackedMlp, ItsBf16FollowsTheOptimiser) {
  const auto learn = [] {
    torch::manual_seed(7);
    StackedMlp net(small(1));
    for (auto& p : net->parameters()) p.data().normal_(0, 0.5);
    net->set_bfloat16(true);
    const auto x = torch::randn({100, 5});
    Optimiser adam(net->parameters(), {.kind = OptimiserKind::adam, .learning_rate = 0.1, .adaptive_clip = 0, .warm_up = 0});
    for (int step = 0; step < 2; ++step) {
      torch::Tensor before;
      {
        torch::NoGradGuard no_grad;
        before = net(x);
      }
      net(x).square().sum().backward();
      adam.step();
      torch::NoGradGuard no_grad;
      const auto narrow = net(x);
      net->set_bfloat16(false);
      const auto wide = net(x);
      net->set_bfloat16(true);
      EXPECT_LT((narrow - wide).norm().item<double>(), 0.02 * wide.norm().item<double>());
      EXPECT_GT((narrow - before).norm().item<double>(), 0.1 * wide.norm().item<double>());
    }
  };
  learn();
  const WithoutKernels as_on_a_card;
  learn();
}

/// Weights that learn under autocast get gradients, whatever was computed without one in the same stretch before.
TEST(StackedMlp, LearnsUnderAutocast) {
  torch::manual_seed(6);
  StackedMlp net(small(2));
  const auto x = torch::randn({80, 5});
  const auto slopes = [&](bool narrow) {
    net->zero_grad();
    {
      const Autocast autocast(narrow, torch::kCPU);
      torch::NoGradGuard no_grad;
      net(x);
    }
    torch::Tensor loss;
    {
      const Autocast autocast(narrow, torch::kCPU);
      {
        torch::NoGradGuard no_grad;
        net(x);
      }
      loss = net(x).to(torch::kFloat32).square().sum();
    }
    loss.backward();
    std::vector<torch::Tensor> all;
    for (const auto& p : net->parameters()) all.push_back(p.grad().clone());
    return all;
  };
  const auto wide = slopes(false), narrow = slopes(true);
  for (std::size_t i = 0; i < wide.size(); ++i)
    EXPECT_LT((narrow[i] - wide[i]).norm().item<double>(), 0.05 * wide[i].norm().item<double>() + 1e-6) << i;
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
