// What is left out: how much, evenly, the same both ways, whatever threads there are.
#include "core/nn/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/torch.h"

namespace dream {
namespace dropout_test {

TEST(Dropout, LeavesOutAShareAndKeepsTheMean) {
  auto rng = make_generator(torch::kCPU, 1);
  for (const double share : {0.01, 0.1, 0.5, 0.9}) {
    constexpr std::int64_t count = 1 << 20;
    const auto y = dropout(torch::ones({count}), share, rng);
    const double left_out = (y == 0).to(torch::kFloat32).mean().item<double>();
    const double deviation = std::sqrt(share * (1 - share) / count);
    EXPECT_NEAR(left_out, share, 5 * deviation);
    EXPECT_TRUE(torch::allclose(y.masked_select(y != 0), torch::full({1}, 1 / (1 - share)), 1e-6));
    // Neighbours, and the same place of two draws, know nothing of each other.
    const auto dropped = (y == 0).to(torch::kFloat32);
    const auto other = (dropout(torch::ones({count}), share, rng) == 0).to(torch::kFloat32);
    const double both = share * share, spread = 5 * std::sqrt(both * (1 - both) / count);
    for (const std::int64_t apart : {1, 2, 16, 128, 4096})
      EXPECT_NEAR((dropped.slice(0, apart) * dropped.slice(0, 0, -apart)).mean().item<double>(), both, spread + 1e-6) << apart;
    EXPECT_NEAR((dropped * other).mean().item<double>(), both, spread + 1e-6);
  }
}

TEST(Dropout, TheGradientLeavesOutTheSame) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    auto rng = make_generator(torch::kCPU, 2);
    auto x = torch::ones({1003, 77}).to(type).requires_grad_();
    const auto y = dropout(x, 0.25, rng);
    y.sum().backward();
    EXPECT_EQ(y.scalar_type(), type);
    EXPECT_TRUE(torch::equal(x.grad(), y.detach()));
  }
}

TEST(Dropout, IsTheSameOfOneSeedHoweverManyThreads) {
  const auto draw = [](int threads) {
    const int before = at::get_num_threads();
    torch::set_num_threads(threads);
    auto rng = make_generator(torch::kCPU, 3);
    const auto y = dropout(torch::ones({300001}), 0.3, rng);
    torch::set_num_threads(before);
    return y;
  };
  EXPECT_TRUE(torch::equal(draw(1), draw(2)));
  auto other = make_generator(torch::kCPU, 4);
  EXPECT_FALSE(torch::equal(draw(1), dropout(torch::ones({300001}), 0.3, other)));
  EXPECT_TRUE(torch::equal(dropout(torch::ones({3}), 0, other), torch::ones({3})));
}

}  // namespace dropout_test
}  // namespace dream
