// Dyna with networks: its two losses against what they stand for, and the recipe as a whole.
#include <gtest/gtest.h>

#include <cmath>

#include "core/behaviours/q_network.h"
#include "core/engine/dyna/dyna.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "core/models/one_step_model.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace dyna_neural_test {

using test::expect_same;
using test::TempFolder;

class DynaNeuralTest : public ::testing::Test {
 protected:
  DynaNeuralTest() { torch::set_num_threads(1); }

  static std::unique_ptr<System> tiny(const char* world, const std::filesystem::path& directory,
                                      std::vector<std::string> settings = {}) {
    RunSpec spec;
    spec.recipe = "dyna-neural", spec.environment = world, spec.directory = directory;
    spec.settings = {"train.steps=120",           "train.prefill=40",    "train.lanes=2",  "train.batch=8",
                     "train.evaluate_episodes=2", "train.train_ratio=4", "world.units=16", "behaviour.units=16",
                     "dyna.planning_steps=2",     "view.depth=2"};
    spec.settings.insert(spec.settings.end(), settings.begin(), settings.end());
    return make_system(spec);
  }
  TempFolder folder_;
};

/// r + γ·Q'(x', argmax Q(x', ·)), by hand, with a slow copy that says something else than the network.
TEST_F(DynaNeuralTest, QLearnsTowardsTheSlowCopysValueOfItsOwnChoice) {
  torch::manual_seed(3);
  ActionSpace space;
  space.axes = {"choice"}, space.low = {0}, space.high = {1}, space.choices = {"a", "b"};
  QNetwork network(4, space, {.layers = 1, .units = 8, .discount = 0.9});
  const auto x = torch::randn({5, 4}), after = torch::randn({5, 4}), reward = torch::randn({5});
  const auto done = torch::tensor({0.0f, 0.0f, 1.0f, 0.0f, 0.0f}),
             counts = torch::tensor({1.0f, 1.0f, 1.0f, 0.0f, 1.0f});
  const auto action = torch::tensor({0.0f, 1.0f, 0.0f, 1.0f, 1.0f}).view({5, 1});
  const auto q_of = [&](const torch::Tensor& features, const char* which) {  // both networks are its children
    for (const auto& child : network.named_children())
      if (child.key() == which) return std::dynamic_pointer_cast<MlpImpl>(child.value())->forward(features);
    throw std::runtime_error(which);
  };
  {  // the network moves on, the copy stays
    torch::NoGradGuard no_grad;
    for (auto& parameter : network.learned()) parameter.add_(0.3 * torch::randn_like(parameter));
  }
  const auto loss = network.loss(x, action, reward, after, done, counts).item<double>();
  const auto q = q_of(x, "q"), ahead = q_of(after, "q"), slow = q_of(after, "slow");
  EXPECT_GT((ahead - slow).abs().max().item<double>(), 0.01);
  double wanted = 0, rows = 0;
  for (int i = 0; i < 5; ++i) {
    if (counts[i].item<float>() == 0) continue;
    const auto best = ahead[i].argmax().item<std::int64_t>();
    const double target = reward[i].item<double>() + 0.9 * (1 - done[i].item<double>()) * slow[i][best].item<double>();
    const double off = std::abs(q[i][static_cast<std::int64_t>(action[i][0].item<float>())].item<double>() - target);
    wanted += off < 1 ? 0.5 * off * off : off - 0.5;
    ++rows;
  }
  EXPECT_NEAR(loss, wanted / rows, 1e-5);
  network.update_slow();
  EXPECT_TRUE(torch::equal(q_of(after, "q"), q_of(after, "slow")));
}

/// Real steps of the cart, learned by heart: what is imagined is what came, in the world's own numbers.
TEST_F(DynaNeuralTest, TheModelImaginesTheStepThatCame) {
  torch::manual_seed(5);
  const auto env = make_env("CartPole");
  const auto& spaces = env->spaces();
  OneStepModel model({.layers = 2, .units = 64, .view = {.on = false}}, spaces);
  const std::int64_t steps = 64;
  auto seen = torch::zeros({steps, 4}), next = torch::zeros({steps, 4});
  auto action = torch::zeros({steps, 1}), reward = torch::zeros({steps}), done = torch::zeros({steps});
  env->reset(1);
  for (std::int64_t t = 0, episode = 1; t < steps; ++t) {
    env->observe_vector({seen[t].data_ptr<float>(), 4});
    const float push = t % 3 != 0;
    const auto result = env->step({&push, 1});
    env->observe_vector({next[t].data_ptr<float>(), 4});
    action[t][0] = push, reward[t] = result.reward, done[t] = result.terminated ? 1.0f : 0.0f;
    if (result.done()) env->reset(static_cast<std::uint64_t>(++episode));
  }
  model.fit_scale(seen);
  torch::optim::Adam optimiser(model.learned(), 3e-3);
  const auto x = model.input_of(seen), after = model.input_of(next), counts = torch::ones({steps});
  for (int i = 0; i < 1500; ++i) {
    optimiser.zero_grad();
    model.loss(x, action, after, reward, done, counts).total().backward();
    optimiser.step();
  }
  torch::NoGradGuard no_grad;
  auto carry = model.initial(steps);
  carry["x"] = x;
  const auto imagined = model.imagine(carry, action, {}, make_generator(torch::kCPU, 1));
  const auto still = (after - x).square().mean().item<double>();  // of who says that nothing changes
  EXPECT_LT((imagined.at("x") - after).square().mean().item<double>(), 0.01 * still);
  EXPECT_LT((imagined.at("reward") - reward).abs().max().item<double>(), 0.1);
  EXPECT_GT(done.sum().item<double>(), 1);
  EXPECT_LT((imagined.at("done") - done).abs().max().item<double>(), 0.2);
}

TEST_F(DynaNeuralTest, PlansAsOftenAsItIsTold) {
  for (const int planned : {0, 3}) {
    Trainer trainer(
        tiny("CartPole", folder_ / std::to_string(planned), {"dyna.planning_steps=" + std::to_string(planned)}),
        {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    const auto& metrics = trainer.system().metrics;
    EXPECT_TRUE(std::isfinite(metrics.last("behaviour/q")));
    EXPECT_EQ(std::isfinite(metrics.last("behaviour/q_planned")), planned > 0);
  }
}

TEST_F(DynaNeuralTest, ResumesBitForBit) {
  for (const char* world : {"CartPole", "DynaMaze"}) {
    {
      Trainer trainer(tiny(world, folder_ / (std::string(world) + "whole")), {1e9, "learn"}, false);
      while (trainer.advance()) {
      }
      trainer.close();
    }
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(tiny(world, folder_ / (std::string(world) + "torn")), {1e9, "learn"}, true);
      for (int k = 0; k < 6 && more; ++k) more = trainer.advance();
      trainer.close();
    }
    EXPECT_GT(resumptions, 2);
    expect_same(folder_ / (std::string(world) + "whole"), folder_ / (std::string(world) + "torn"));
  }
}

}  // namespace dyna_neural_test
}  // namespace dream
