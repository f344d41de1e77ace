#include "core/nn/attention.h"

#include <gtest/gtest.h>

#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {
namespace attention_test {

/// Answers and gradients of `x`: of float32 by the kernels, of float64 by ATen's operations.
std::pair<torch::Tensor, torch::Tensor> of(const torch::Tensor& x, const torch::Tensor& weights, std::int64_t heads,
                                           bool causal) {
  const auto from = x.detach().clone().requires_grad_();
  const auto out = attention(from, heads, causal);
  (out * weights).sum().backward();
  return {out.detach(), from.grad()};
}

TEST(Attention, IsWhatTheLibrarySays) {
  torch::manual_seed(1);
  struct Shape {
    std::int64_t groups, tokens, columns, heads, each;
  };
  // One vector of queries and several, whole and not; heads of less than a vector, of one, and of more; places apart
  // and not.
  for (const auto& s : {Shape{3, 8, 5, 2, 16}, Shape{2, 5, 3, 1, 3}, Shape{2, 37, 1, 2, 4}, Shape{1, 64, 2, 2, 8},
                        Shape{2, 33, 1, 1, 32}, Shape{2, 1, 4, 2, 5}, Shape{1, 17, 3, 3, 20}}) {
    for (const bool causal : {false, true}) {
      const auto width = s.heads * s.each;
      const auto x = torch::randn({s.groups, s.tokens, s.columns, 3 * width});
      const auto weights = torch::randn({s.groups, s.tokens, s.columns, width});
      const auto [out, slope] = of(x, weights, s.heads, causal);
      const auto [told, told_slope] = of(x.to(torch::kFloat64), weights.to(torch::kFloat64), s.heads, causal);
      EXPECT_LT((out - told).abs().max().item<double>(), 2e-6)
          << s.tokens << " tokens, heads of " << s.each << ", causal " << causal;
      EXPECT_LT((slope - told_slope).abs().max().item<double>(), 2e-5)
          << s.tokens << " tokens, heads of " << s.each << ", causal " << causal;
    }
  }
}

TEST(Attention, StaysExactWhereOneTokenIsAllThatIsSeen) {
  // Scores of some hundred: exponentials of what is not looked at are 0, and none overflows.
  auto x = torch::zeros({1, 20, 1, 24});
  x.slice(3, 0, 8).fill_(20), x.slice(3, 8, 16)[0][7].fill_(20), x.slice(3, 16)[0][7].fill_(3);
  const auto out = attention(x, 1, false);
  EXPECT_LT((out - 3).abs().max().item<double>(), 1e-6);
}

TEST(Attention, OfTheNextTokenIsThatOfTheWhole) {
  torch::manual_seed(2);
  const std::int64_t batch = 3, frames = 6, places = 4, heads = 2;
  for (const std::int64_t each : {3, 8, 20}) {
    const auto all = torch::randn({batch, frames, places, 3 * heads * each});
    const auto whole = attention(all, heads, true);
    const auto count = torch::tensor({0, 2, 5}, torch::kInt64), lane = torch::arange(batch);
    const auto next = attention_of_next(all.index({lane, count}), all, count, heads);
    EXPECT_LT((next - whole.index({lane, count})).abs().max().item<double>(), 2e-6) << "heads of " << each;
    const WithoutKernels plain;
    EXPECT_LT((attention_of_next(all.index({lane, count}), all, count, heads) - next).abs().max().item<double>(), 2e-6)
        << "heads of " << each;
  }
}

}  // namespace attention_test
}  // namespace dream
