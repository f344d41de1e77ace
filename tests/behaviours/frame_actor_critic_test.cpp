// The actor-critic on frames: against DIAMOND's and IRIS's (tests/golden/make_diamond.py), and what it does by itself.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/nn/generator.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace frame_actor_critic_test {

using test::HashedGolden;

ActionSpace four() {
  ActionSpace space;
  space.choices = {"a", "b", "c", "d"};
  return space;
}

FrameActorCriticOptions iris() {
  FrameActorCriticOptions options;
  options.net = FrameNet::plain;
  options.horizon = 14;
  options.discount = 0.995;
  options.past_ends = true;
  return options;
}

FrameActorCriticOptions small() {
  FrameActorCriticOptions options;
  options.width = 4;
  options.memory = 16;
  options.horizon = 6;
  return options;
}

constexpr std::int64_t steps = 15, lanes = 3;

/// What it makes of the frames that the dump was made of; `forget` where an episode ends.
FrameActorCritic::Dreamed over_recorded(FrameActorCritic& agent, const HashedGolden& golden, std::int64_t horizon, bool forget) {
  const auto frames = (test::hashed_pictures("frames", {steps + 1, lanes, 3, 64, 64}) + 1) / 2;
  FrameActorCritic::Dreamed dreamed;
  std::vector<torch::Tensor> policy, critic;
  auto memory = agent.initial(lanes);
  for (std::int64_t t = 0; t <= horizon; ++t) {
    const auto looked = agent.look(frames[t], memory);
    memory = looked.memory;
    policy.push_back(looked.policy);
    critic.push_back(looked.critic);
    if (forget && t < horizon) memory = where_fresh(golden("end")[t] > 0, agent.initial(lanes), memory);
  }
  const auto all = torch::stack(critic);
  dreamed.policy = torch::stack(policy).slice(0, 0, horizon);
  dreamed.critic = all.slice(0, 0, horizon);
  dreamed.action = torch::one_hot(golden("action").slice(0, 0, horizon).to(torch::kInt64), 4).to(torch::kFloat32);
  dreamed.reward = golden("reward").slice(0, 0, horizon);
  dreamed.end = golden("end").slice(0, 0, horizon);
  dreamed.next = all.slice(0, 1).squeeze(-1).detach();
  return dreamed;
}

void compare(const HashedGolden& golden, FrameActorCritic& agent, const FrameActorCritic::Dreamed& dreamed,
             const test::PartsOf& theirs) {
  const auto loss = agent.loss(dreamed, make_generator(torch::kCPU, 0));
  golden.close("loss", loss.total.detach());
  for (const auto& [name, term] : loss.terms) {
    if (name == "actor" || name == "critic" || name == "entropy") golden.close(name, term);
  }
  loss.total.backward();
  test::close_part_gradients(golden, agent, theirs);
}

TEST(FrameActorCritic, SameAsDiamond) {
  const HashedGolden golden("diamond/actor_critic.npz");
  auto options = FrameActorCriticOptions{};
  options.past_ends = true;  // where an episode of theirs ends, another begins
  FrameActorCritic agent({3, 64, 64}, four(), options);
  EXPECT_EQ(test::parameter_count(agent), 3'229'637);
  EXPECT_EQ(static_cast<double>(test::parameter_count(agent)), golden.number("count"));
  test::fill_parts(agent, diamond_actor_critic_parts);
  auto dreamed = over_recorded(agent, golden, steps, true);
  golden.close("logits", dreamed.policy.detach());
  golden.close("value", dreamed.critic.detach().squeeze(-1));
  compare(golden, agent, dreamed, diamond_actor_critic_parts);
}

TEST(FrameActorCritic, SameAsIris) {
  const HashedGolden golden("diamond/iris_actor_critic.npz");
  FrameActorCritic agent({3, 64, 64}, four(), iris());
  EXPECT_EQ(test::parameter_count(agent), 3'217'957);
  EXPECT_EQ(static_cast<double>(test::parameter_count(agent)), golden.number("count"));
  test::fill_parts(agent, iris_actor_critic_parts);
  const auto dreamed = over_recorded(agent, golden, 14, false);
  EXPECT_LT((dreamed.policy.detach() - golden("logits").slice(0, 0, 14)).abs().max().item<double>(), 1e-4);
  EXPECT_LT((dreamed.critic.detach().squeeze(-1) - golden("value").slice(0, 0, 14)).abs().max().item<double>(), 1e-4);
  compare(golden, agent, dreamed, iris_actor_critic_parts);
}

