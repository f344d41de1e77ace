// Linear layers over a few rows without gradient, against torch::linear.
#include <gtest/gtest.h>

#include "core/nn/dense.h"
#include "tests/support/hashed.h"

namespace dream {
namespace gemv_kernel_test {

using test::hashed_float;
using test::relative_error;

TEST(GemvKernel, EqualsTheLinearLayer) {
  torch::NoGradGuard no_grad;
  for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{1, 3}, {37, 5}, {70, 64}, {515, 1000}}) {
    auto layer = make_output(in, out, Init::fan_in, 1);
    layer->weight.copy_(hashed_float(1, {out, in}, 1));
    layer->bias.copy_(hashed_float(2, {out}, 1));
    const auto dense = hashed_float(3, {2, in}, 1), sparse = dense * (hashed_float(4, {2, in}, 1) > 0.8);
    for (const auto& x : {dense, sparse, torch::zeros({1, in}), dense.view({1, 2, in})}) {
      const auto y = apply_linear(layer, x);
      EXPECT_EQ(y.sizes(), layer(x).sizes());
      EXPECT_LT(relative_error(y, layer(x)), 1e-5) << in << " to " << out;
    }
  }
}

TEST(GemvKernel, LeavesGradientsToTheLinearLayer) {  // the kernel records nothing
  auto layer = make_output(6, 20, Init::fan_in, 1);
  apply_linear(layer, hashed_float(1, {2, 6}, 1)).sum().backward();
  ASSERT_TRUE(layer->weight.grad().defined());
  EXPECT_GT(layer->weight.grad().abs().sum().item<double>(), 0);
}

}  // namespace gemv_kernel_test
}  // namespace dream
