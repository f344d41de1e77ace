// SafeDreamer's multiplier by closed forms, and its losses beside the authors' own code: same weights and imagination in,
// same returns, losses, gradients and multipliers out. See tests/golden/make_safe_dreamer.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/nn/checkpoint.h"
#include "core/nn/generator.h"

namespace dream {
namespace lagrangian_test {

constexpr double tolerance = 1e-4;  // relative to the largest value of a tensor

double after(Lagrangian& lagrangian, std::initializer_list<double> costs) {
  for (const double cost : costs) lagrangian.episode(cost);
  return lagrangian.multiplier();
}

TEST(LagrangianTest, TheIntegralOfTheErrorIsTheMultiplier) {
  LagrangianOptions options;
  options.integral = 0.01;
  Lagrangian by_integral(options);
  EXPECT_NEAR(after(by_integral, {52}), 0.001 + 0.27, 1e-12);
  EXPECT_NEAR(after(by_integral, {25, 15}), 0.171, 1e-12);
  EXPECT_EQ(after(by_integral, {0, 0}), 0) << "never below 0, nor its integral";
  EXPECT_NEAR(after(by_integral, {26}), 0.01, 1e-12);
  by_integral.live_options().limit = 20;
  EXPECT_NEAR(after(by_integral, {30}), 0.11, 1e-12) << "the limit is live";
  EXPECT_EQ(after(by_integral, {1e9}), 100);
  EXPECT_NEAR(after(by_integral, {10}), 99.9, 1e-9) << "the integral keeps to the bound, so that it comes down at once";
}

/// P 0.1 · 0.05 · 10, I 0.001 + 0.01 · 10, D 0.01 · 0.05 · 12.
TEST(LagrangianTest, PublishedGainsAtACostOfTwelve) {
  LagrangianOptions options;
  options.proportional = 0.1, options.integral = options.derivative = 0.01, options.limit = 2;
  Lagrangian wide(options);
  EXPECT_NEAR(after(wide, {12}), 0.05 + 0.101 + 0.006, 1e-12);
  options.most = 0.1;
  Lagrangian narrow(options);
  EXPECT_EQ(after(narrow, {12}), 0.1);
}

TEST(LagrangianTest, TheAugmentedOneOfThePaperHardlyMoves) {
  LagrangianOptions options;
  options.kind = Multiplier::augmented, options.limit = 25;
  Lagrangian lagrangian(options);
  const auto returns = torch::full({3, 4}, 35.0);
  EXPECT_NEAR(lagrangian.penalise(returns).item<double>(), 1e-6 * 10 + 5e-9 / 2 * 100, 1e-10);
  for (int i = 1; i < 5000; ++i) lagrangian.penalise(returns);
  EXPECT_NEAR(lagrangian.multiplier(), 2.574e-4, 1e-7);
  lagrangian.episode(1000);
  EXPECT_NEAR(lagrangian.multiplier(), 2.574e-4, 1e-7) << "real episodes are not its business";
  // Well below the limit: ψ no longer depends on the costs.
  options.penalty = 1;
  Lagrangian strict(options);
  auto cheap = torch::zeros({3, 4}).requires_grad_();
  EXPECT_NEAR(strict.penalise(cheap).item<double>(), -1e-12 / 2, 1e-15);
  EXPECT_EQ(strict.multiplier(), 0);
  // λ becomes dψ/dg.
  auto dear = torch::full({3, 4}, 27.0).requires_grad_();
  strict.penalise(dear).backward();
  EXPECT_NEAR(dear.grad().sum().item<double>(), strict.multiplier(), 1e-5);
}

// -- beside the authors' code ---------------------------------------------------------------------------------------

class SafeDreamerGolden : public ::testing::Test {
 protected:
  SafeDreamerGolden() : file_(Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/safe_dreamer/loss.safetensors")) {
    torch::set_num_threads(1);
    DreamerOptions options;
    options.safe_size = SafeSize::published;
    set_published(options, "safe-dreamer", false);
    auto& b = options.behaviour;
    b.units = 8, b.actor_layers = b.critic_layers = 1;
    options.lagrangian.limit = 2, options.lagrangian.penalty = 0.03;
    behaviour_ = std::make_unique<SafeActorCritic>(5, space(), b, options.lagrangian);
    behaviour_->named_buffers()["lagrangian.multiplier"].fill_(0.02);
    torch::NoGradGuard no_grad;
    for (auto& p : behaviour_->named_parameters()) p.value().copy_(at("weight/" + p.key()));
    dreamed_ = {at("in/deter"), at("in/action"), at("in/reward"), at("in/cont"), at("in/cost")};
  }
  static ActionSpace space() {
    ActionSpace space;
    space.axes = {"a", "b"};
    space.low = {-1, -1}, space.high = {1, 1}, space.idle = {0, 0};
    return space;
  }
  torch::Tensor at(const std::string& name) const { return file_.tensors.at(name); }
  static void close(const std::string& what, const torch::Tensor& ours, const torch::Tensor& theirs) {
    const auto a = ours.detach().to(torch::kFloat64).flatten(), b = theirs.to(torch::kFloat64).flatten();
    ASSERT_EQ(a.numel(), b.numel()) << what;
    const double size = std::max(1e-6, b.abs().max().item<double>());
    EXPECT_LE((a - b).abs().max().item<double>() / size, tolerance) << what;
  }
  static double term(const ActorCritic::Loss& loss, const std::string& name) {
    for (const auto& [key, value] : loss.terms)
      if (key == name) return value.item<double>();
    return NAN;
  }

