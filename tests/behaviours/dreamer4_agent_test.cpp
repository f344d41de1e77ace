// Dreamer 4's agent: PMPO asks of advantages no more than their signs, the policy does as the data did, and then better.
#include "core/behaviours/dreamer4_agent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/behaviours/pmpo.h"
#include "core/nn/optimiser.h"
#include "tests/models/model_test.h"

namespace dream {
namespace dreamer4_agent_test {

using test::seeded;

constexpr std::int64_t features = 3;

ActionSpace two_choices() {
  ActionSpace space;
  space.choices = {"left", "right"}, space.axes = {"choice"}, space.low = {0}, space.high = {1};
  return space;
}

ActionSpace two_axes() {
  ActionSpace space;
  space.axes = {"steer", "gas"}, space.low = {-1, 0}, space.high = {1, 1};
  return space;
}

const OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 1e-2, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0};

using Dreamer4Acting = test::ModelTest;
using Pmpo = test::ModelTest;

TEST_F(Pmpo, ComesToItsSum) {
  const auto log_prob = torch::tensor({-1.0f, -2.0f, -3.0f, -4.0f}), advantage = torch::tensor({2.0f, 0.0f, -1.0f, 5.0f}),
             divergence = torch::tensor({0.1f, 0.2f, 0.3f, 0.4f}), ones = torch::ones({4});
  // Three are not worse than expected, one is.
  EXPECT_NEAR(pmpo_loss(log_prob, advantage, divergence, ones, 0.5, 0.3).item<double>(), 0.5 * -3.0 - 0.5 * (-7.0 / 3) + 0.3 * 0.25, 1e-6);
  EXPECT_NEAR(pmpo_loss(log_prob, advantage, divergence, torch::tensor({1.0f, 0.0f, 1.0f, 1.0f}), 0.2, 0).item<double>(), 0.8 * -3.0 - 0.2 * -2.5, 1e-6)
      << "one is beyond an end";
  EXPECT_NEAR(pmpo_loss(log_prob, advantage.abs(), divergence, ones, 0.5, 0).item<double>(), 0.5 * 2.5, 1e-6) << "none is worse";
}

TEST_F(Pmpo, IgnoresTheScaleOfAdvantages) {
  const auto advantage = torch::randn({5, 7}, seeded(1)), divergence = torch::rand({5, 7}, seeded(2)), ones = torch::ones({5, 7});
  const auto gradient_for = [&](const torch::Tensor& by) {
    auto log_prob = (-torch::rand({5, 7}, seeded(3))).requires_grad_(true);
    pmpo_loss(log_prob, by, divergence, ones, 0.5, 0.3).backward();
    return log_prob.grad();
  };
  EXPECT_TRUE(torch::equal(gradient_for(advantage), gradient_for(1000 * advantage)));
  EXPECT_TRUE((gradient_for(advantage) * advantage <= 0).all().item<bool>()) << "what did better becomes likelier, what did worse less likely";
}

TEST_F(Pmpo, ADivergenceIsThatOfItsDistributions) {
  const PolicyHead choice(two_choices(), BoxPolicy::normal, 0.01), box(two_axes(), BoxPolicy::normal, 0);
  const auto logits = torch::randn({6, 2}, seeded(1)), others = torch::randn({6, 2}, seeded(2));
  const auto p = choice.probabilities(logits), q = choice.probabilities(others);
  EXPECT_LT((policy_divergence(choice, logits, others) - (p * (p / q).log()).sum(-1)).abs().max().item<double>(), 1e-6);
  EXPECT_LT(policy_divergence(choice, logits, logits).abs().max().item<double>(), 1e-6);
  const auto output = torch::randn({1, 4}, seeded(3)), prior = torch::randn({1, 4}, seeded(4));
  const auto many = box.sample(output.expand({200000, 4}), seeded(5));
  const auto sampled = (box.log_prob(output, many) - box.log_prob(prior, many)).mean().item<double>();
  EXPECT_NEAR(policy_divergence(box, output, prior).item<double>(), sampled, 0.02);
}

TEST_F(Dreamer4Acting, DoesAsTheDataDidAndKeepsThatAsItsPrior) {
  Dreamer4Agent agent(features, two_choices(), {.ahead = 2, .units = 16, .bins = 41});
  const auto seen = torch::eye(2).repeat({1, 2}).slice(1, 0, features);  // two states
  // In the first it went right and then left, in the second left twice.
  const auto done = torch::tensor({{{0.0f, 1.0f}, {1.0f, 0.0f}}, {{1.0f, 0.0f}, {1.0f, 0.0f}}});
  Optimiser optimiser(agent.policy_parameters(), adam);
  EXPECT_NEAR(agent.clone_loss(seen, done).mean().item<double>(), std::log(2), 0.05) << "it begins with even odds";
  for (int i = 0; i < 200; ++i) {
    agent.clone_loss(seen, done).mean().backward();
    optimiser.step();
  }
  EXPECT_LT(agent.clone_loss(seen, done).max().item<double>(), 0.1);
  torch::NoGradGuard no_grad;
  const auto gap = [&] {
    const auto dreamed = Dreamer4Agent::Dreamed{seen.unsqueeze(0).expand({2, 2, features}), done.select(1, 0).unsqueeze(0), torch::zeros({1, 2}),
                                                torch::ones({1, 2}), torch::ones({2})};
    return agent.loss(dreamed).divergence.item<double>();
  };
  EXPECT_GT(gap(), 0.1);
  agent.keep_clone();
  EXPECT_LT(gap(), 1e-6);
}

TEST_F(Dreamer4Acting, LearnsInDreamsWhatPaysAndIsPulledBackToItsPrior) {
  const auto probability_after = [](double scale, double beta) {
    torch::manual_seed(1);
    Dreamer4Agent agent(features, two_choices(), {.ahead = 1, .units = 16, .bins = 41, .discount = 0.9, .beta = beta});
    auto parameters = agent.policy_parameters();
    for (const auto& parameter : agent.value_parameters()) parameters.push_back(parameter);
    Optimiser optimiser(parameters, adam);
    auto rng = seeded(7);
    const auto seen = torch::ones({5, 32, features});
    for (int i = 0; i < 150; ++i) {
      torch::Tensor action;
      {
        torch::NoGradGuard no_grad;
        action = agent.sample(seen.slice(0, 0, 4), rng);
      }
      const auto loss = agent.loss({seen, action, scale * action.select(2, 1), torch::ones({4, 32}), torch::ones({32})});
      (loss.policy + loss.value).backward();
      optimiser.step();
    }
    torch::NoGradGuard no_grad;
    return agent.sample(torch::ones({2000, features}), rng).select(1, 1).mean().item<double>();
  };
  const auto free = probability_after(1, 0);
  EXPECT_GT(free, 0.9) << "right pays";
  EXPECT_GT(probability_after(0.01, 0), 0.9) << "however little";
  EXPECT_LT(probability_after(1, 3), free - 0.05) << "the prior has even odds";
}

TEST_F(Dreamer4Acting, ValuesAreLambdaReturnsAndStopAtAnEnd) {
  torch::manual_seed(1);
  Dreamer4Agent agent(features, two_choices(), {.ahead = 1, .units = 16, .bins = 41, .discount = 0.5, .lambda = 0.95});
  const auto action = torch::tensor({1.0f, 0.0f}).expand({3, 1, 2});
  const auto reward = torch::tensor({1.0f, 2.0f, 4.0f}).view({3, 1});
  const auto returns = [&](const torch::Tensor& going_on) {
    return agent.loss({torch::ones({4, 1, features}), action, reward, going_on, torch::ones({1})}).returns.item<double>();
  };
  // Its values begin at 0: R_2 = 4, R_1 = 2 + 0.5 · 0.95 · 4, R_0 = 1 + 0.5 · 0.95 · R_1.
  const double second = 2 + 0.475 * 4, first = 1 + 0.475 * second;
  EXPECT_NEAR(returns(torch::ones({3, 1})), (first + second + 4) / 3, 1e-4);
  const auto ends = torch::tensor({1.0f, 0.0f, 1.0f}).view({3, 1});
  EXPECT_NEAR(returns(ends), (1 + 0.475 * 2 + 2 + 4) / 3, 1e-4) << "nothing comes after the second step";
  const auto beyond = torch::tensor({0.0f, 1.0f, 1.0f}).view({3, 1});
  const auto loss = agent.loss({torch::ones({4, 1, features}), action, reward, beyond, torch::ones({1})});
  auto other = reward.clone();
  other[2] = -50;
  const auto same = agent.loss({torch::ones({4, 1, features}), action, other, beyond, torch::ones({1})});
  EXPECT_NEAR(loss.value.item<double>(), same.value.item<double>(), 1e-5) << "what lies beyond an end is not learned from";
}

TEST_F(Dreamer4Acting, ActsWithinABox) {
  Dreamer4Agent agent(features, two_axes(), {.ahead = 2, .units = 16, .bins = 41});
  torch::NoGradGuard no_grad;
  const auto drawn = agent.head().to_environment(agent.sample(torch::randn({500, features}, seeded(1)), seeded(2)));
  EXPECT_GE(drawn.select(1, 1).min().item<double>(), 0);
  EXPECT_LE(drawn.abs().max().item<double>(), 1);
  EXPECT_EQ(agent.clone_loss(torch::ones({4, features}), torch::zeros({4, 2, 2})).sizes(), (std::vector<std::int64_t>{4, 2}));
}

}  // namespace dreamer4_agent_test
}  // namespace dream
