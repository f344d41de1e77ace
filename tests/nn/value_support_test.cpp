#include "core/nn/value_support.h"

#include <gtest/gtest.h>

namespace dream {
namespace value_support_test {

/// MuZero's appendix F; numbers computed by hand from its formula.
TEST(ValueSupport, SquashesAndBack) {
  const auto x = torch::tensor({1.0, 10.0, 100.0, 1000.0}, torch::kFloat64);
  const auto h = torch::tensor({0.415214, 2.326625, 9.149876, 31.638584}, torch::kFloat64);
  EXPECT_LT((squash(x) - h).abs().max().item<double>(), 1e-6);
  EXPECT_LT((squash(-x) + h).abs().max().item<double>(), 1e-6);
  const auto back = unsquash(torch::tensor({10.0, 300.0}, torch::kFloat64));
  EXPECT_NEAR(back[0].item<double>(), 117.4303, 1e-3);
  EXPECT_NEAR(back[1].item<double>(), 58705.58, 1e-1);
  const auto all = torch::linspace(-5000, 5000, 1001, torch::kFloat64);
  EXPECT_LT((unsquash(squash(all)) - all).abs().max().item<double>(), 1e-6);
  const auto small = torch::linspace(-3, 3, 61);  // float32, as networks have it
  EXPECT_LT((unsquash(squash(small)) - small).abs().max().item<double>(), 1e-4);
}

TEST(ValueSupport, TwoBinsEncloseTheTarget) {
  const ValueSupport support(300);
  EXPECT_EQ(support.bins(), 601);
  const auto one = support.target(torch::tensor({1.0}));
  EXPECT_NEAR(one[0][300].item<double>(), 0.584786, 1e-5);
  EXPECT_NEAR(one[0][301].item<double>(), 0.415214, 1e-5);
  EXPECT_NEAR(one.sum().item<double>(), 1, 1e-6);
  // What lies beyond is held at the end.
  const ValueSupport narrow(10);
  const auto far = narrow.target(torch::tensor({1e6, -1e6}));
  EXPECT_EQ(far[0][20].item<double>(), 1);
  EXPECT_EQ(far[1][0].item<double>(), 1);
  // Read from what was written.
  const auto x = torch::tensor({-7.5, -0.2, 0.0, 0.3, 42.0});
  EXPECT_LT((support.mean(support.target(x).clamp_min(1e-12).log()) - x).abs().max().item<double>(), 1e-3);
  // Uniform at first: ln 601, and ln 21.
  EXPECT_NEAR(support.loss(torch::zeros({1, 601}), torch::tensor({3.0})).item<double>(), 6.3986, 1e-4);
  EXPECT_NEAR(narrow.loss(torch::zeros({1, 21}), torch::tensor({3.0})).item<double>(), 3.0445, 1e-4);
}

}  // namespace value_support_test
}  // namespace dream