  Checkpoint file_;
  std::unique_ptr<SafeActorCritic> behaviour_;
  ActorCritic::Dreamed dreamed_;
};

TEST_F(SafeDreamerGolden, LossesAndMultiplierAreTheAuthors) {
  for (const std::string update : {"0", "1", "2"}) {
    auto dreamed = dreamed_;
    for (auto* x : {&dreamed.features, &dreamed.reward, &dreamed.cost}) *x = x->clone().requires_grad_();
    const auto loss = behaviour_->loss(dreamed, torch::ones({7}), {}, make_generator(torch::kCPU, 1));
    close("return", loss.returns, at("out/reward_return"));
    EXPECT_NEAR(term(loss, "cost_return"), at("out/cost_return").mean().item<double>(), 1e-3);
    close("critics", loss.critic, at("out/reward_critic_loss") + at("out/cost_critic_loss"));
    EXPECT_NEAR(term(loss, "cost_critic"), at("out/cost_critic_loss").item<double>(), 1e-3);
    close("actor " + update, loss.actor, at("out/actor_loss" + update));
    close("multiplier", behaviour_->named_buffers()["lagrangian.multiplier"], at("out/multiplier" + update));
    close("penalty", behaviour_->named_buffers()["lagrangian.penalty"], at("out/penalty" + update));
    loss.actor.backward();
    const std::string gradient = "out/gradient" + update + "_";
    close("by features", dreamed.features.grad(), at(gradient + "deter"));
    close("by rewards", dreamed.reward.grad(), at(gradient + "reward"));
    close("by costs", dreamed.cost.grad(), at(gradient + "cost"));
  }
}

TEST_F(SafeDreamerGolden, PidIsTheAuthors) {
  LagrangianOptions options;
  options.proportional = 0.1, options.integral = options.derivative = 0.01, options.limit = 2;
  Lagrangian lagrangian(options);
  const auto costs = at("in/episode_costs"), expected = at("out/pid");
  for (std::int64_t i = 0; i < costs.size(0); ++i) {
    lagrangian.episode(costs[i].item<double>());
    EXPECT_NEAR(lagrangian.multiplier(), expected[i].item<double>(), 1e-10) << i;
  }
}

// -- the actor's aim by REINFORCE, which is ours --------------------------------------------------------------------

class SafeActorCriticTest : public SafeDreamerGolden {
 protected:
  std::unique_ptr<SafeActorCritic> make(Multiplier kind) const {
    DreamerOptions options;
    set_published(options, "safe-dreamer", false);
    auto& b = options.behaviour;
    b.units = 8, b.actor_layers = b.critic_layers = 1, b.horizon = 5, b.entropy = 0;
    options.lagrangian.kind = kind;
    torch::manual_seed(5);
    return std::make_unique<SafeActorCritic>(5, space(), b, options.lagrangian);
  }
  /// Of the actor's loss by all its weights, at this multiplier.
  torch::Tensor gradient(double multiplier, const ActorCritic::Dreamed& dreamed) const {
    const auto behaviour = make(Multiplier::pid);
    behaviour->named_buffers()["lagrangian.multiplier"].fill_(multiplier);
    behaviour->loss(dreamed, torch::ones({7}), {}, make_generator(torch::kCPU, 1)).actor.backward();
    std::vector<torch::Tensor> parts;
    for (const auto& p : behaviour->actor_parameters()) parts.push_back(p.grad().flatten());
    return torch::cat(parts);
  }
};

TEST_F(SafeActorCriticTest, WeighsTheTwoAdvantagesByTheMultiplier) {
  const auto rewards = gradient(0, dreamed_);
  auto swapped = dreamed_;
  swapped.reward = -dreamed_.cost;
  const auto costs = gradient(0, swapped);
  EXPECT_TRUE(torch::allclose(gradient(3, dreamed_), (rewards + 3 * costs) / 4, 1e-4, 1e-6));
  EXPECT_FALSE(torch::allclose(rewards, costs, 1e-2, 1e-4));
}

/// By REINFORCE ψ itself has no gradient: its derivative is the multiplier.
TEST_F(SafeActorCriticTest, TheAugmentedMultiplierWeighsAsWell) {
  const auto behaviour = make(Multiplier::augmented);
  behaviour->lagrangian().live_options().limit = 0;
  const auto loss = behaviour->loss(dreamed_, torch::ones({7}), {}, make_generator(torch::kCPU, 1));
  EXPECT_GT(behaviour->lagrangian().multiplier(), 1e-6);
  EXPECT_DOUBLE_EQ(term(loss, "multiplier"), static_cast<double>(static_cast<float>(behaviour->lagrangian().multiplier())));
}

TEST_F(SafeActorCriticTest, RefusesAModelWithoutCosts) {
  auto without = dreamed_;
  without.cost = torch::Tensor();
  EXPECT_THROW(behaviour_->loss(without, torch::ones({7}), {}, make_generator(torch::kCPU, 1)), Error);
}

}  // namespace lagrangian_test
}  // namespace dream
