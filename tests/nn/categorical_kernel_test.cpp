// The fused categorical kernels against ATen's own operations, at sizes that do and do not fill whole vectors.
#include <gtest/gtest.h>

#include "core/nn/categorical.h"
#include "core/nn/generator.h"
#include "tests/support/hashed.h"

namespace dream {
namespace categorical_kernel_test {

using test::hashed_float;
using test::relative_error;

TEST(CategoricalKernel, UnimixEqualsAten) {
  for (const std::int64_t classes : {2, 3, 4, 16, 24, 32, 50}) {
    for (const double share : {0.0, 0.01}) {
      const auto x = hashed_float(1, {7, 5, classes}, 6), weight = hashed_float(2, {7, 5, classes}, 1);
      auto fused_in = x.clone().requires_grad_(true), plain_in = x.clone().requires_grad_(true);
      const auto fused = unimix(fused_in, share);
      const auto plain =
          share > 0 ? torch::log(torch::softmax(plain_in, -1) * (1 - share) + share / static_cast<double>(classes))
                    : torch::log_softmax(plain_in, -1);
      EXPECT_LT(relative_error(fused, plain), 1e-6) << classes;
      (fused * weight).sum().backward();
      (plain * weight).sum().backward();
      EXPECT_LT(relative_error(fused_in.grad(), plain_in.grad()), 1e-5) << classes;
      torch::NoGradGuard no_grad;
      EXPECT_TRUE(unimix(x, share).equal(fused));
    }
  }
}

TEST(CategoricalKernel, DrawsAreOneHotAndFollowTheProbabilities) {
  auto rng = make_generator(torch::kCPU, 3);
  for (const std::int64_t classes : {3, 16, 20}) {
    const auto log_p = unimix(hashed_float(1, {1, classes}, 2), 0.01);
    constexpr std::int64_t draws = 40000;
    const auto drawn = sample_one_hot(log_p.expand({draws, classes}), rng);
    EXPECT_TRUE(drawn.sum(-1).eq(1).all().item<bool>());
    EXPECT_TRUE(drawn.eq(0).logical_or(drawn.eq(1)).all().item<bool>());
    // Five standard deviations of a frequency.
    const auto p = log_p.exp().squeeze(0), allowed = 5 * (p * (1 - p) / static_cast<double>(draws)).sqrt();
    EXPECT_TRUE((drawn.mean(0) - p).abs().lt(allowed).all().item<bool>()) << classes;
  }
}

TEST(CategoricalKernel, ACertainClassIsAlwaysDrawn) {
  auto rng = make_generator(torch::kCPU, 4);
  const auto log_p = torch::log_softmax(torch::tensor({{0.0f, -90.0f, -90.0f}, {-90.0f, -90.0f, 0.0f}}), -1);
  const auto expected = torch::tensor({{1.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 1.0f}});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(sample_one_hot(log_p, rng).equal(expected));
}

TEST(CategoricalKernel, TheGradientGoesStraightThroughTheDraw) {
  const auto x = hashed_float(1, {4, 6}, 2), weight = hashed_float(2, {4, 6}, 1);
  const auto one_hot = torch::zeros({4, 6}).index_put_({torch::arange(4), torch::tensor({1, 0, 5, 2})}, 1);
  auto through = x.clone().requires_grad_(true), direct = x.clone().requires_grad_(true);
  const auto value = straight_through(one_hot, through);
  EXPECT_TRUE(value.equal(one_hot));
  (value * weight).sum().backward();
  (direct.exp() * weight).sum().backward();
  EXPECT_LT(relative_error(through.grad(), direct.grad()), 1e-6);
}

}  // namespace categorical_kernel_test
}  // namespace dream
