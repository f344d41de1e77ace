#include "core/behaviours/actor_critic.h"

#include <cmath>

#include "core/engine/dreamer/dreamer.h"
#include "tests/behaviours/two_states.h"
#include "tests/models/dreamer_golden.h"
#include "tests/models/model_test.h"

namespace dream {
namespace actor_critic_test {

using test::Golden;
using test::hashed_float;
using test::seeded;
using test::TwoStates;

class ActorCriticTest : public test::ModelTest {};

torch::Tensor column(std::vector<float> values) {
  return torch::tensor(values).unsqueeze(1);
}

TEST_F(ActorCriticTest, LambdaReturnsInClosedForm) {
  const double g = 0.997;
  const auto returns = [&](const torch::Tensor& reward, const torch::Tensor& value, double lambda) {
    return lambda_return(reward, torch::full_like(reward, g), value, torch::full_like(reward, lambda), value[-1]);
  };
  // Reward 1, no value: 1 + gλ + (gλ)², 1 + gλ, 1.
  const auto ones = column({1, 1, 1}), none = column({0, 0, 0});
  const auto r = returns(ones, none, 0.95);
  EXPECT_NEAR(r[0].item<double>(), 2.844243, 1e-5);
  EXPECT_NEAR(r[1].item<double>(), 1.947150, 1e-5);
  EXPECT_NEAR(r[2].item<double>(), 1, 1e-6);
  // With the value of reward 1 for ever every return is that value, whatever λ.
  const auto forever = torch::full({3, 1}, 1 / (1 - g), torch::kFloat64);
  for (const double lambda : {0.0, 0.5, 1.0})
    EXPECT_LT(((returns(ones, forever, lambda) - forever) / forever).abs().max().item<double>(), 1e-5);
  // λ = 0: one step and the value; λ = 1: all rewards and the last value.
  const auto reward = column({3, -1, 2}), value = column({10, 20, 30});
  EXPECT_TRUE(torch::allclose(returns(reward, value, 0), reward + g * value));
  EXPECT_NEAR(returns(reward, value, 1)[0].item<double>(), 3 - g + 2 * g * g + 30 * g * g * g, 1e-4);
}

TEST_F(ActorCriticTest, LambdaReturnsAsTheReferences) {
  Golden old("v3_23_math"), young("v3_24_math");
  const auto value = old("in/lambda_value"), last = old("in/lambda_bootstrap");
  const auto next = torch::cat({value.slice(0, 1), last.unsqueeze(0)});
  old.close("returns",
            lambda_return(old("in/lambda_reward"), old("in/lambda_discount"), next, torch::full_like(next, 0.95), last),
            old("out/lambda_return"));
  const auto at = [&](const char* name) { return young.steps(name); };
  const auto boot = at("in/lambda_boot"), own = at("in/lambda_value"), reward = at("in/lambda_reward").slice(0, 1);
  const auto lambda = (1 - at("in/lambda_last").slice(0, 1)) * 0.95,
             live = (1 - at("in/lambda_term").slice(0, 1)) * (1 - 1.0 / 333);
  young.close("replay", lambda_return(reward, live, boot.slice(0, 1), lambda, boot[-1]),
              young.steps("out/lambda_return_replay"));
  const auto going_on = at("in/lambda_cont").slice(0, 1);
  young.close("imagined", lambda_return(reward, going_on, own.slice(0, 1), torch::full_like(reward, 0.95), own[-1]),
              young.steps("out/lambda_return_imag"));
}

// -- the loss -----------------------------------------------------------------------------------------------------

ActorCriticOptions small(const std::string& recipe, bool discrete, const std::string& constants = "2024") {
  DreamerOptions o;
  o.constants = choice_of<Constants>(constants);
  if (o.constants == Constants::first_2023) o.size = Size::s;
  set_published(o, recipe, discrete);
  o.behaviour.units = 16;
  o.behaviour.actor_layers = o.behaviour.critic_layers = 1;
  o.behaviour.horizon = 5;
  return o.behaviour;
}

ActorCritic::Dreamed dream_of(const torch::Tensor& reward) {  // [S, N]
  const auto s = reward.size(0), n = reward.size(1);
  const auto action = torch::zeros({s, n, 2});
  action.select(2, 0).fill_(1);
  return {hashed_float(1, {s, n, 3}, 1), action, reward, torch::ones({s, n})};
}

TEST_F(ActorCriticTest, ACriticOfZerosBeginsAtTwiceTheLogarithmOfItsBins) {
  for (const char* constants : {"2024", "2023"}) {
    auto o = small("dreamer-v3", true, constants);
    o.discount = 1, o.lambda = 1;
    ActorCritic behaviour(3, TwoStates::choices(), o);
    EXPECT_EQ(behaviour.value(hashed_float(1, {7, 3}, 1)).abs().max().item<float>(), 0);
    const auto loss = behaviour.loss(dream_of(hashed_float(2, {6, 4}, 100)), torch::ones({4}), {}, seeded(1));
    EXPECT_NEAR(loss.critic.item<double>(), 2 * std::log(255.0),
                1e-4);  // 11.0825: the target's term and the slow critic's
  }
}

TEST_F(ActorCriticTest, TheReturnScaleFollowsTheReferences) {
  for (const char* file : {"v3_23_math", "v3_24_math"}) {
    Golden golden(file);
    auto o = small("dreamer-v3", true);
    o.lambda = 0, o.discount = 1;  // with a critic of zeros the returns are then the rewards
    ActorCritic behaviour(3, TwoStates::choices(), o);
    const auto returns = golden("in/norm_returns");  // [6, 5, 8]
    std::vector<torch::Tensor> ranges;
    for (int i = 0; i < 6; ++i) {
      const auto reward = torch::cat({torch::zeros({1, 8}), returns[i]});
      behaviour.loss(dream_of(reward), torch::ones({8}), {}, seeded(1));
      ranges.push_back(behaviour.named_buffers()["return_range"].clone());
    }
    golden.close("percentiles", torch::stack(ranges), golden("out/norm_percentiles"));
    const auto scale = (torch::stack(ranges).select(1, 1) - torch::stack(ranges).select(1, 0)).clamp_min(1);
    golden.close("scale", scale, golden("out/norm_scale"));
  }
}

TEST_F(ActorCriticTest, AdvantagesAreDividedByTheRangeOfReturnsWhenItExceedsOne) {
  auto o = small("dreamer-v3", true);
  o.lambda = 0, o.discount = 1, o.entropy = 0;
  const auto reward = torch::cat({torch::zeros({1, 100}), torch::linspace(0, 200, 500).view({5, 100})});
  const auto actor_loss = [&](double range) {
    torch::manual_seed(5);
    ActorCritic behaviour(3, TwoStates::choices(), o);
    behaviour.named_buffers()["return_range"].copy_(torch::tensor({0.0, range}));
    return behaviour.loss(dream_of(reward), torch::ones({100}), {}, seeded(1)).actor.item<double>();
  };
  // A range of 180 in the batch enters by a hundredth: 0 -> 1.8 and 500 -> 496.8 and 0.1.
  const double hundredth = 0.01 * 180;
  EXPECT_NEAR(actor_loss(500) / actor_loss(0), hundredth / (0.99 * 500 + hundredth), 1e-3);
  o.normalise_returns = false;
  EXPECT_NEAR(actor_loss(500) / actor_loss(0), 1, 1e-6);
}

TEST_F(ActorCriticTest, NothingIsLearnedBeyondAnEnd) {
  for (const char* recipe : {"dreamer-v2", "dreamer-v3"}) {
    ActorCritic behaviour(3, TwoStates::choices(), small(recipe, true));
    auto dreamed = dream_of(hashed_float(2, {6, 4}, 1));
    dreamed.going_on[2].zero_();
    const auto before = behaviour.loss(dreamed, torch::ones({4}), {}, seeded(1));
    dreamed.reward.slice(0, 3).fill_(1000);
    const auto after = behaviour.loss(dreamed, torch::ones({4}), {}, seeded(1));
    EXPECT_TRUE(torch::allclose(before.returns.slice(0, 0, 2), after.returns.slice(0, 0, 2))) << recipe;
    EXPECT_NEAR(before.critic.item<double>(), after.critic.item<double>(), 1e-5) << recipe;
  }
  // Of V2's start state the replay knows whether it was the end.
  ActorCritic v2(3, TwoStates::choices(), small("dreamer-v2", true));
  const auto dreamed = dream_of(hashed_float(2, {6, 4}, 1));
  const auto ended = v2.loss(dreamed, torch::zeros({4}), {}, seeded(1));
  EXPECT_TRUE(torch::allclose(ended.returns[0], dreamed.reward[0]));
  EXPECT_EQ(ended.actor.item<float>() == 0, false);  // weight 1 is left for the start itself
}

TEST_F(ActorCriticTest, TheReplaysRewardsReachTheModelAndItsEndsAreLeftAway) {
  auto o = small("dreamer-v3", true);
  ActorCritic behaviour(3, TwoStates::choices(), o);
  {
    torch::NoGradGuard no_grad;
    for (auto& p : behaviour.critic_parameters()) p.copy_(hashed_float(7, p.sizes().vec(), 0.3));
  }
  auto features = hashed_float(3, {4, 2, 3}, 1).requires_grad_();
  auto last = torch::zeros({4, 2});
  last[1][0] = 1;
  const Replayed replayed{features, torch::ones({4, 2}), torch::zeros({4, 2}), last};
  const auto loss = behaviour.loss(dream_of(torch::zeros({6, 8})), torch::ones({8}), replayed, seeded(1));
  loss.replay_critic.backward();
  const auto reached = features.grad().abs().sum(-1) > 0;
  EXPECT_TRUE(torch::equal(reached, torch::tensor({{true, true}, {false, true}, {true, true}, {false, false}})));
}

TEST_F(ActorCriticTest, TheSlowCriticFollows) {
  auto o = small("dreamer-v3", true);
  ActorCritic average(3, TwoStates::choices(), o);
  o.target = SlowCritic::copy;
  o.target_every = 3;
  ActorCritic copy(3, TwoStates::choices(), o);
  for (auto* behaviour : {&average, &copy}) {
    torch::NoGradGuard no_grad;
    behaviour->named_parameters()["critic.out.bias"].fill_(1);
    behaviour->named_parameters()["slow_critic.out.bias"].zero_();
  }
  for (int update = 1; update <= 4; ++update) {
    average.update_target();
    copy.update_target();
    EXPECT_NEAR(average.named_parameters()["slow_critic.out.bias"].mean().item<double>(), 1 - std::pow(0.98, update),
                1e-6);
    // After the first update and every third from there.
    EXPECT_EQ(copy.named_parameters()["slow_critic.out.bias"].mean().item<double>(), update == 4 ? 2 : 1);
    torch::NoGradGuard no_grad;
    copy.named_parameters()["critic.out.bias"].fill_(2);
  }
}

// -- a world with a known optimum -------------------------------------------------------------------------------

struct Toy {
  const char* name;
  ActorCriticOptions options;
  bool discrete;
  double best = 0.5;
};

std::vector<Toy> toys() {
  auto v2_dynamics = small("dreamer-v2", true), v2_mixed = small("dreamer-v2", true),
       v2_mixed_box = small("dreamer-v2", false);
  v2_dynamics.gradient = Gradient::dynamics;
  v2_mixed.gradient = v2_mixed_box.gradient = Gradient::mixed;
  v2_mixed.reinforce_share = v2_mixed_box.reinforce_share = 0.9;
  return {// V1's policy begins with a deviation of 5 before the tanh: all its draws are near -1 and 1, and it stays at
          // the better end unless both are much worse than what lies between.
          {"V1 through the dynamics", small("dreamer-v1", false), false, 0.1},
          {"V2 reinforce", small("dreamer-v2", true), true},
          {"V2 straight through", v2_dynamics, true},
          {"V2 mixed", v2_mixed, true},
          {"V2 through the dynamics", small("dreamer-v2", false), false},
          {"V2 mixed, box", v2_mixed_box, false},
          {"V3-23 reinforce", small("dreamer-v3", true, "2023"), true},
          {"V3-23 through the dynamics", small("dreamer-v3", false, "2023"), false},
          {"V3-24 reinforce", small("dreamer-v3", true), true},
          {"V3-24 reinforce, box", small("dreamer-v3", false), false}};
}

TEST_F(ActorCriticTest, EveryGradientFindsTheOptimumOfTwoStates) {
  for (auto& toy : toys()) {
    auto o = toy.options;
    o.discount = 0.5;  // so that the critic's 1 / (1 - 0.5) = 2 is soon learned
    o.replay_critic = 0;
    o.target_every = 20;
    o.target_share = 0.1;
    torch::manual_seed(1);
    TwoStates model(toy.discrete, toy.best);
    ActorCritic behaviour(2, toy.discrete ? TwoStates::choices() : TwoStates::box(), o);
    const OptimiserOptions adam{.kind = OptimiserKind::adam,
                                .learning_rate = 1.5e-2,
                                .eps = 1e-8,
                                .clip_norm = 100,
                                .adaptive_clip = 0,
                                .warm_up = 0};
    Optimiser actor(behaviour.actor_parameters(), adam), critic(behaviour.critic_parameters(), adam);
    const auto rng = seeded(2);
    const auto starts = model.initial(32),
               there = model.imagine(
                   starts,
                   toy.discrete ? torch::tensor({{0.0f, 1.0f}}).expand({32, 2}) : torch::full({32, 1}, toy.best), {},
                   rng);
    for (int update = 0; update < 250; ++update) {
      const auto loss = behaviour.learn(model, update % 2 ? starts : there, torch::ones({32}), {}, rng);
      (loss.actor + loss.critic).backward();
      actor.step();
      critic.step();
      behaviour.update_target();
    }
    torch::NoGradGuard no_grad;
    const auto value = behaviour.value(there.at("s")).mean().item<double>();
    double missed = 0;
    for (const auto& state : {starts.at("s"), there.at("s")}) {
      const auto output = behaviour.named_children()["actor"]->as<MlpImpl>()->forward(state);
      const auto& policy = behaviour.policy();
      missed = std::max(missed, toy.discrete ? policy.probabilities(output).select(1, 0).max().item<double>()
                                             : (policy.mode(output, rng) - toy.best).abs().mean().item<double>());
    }
    EXPECT_LT(missed, 0.1) << toy.name;
    // The value of the best policy is 2 from the second state on (V2's counts the present reward, V3's begins with the
    // next, which is the same here); chance in the policy costs some of it.
    EXPECT_NEAR(value, 2, 0.3) << toy.name;
  }
}

TEST_F(ActorCriticTest, ActsByItsPolicy) {
  auto o = small("dreamer-v1", false);
  ActorCritic behaviour(2, TwoStates::box(-2, 6), o);
  TwoStates model(false);
  const auto decided = [&](ActorCritic& who, std::int64_t lanes, Mode mode) {
    return who.decide({&model, model.initial(lanes)}, {}, mode, seeded(1)).action;
  };
  const auto judged = decided(behaviour, 3, Mode::judge);
  EXPECT_EQ(judged.sizes(), (std::vector<std::int64_t>{3, 1}));
  EXPECT_TRUE(torch::equal(judged, decided(behaviour, 3, Mode::judge)));
  EXPECT_FALSE(torch::equal(judged, decided(behaviour, 3, Mode::collect)));
  EXPECT_GE(judged.min().item<double>(), -2);
  EXPECT_LE(judged.max().item<double>(), 6);
  ActorCritic chooser(2, TwoStates::choices(), small("dreamer-v3", true));
  const auto chosen = decided(chooser, 200, Mode::collect);
  EXPECT_EQ(chosen.sizes(), (std::vector<std::int64_t>{200, 1}));
  EXPECT_NEAR(chosen.mean().item<double>(), 0.5, 0.2);  // near uniform at the start
}

/// ε-greedy, as V1 explores choices: a policy that is certain of one is left in half of ε of the cases.
TEST_F(ActorCriticTest, ChoicesAreExploredWithEpsilon) {
  auto o = small("dreamer-v1", true);
  EXPECT_EQ(o.exploration_noise, 0.1);
  o.exploration_noise = 0.5;
  ActorCritic chooser(2, TwoStates::choices(), o);
  {
    torch::NoGradGuard no_grad;
    chooser.actor_parameters().back().copy_(torch::tensor({40.0f, -40.0f}));
  }
  TwoStates model(true);
  const Seen seen{&model, model.initial(4000)};
  EXPECT_EQ(chooser.decide(seen, {}, Mode::judge, seeded(1)).action.sum().item<double>(), 0);
  EXPECT_NEAR(chooser.decide(seen, {}, Mode::collect, seeded(1)).action.mean().item<double>(), 0.25, 0.03);
}

}  // namespace actor_critic_test
}  // namespace dream
