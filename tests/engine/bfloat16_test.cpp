// What bf16 computes: near float32, and not the same. Elsewhere recipes are tested with it off.
#include <gtest/gtest.h>

#include "core/engine/dreamer/dreamer.h"
#include "core/engine/trainer.h"
#include "core/models/rssm.h"
#include "core/nn/precision.h"
#include "tests/data/temp_folder.h"
#include "tests/models/rssm_small.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace bfloat16_test {

class Bfloat16Test : public ::testing::Test {
 protected:
  Bfloat16Test() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
  static double distance(const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).abs().max().item<double>() / (1e-6 + b.abs().max().item<double>());
  }
};

/// Imagination of a training batch is in bf16; a few lanes, as an actor or a player has them, are in float32.
TEST_F(Bfloat16Test, ImaginationOfManyLanesAlone) {
  auto options = test::small({"dreamer-v3", "2024", true}).world;
  Rssm model(options, test::pixels(4));
  torch::NoGradGuard no_grad;
  for (auto& parameter : model.parameters()) parameter.copy_(torch::randn(parameter.sizes()) * 0.2);  // heads begin at 0
  for (const std::int64_t lanes : {63, 64}) {
    auto carry = model.initial(lanes);
    carry["h"] = torch::rand(carry.at("h").sizes()) - 0.5;
    const auto action = torch::randint(4, {lanes, 1}).to(torch::kFloat32);
    const auto moved = [&](bool bfloat16) {
      model.set_bfloat16(bfloat16);
      return model.imagine(carry, action, {}, test::seeded(3));
    };
    const auto plain = moved(false), coarse = moved(true);
    EXPECT_EQ(coarse.at("h").scalar_type(), torch::kFloat32);
    const auto off = distance(coarse.at("h"), plain.at("h"));
    EXPECT_LT(off, 0.05);
    EXPECT_EQ(off > 0, lanes == 64) << off;
    const auto rewards = [&](bool bfloat16) {
      model.set_bfloat16(bfloat16);
      return model.outcome(plain).reward;
    };
    EXPECT_EQ(torch::equal(rewards(true), rewards(false)), lanes == 63);
  }
}

/// Where training stays in float32, whole plans may be imagined in bf16 all the same; what a gradient passes is not.
TEST_F(Bfloat16Test, PlansAloneWhereTrainingIsNot) {
  Rssm model(test::small({"dreamer-v3", "2024", true}).world, test::pixels(4));
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : model.parameters()) parameter.copy_(torch::randn(parameter.sizes()) * 0.2);
  }
  const auto same = [&](std::int64_t lanes) {
    auto carry = model.initial(lanes);
    carry["h"] = torch::rand(carry.at("h").sizes()) - 0.5;
    const auto rewards = [&](bool plans) {
      model.set_bfloat16(false, plans);
      return model.outcome(carry).reward;
    };
    return torch::equal(rewards(true), rewards(false));
  };
  EXPECT_TRUE(same(128));
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(same(127));
  EXPECT_FALSE(same(128));
}

TEST_F(Bfloat16Test, TheActorAndTheCriticLearnInIt) {
  const auto options = test::small({"dreamer-v3", "2024", true}).behaviour;
  auto space = test::pixels(4).action;
  ActorCritic behaviour(24, space, options);
  {
    torch::NoGradGuard no_grad;  // the last layers begin at 0, where nothing differs
    for (auto& parameter : behaviour.parameters()) parameter.copy_(torch::randn(parameter.sizes()) * 0.2);
  }
  const std::int64_t steps = 4, lanes = 64;
  const ActorCritic::Dreamed dreamed{torch::randn({steps, lanes, 24}),
                                     torch::one_hot(torch::randint(4, {steps, lanes}), 4).to(torch::kFloat32),
                                     torch::rand({steps, lanes}), torch::ones({steps, lanes})};
  const auto zeros = torch::zeros({2, 32});
  const Replayed replayed{dreamed.features[0].view({2, 32, 24}), zeros, zeros, zeros};
  const auto before = [&] {
    Checkpoint state;
    store_module(state, "b", behaviour);
    for (auto& [name, tensor] : state.tensors) tensor = tensor.clone();
    return state;
  }();
  const auto learned = [&](bool bfloat16) {
    load_module(before, "b", behaviour);
    behaviour.set_bfloat16(bfloat16);
    behaviour.zero_grad();
    const auto loss = behaviour.loss(dreamed, torch::ones({lanes}), replayed, test::seeded(5));
    (loss.actor + loss.critic).backward();
    for (const auto& parameter : behaviour.actor_parameters()) EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat32);
    return std::array{loss.actor.detach(), loss.critic.detach(), behaviour.actor_parameters().front().grad().clone()};
  };
  const auto plain = learned(false), coarse = learned(true);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const auto off = distance(coarse[i].to(torch::kFloat32), plain[i]);
    EXPECT_GT(off, 0) << i;
    EXPECT_LT(off, 0.1) << i;
  }
}

/// A whole run: resumed bit for bit, near the float32 one at its first update, and not the same.
TEST_F(Bfloat16Test, ARunInItResumesBitForBit) {
  if (!bfloat16_is_fast(torch::kCPU)) GTEST_SKIP() << "this processor has no bf16";
  const test::TempFolder folder;
  const auto run = [&](const char* name, const char* bfloat16, int every) {
    double kl = 0;
    for (bool more = true; more;) {
      Trainer trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {"train.batch=8", "train.length=8", bfloat16}},
                                         folder / name, {"train.steps=90", "train.train_ratio=8"}),
                      {1e9, "learn"}, true);
      const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
      for (int i = 0; i < every && more; ++i) {
        more = trainer.advance();
        if (parts->updates == 1) kl = trainer.system().metrics.last("world/kl");
      }
      trainer.close();
    }
    return kl;
  };
  const auto coarse = run("whole", "train.bfloat16=true", 1000), plain = run("plain", "train.bfloat16=false", 1000);
  run("torn", "train.bfloat16=true", 4);
  test::expect_same(folder / "whole", folder / "torn");
  EXPECT_NE(coarse, plain);
  EXPECT_NEAR(coarse, plain, 0.05 * plain);
}

}  // namespace bfloat16_test
}  // namespace dream