TEST(FrameActorCritic, WhatFollowsAnImaginedEndIsNotLearnedFrom) {
  FrameActorCritic agent({3, 16, 16}, four(), small());
  const auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  FrameActorCritic::Dreamed dreamed{torch::randn({4, 2, 4}, rng), torch::randn({4, 2, 1}, rng),
                                    torch::one_hot(torch::randint(4, {4, 2}, rng), 4).to(torch::kFloat32),
                                    torch::ones({4, 2}),          torch::zeros({4, 2}), torch::randn({4, 2}, rng)};
  dreamed.end[1][0] = 1;
  const auto before = agent.loss(dreamed, rng).total.item<double>();
  dreamed.reward.slice(0, 2).select(1, 0).fill_(-1);
  dreamed.critic.slice(0, 2).select(1, 0).fill_(9);
  EXPECT_EQ(agent.loss(dreamed, rng).total.item<double>(), before);
  dreamed.reward[1][0] = -1;
  EXPECT_NE(agent.loss(dreamed, rng).total.item<double>(), before);
}

TEST(FrameActorCritic, ItsMemoryBeginsWithTheFramesThatAreThere) {
  FrameActorCritic agent({3, 16, 16}, four(), small());
  const auto frames = torch::rand({3, 2, 3, 16, 16}, make_generator(torch::kCPU, 2));
  auto there = torch::ones({3, 2});
  there[0][1] = 0;
  const auto memory = agent.remember(frames, there);
  const auto late = agent.remember(frames.slice(0, 1), there.slice(0, 1));
  EXPECT_TRUE(memory.at("h")[1].allclose(late.at("h")[1]));
  EXPECT_FALSE(memory.at("h")[0].allclose(late.at("h")[0]));
}

/// The brightness of a frame says which of the first two actions is paid for.
TEST(FrameActorCritic, LearnsWhatAFrameAsksFor) {
  torch::manual_seed(3);
  auto options = small();
  options.discount = 0;
  FrameActorCritic agent({3, 16, 16}, four(), options);
  torch::optim::Adam adam(agent.parameters(), torch::optim::AdamOptions(3e-3));
  const auto rng = make_generator(torch::kCPU, 4);
  const auto frames = [&] { return torch::randint(2, {32}, rng).view({32, 1, 1, 1}).expand({32, 3, 16, 16}).to(torch::kFloat32); };
  double mean = 0;
  for (int update = 0; update < 90; ++update) {
    auto now = frames();
    double paid = 0;
    const FrameActorCritic::Start start{{}, {}, now};
    const auto loss = agent.learn(
        start,
        [&](const torch::Tensor& action) {
          const auto reward = (action.select(1, 0) == now.select(1, 0).select(1, 0).select(1, 0)).to(torch::kFloat32);
          paid += reward.mean().item<double>() / static_cast<double>(options.horizon);
          now = frames();
          return FrameActorCritic::Step{now, reward, torch::zeros({32})};
        },
        rng);
    adam.zero_grad();
    loss.total.backward();
    adam.step();
    mean = 0.9 * mean + 0.1 * paid;
  }
  EXPECT_GT(mean, 0.6);  // 0.25 by chance
}

/// Boxes too are tried out evenly, not by the policy's own deviation.
TEST(FrameActorCritic, TriesOutEvenlyWhereItCollects) {
  torch::NoGradGuard no_grad;
  ActionSpace box;
  box.axes = {"turn", "push"}, box.low = {-2, 0}, box.high = {2, 5}, box.idle = {0, 0};
  auto options = small();
  options.epsilon = 1;
  FrameActorCritic agent({3, 16, 16}, box, options);
  const auto image = torch::zeros({4000, 16, 16, 3}, torch::kUInt8);
  const auto action = agent.decide({.observation = {.image = image, .vector = {}}}, agent.initial(4000), Mode::collect, make_generator(torch::kCPU, 1)).action;
  for (int axis = 0; axis < 2; ++axis) {
    const auto x = action.select(1, axis);
    const double low = box.low[static_cast<std::size_t>(axis)], high = box.high[static_cast<std::size_t>(axis)];
    EXPECT_NEAR(x.mean().item<double>(), (low + high) / 2, 0.03 * (high - low));
    EXPECT_NEAR(x.std().item<double>(), (high - low) / std::sqrt(12.0), 0.03 * (high - low));
  }
}

TEST(FrameActorCritic, SmallPicturesAreRefused) {
  EXPECT_THROW(FrameActorCritic({3, 10, 10}, four(), {}), Error);
}

}  // namespace frame_actor_critic_test
}  // namespace dream
