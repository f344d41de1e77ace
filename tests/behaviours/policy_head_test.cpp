#include "core/behaviours/policy_head.h"

#include <cmath>

#include "core/nn/generator.h"
#include "tests/models/model_test.h"

namespace dream {
namespace policy_head_test {

using test::hashed_float;
using test::seeded;

ActionSpace choices(int n) {
  ActionSpace space;
  for (int i = 0; i < n; ++i) space.choices.push_back(std::to_string(i));
  return space;
}

ActionSpace box(std::vector<float> low, std::vector<float> high) {
  ActionSpace space;
  space.axes.resize(low.size(), "axis");
  space.low = low;
  space.high = high;
  space.idle = low;
  return space;
}

constexpr BoxPolicy kinds[] = {BoxPolicy::normal, BoxPolicy::tanh_normal, BoxPolicy::truncated_normal};

class PolicyHeadTest : public test::ModelTest {};

TEST_F(PolicyHeadTest, AChoicesEntropyIsAtMostItsLogarithmAndUnimixKeepsItAboveZero) {
  const PolicyHead plain(choices(18), BoxPolicy::normal, 0), mixed(choices(18), BoxPolicy::normal, 0.01);
  EXPECT_EQ(mixed.output_size(), 18);
  EXPECT_NEAR(mixed.entropy(torch::zeros({18}), seeded(1)).item<double>(), std::log(18.0), 1e-5);
  auto certain = torch::zeros({18});
  certain[4] = 100;
  EXPECT_NEAR(plain.entropy(certain, seeded(1)).item<double>(), 0, 1e-5);
  EXPECT_GT(mixed.entropy(certain, seeded(1)).item<double>(), 0.05);
  EXPECT_NEAR(mixed.probabilities(certain)[0].item<double>(), 0.01 / 18, 1e-6);
  EXPECT_EQ(mixed.mode(certain, seeded(1)).argmax().item<std::int64_t>(), 4);
  const auto one_hot = torch::one_hot(torch::tensor({2}), 18).to(torch::kFloat32);
  EXPECT_NEAR(mixed.log_prob(certain.unsqueeze(0), one_hot).item<double>(), std::log(0.01 / 18), 1e-4);
  EXPECT_EQ(mixed.to_environment(one_hot).item<float>(), 2);
}

TEST_F(PolicyHeadTest, ThePapersMeansAndDeviations) {
  const auto output = torch::zeros({1, 4});
  const auto at = [&](BoxPolicy kind) {
    return PolicyHead(box({-1, -1}, {1, 1}), kind, 0).mean_deviation(output).second[0][0].item<double>();
  };
  EXPECT_NEAR(at(BoxPolicy::normal), 0.9 / (1 + std::exp(-2.0)) + 0.1, 1e-5);
  EXPECT_NEAR(at(BoxPolicy::tanh_normal), 5, 1e-3);
  EXPECT_NEAR(at(BoxPolicy::truncated_normal), 1.1, 1e-5);
  const PolicyHead tanh_normal(box({-1}, {1}), BoxPolicy::tanh_normal, 0);
  EXPECT_NEAR(tanh_normal.mean_deviation(torch::tensor({{3.0f, 0.0f}})).first.item<double>(), 5 * std::tanh(0.6), 1e-5);
}

/// What the sampler draws is what the likelihood says: E[-log p] is the entropy, ∫ p = 1, and the draws' shares of a
/// grid are the integrals of p.
TEST_F(PolicyHeadTest, SamplesFollowTheLikelihood) {
  for (const auto kind : kinds) {
    const PolicyHead head(box({-1}, {1}), kind, 0);
    const auto output = torch::tensor({{0.4f, kind == BoxPolicy::tanh_normal ? -4.0f : -1.0f}});
    const bool cut = kind != BoxPolicy::normal;
    const double low = cut ? -1 : -5, high = cut ? 1 : 5;
    const std::int64_t cells = 40000;
    const auto edge = torch::linspace(low, high, cells + 1);
    const auto middle = ((edge.slice(0, 0, -1) + edge.slice(0, 1)) / 2).unsqueeze(1);
    const auto density = head.log_prob(output.expand({cells, 2}), middle).exp().to(torch::kFloat64) *
                         ((high - low) / static_cast<double>(cells));
    EXPECT_NEAR(density.sum().item<double>(), 1, 2e-3) << name_of(kind);
    const std::int64_t count = 20000;
    const auto drawn = head.sample(output.expand({count, 2}), seeded(5));
    EXPECT_EQ(drawn.sizes(), (std::vector<std::int64_t>{count, 1}));
    const auto share = density.view({20, -1}).sum(1);
    const auto found = torch::histc(drawn.flatten(), 20, low, high).to(torch::kFloat64) / static_cast<double>(count);
    EXPECT_LT((share - found).abs().max().item<double>(), 4 * std::sqrt(0.25 / static_cast<double>(count)))
        << name_of(kind);
    const auto entropy = head.entropy(output.expand({count, 2}), seeded(6)).mean().item<double>();
    EXPECT_NEAR(entropy,
                -(density * (density / ((high - low) / static_cast<double>(cells)) + 1e-30).log()).sum().item<double>(),
                0.02)
        << name_of(kind);
    EXPECT_TRUE(torch::equal(drawn, head.sample(output.expand({count, 2}), seeded(5))));
    // The likeliest point is the mode.
    const auto mode = head.mode(output, seeded(7));
    EXPECT_NEAR(mode.item<double>(), middle[density.argmax()].item<double>(),
                kind == BoxPolicy::tanh_normal ? 0.1 : 1e-3)
        << name_of(kind);
  }
}

/// The gradient at fixed bounds: TensorFlow 2.21, with which the golden dump of V2 was made, moves the bounds along.
TEST_F(PolicyHeadTest, SamplesHaveTheirGradient) {
  for (const auto kind : kinds) {
    const PolicyHead head(box({-1, -1}, {1, 1}), kind, 0);
    const auto noise =
        kind == BoxPolicy::truncated_normal ? hashed_float(1, {6, 2}, 0.45) + 0.5 : hashed_float(1, {6, 2}, 1);
    auto output = (hashed_float(2, {6, 4}, 1) - (kind == BoxPolicy::tanh_normal ? 4.0 : 0.0)).requires_grad_();
    const auto at = [&] { return head.sample_at(output, noise).sum(); };
    at().backward();
    const auto gradient = output.grad().clone();
    torch::NoGradGuard no_grad;
    for (int i = 0; i < 6; ++i) {
      for (int j = 0; j < 4; ++j) {
        const auto old = output[i][j].item<float>();
        output[i][j] = old + 1e-2f;
        const double above = at().item<double>();
        output[i][j] = old - 1e-2f;
        const double below = at().item<double>();
        output[i][j] = old;
        EXPECT_NEAR(gradient[i][j].item<double>(), (above - below) / 2e-2, 1e-3) << name_of(kind);
      }
    }
  }
}

TEST_F(PolicyHeadTest, LikelihoodsHaveTheirGradient) {
  for (const auto kind : kinds) {
    const PolicyHead head(box({-1}, {1}), kind, 0);
    auto output = torch::tensor({{0.3f, -0.5f}}).requires_grad_();
    const auto action = torch::tensor({{0.6f}});
    head.log_prob(output, action).sum().backward();
    const auto gradient = output.grad().clone();
    torch::NoGradGuard no_grad;
    for (int j = 0; j < 2; ++j) {
      const auto old = output[0][j].item<float>();
      output[0][j] = old + 1e-2f;
      const double above = head.log_prob(output, action).item<double>();
      output[0][j] = old - 1e-2f;
      EXPECT_NEAR(gradient[0][j].item<double>(), (above - head.log_prob(output, action).item<double>()) / 2e-2, 1e-3)
          << name_of(kind);
      output[0][j] = old;
    }
  }
}

TEST_F(PolicyHeadTest, TheEnvironmentGetsItsOwnBounds) {
  const PolicyHead head(box({-1, 0, -2}, {1, 1, 6}), BoxPolicy::normal, 0);
  const auto close = [&](const torch::Tensor& action, const torch::Tensor& expected) {
    EXPECT_TRUE(torch::allclose(head.to_environment(action), expected));
  };
  close(torch::tensor({{-1.0f, -1.0f, -1.0f}}), torch::tensor({{-1.0f, 0.0f, -2.0f}}));
  close(torch::tensor({{1.0f, 1.0f, 1.0f}}), torch::tensor({{1.0f, 1.0f, 6.0f}}));
  close(torch::tensor({{0.0f, 0.0f, 0.0f}}), torch::tensor({{0.0f, 0.5f, 2.0f}}));
  close(torch::tensor({{-7.0f, 9.0f, 3.0f}}), torch::tensor({{-1.0f, 1.0f, 6.0f}}));
  // Beyond the bounds the gradient stays, so that an actor that learns through the dynamics can come back.
  auto far = torch::tensor({{4.0f, -4.0f, 0.5f}}).requires_grad_();
  head.to_environment(far).sum().backward();
  EXPECT_TRUE(torch::allclose(far.grad(), torch::tensor({{0.25f, 0.125f, 4.0f}})));
}

TEST_F(PolicyHeadTest, ADrawnChoiceCarriesItsGradientOnlyWhereOneIsAskedFor) {
  const PolicyHead head(choices(3), BoxPolicy::normal, 0.01);
  auto output = hashed_float(1, {4, 3}, 1).requires_grad_();
  EXPECT_TRUE(head.sample(output, seeded(1)).requires_grad());
  torch::NoGradGuard no_grad;
  const auto drawn = head.sample(output, seeded(1));
  EXPECT_TRUE(torch::equal(drawn.sum(-1), torch::ones({4})));
}

}  // namespace policy_head_test
}  // namespace dream
