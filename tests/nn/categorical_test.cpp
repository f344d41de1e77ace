#include "core/nn/categorical.h"

#include <cmath>

#include "core/nn/generator.h"
#include "tests/models/dreamer_golden.h"

namespace dream {
namespace categorical_test {

using test::Golden;

TEST(Categorical, UnimixAsTheReferences) {
  for (const char* file : {"v3_23_math", "v3_24_math"}) {
    Golden golden(file);
    const auto log_p = unimix(golden("in/unimix_logits"), 0.01);
    golden.close("log-probabilities", log_p, golden("out/unimix_logits"));
    golden.close("entropy", categorical_entropy(log_p), golden("out/unimix_entropy"));
    if (golden.has("out/unimix_kl"))
      golden.close("kl", categorical_kl(log_p, unimix(golden("in/unimix_other"), 0.01)), golden("out/unimix_kl"));
  }
}

TEST(Categorical, KnownNumbers) {
  EXPECT_NEAR(32 * categorical_entropy(unimix(torch::zeros({32}), 0)).item<double>(), 110.9035, 1e-3);
  EXPECT_NEAR(32 * categorical_entropy(unimix(torch::zeros({64}), 0.01)).item<double>(), 133.084, 1e-3);
  auto certain = torch::zeros({32});
  certain[3] = 1e4;
  EXPECT_NEAR(unimix(certain, 0.01)[0].item<double>(), -8.0709, 1e-4);  // ln(1 / 3200): no class dies
  const auto kl = categorical_kl(torch::log(torch::tensor({0.5, 0.5})), torch::log(torch::tensor({0.9, 0.1})));
  EXPECT_NEAR(kl.item<double>(), 0.510826, 1e-6);
  // KL(N(1, 2) ‖ N(0, 1)) = (4 + 1 - 1 - ln 4) / 2
  const auto scalar = [](double x) { return torch::tensor(x, torch::kFloat64); };
  EXPECT_NEAR(normal_kl(scalar(1), scalar(2), scalar(0), scalar(1)).item<double>(), (4 - std::log(4.0)) / 2, 1e-9);
  EXPECT_EQ(normal_kl(scalar(3), scalar(2), scalar(3), scalar(2)).item<double>(), 0);
}

TEST(Categorical, DrawsEveryClassAsOftenAsItsProbabilitySays) {
  const auto p = torch::tensor({0.5f, 0.3f, 0.15f, 0.05f, 0.0f});
  const auto drawn = sample_one_hot(torch::log(p).expand({20000, 5}), make_generator(torch::kCPU, 4));
  EXPECT_TRUE(torch::equal(drawn.sum(-1), torch::ones({20000})));
  EXPECT_TRUE(torch::equal(drawn.amax(-1), torch::ones({20000})));
  const auto share = drawn.mean(0);
  EXPECT_LT((share - p).abs().max().item<double>(), 4 * std::sqrt(0.25 / 20000));
  EXPECT_EQ(share[4].item<float>(), 0);
  const auto again = sample_one_hot(torch::log(p).expand({20000, 5}), make_generator(torch::kCPU, 4));
  EXPECT_TRUE(torch::equal(drawn, again));
}

TEST(Categorical, StraightThroughIsOneHotForwardAndTheSoftmaxBackward) {
  const auto logits = test::hashed_float(1, {1, 5}, 2).requires_grad_();
  const auto log_p = unimix(logits, 0);
  const auto one_hot = sample_one_hot(log_p, make_generator(torch::kCPU, 1));
  const auto z = straight_through(one_hot, log_p);
  EXPECT_TRUE(torch::allclose(z, one_hot, 0, 1e-7));
  const auto p = torch::softmax(logits.detach()[0], -1);
  const auto jacobian = torch::diag(p) - p.unsqueeze(1) * p.unsqueeze(0);
  for (int i = 0; i < 5; ++i) {
    const auto row = torch::autograd::grad({z[0][i]}, {logits}, {}, true)[0];
    EXPECT_LT((row[0] - jacobian[i]).abs().max().item<double>(), 1e-6);
  }
}

TEST(Categorical, KlHasItsGradientOnEitherSide) {
  const auto at = [](const torch::Tensor& a, const torch::Tensor& b) {
    return categorical_kl(unimix(a, 0.01), unimix(b, 0.01)).sum();
  };
  for (const int side : {0, 1}) {
    const auto a = test::hashed(1, {2, 4}), b = test::hashed(2, {2, 4});
    auto fa = a.to(torch::kFloat32).requires_grad_(side == 0), fb = b.to(torch::kFloat32).requires_grad_(side == 1);
    at(fa, fb).backward();
    auto& moved = side == 0 ? fa : fb;
    const auto gradient = moved.grad().clone();
    torch::NoGradGuard no_grad;
    for (const auto& [i, j] : {std::pair{0, 1}, {1, 3}}) {
      const auto old = moved[i][j].item<float>();
      moved[i][j] = old + 1e-2f;
      const double above = at(fa, fb).item<double>();
      moved[i][j] = old - 1e-2f;
      const double below = at(fa, fb).item<double>();
      moved[i][j] = old;
      EXPECT_NEAR(gradient[i][j].item<double>(), (above - below) / 2e-2, 2e-4);
    }
  }
}

}  // namespace categorical_test
}  // namespace dream
