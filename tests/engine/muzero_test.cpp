// MuZero's targets against closed forms, and its recipe as a whole, as small as it gets.
#include "core/engine/muzero/muzero.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/npy.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace muzero_test {

using test::expect_same;
using test::TempFolder;

/// r = 1 always, γ = 0.997, n = 10, nothing behind: (1 − γ^10) / (1 − γ).
TEST(MuzeroTargets, NStepReturnsAsTheClosedFormSays) {
  const auto ones = torch::ones({13, 1}, torch::kFloat64), none = torch::zeros({13, 1}, torch::kFloat64);
  const auto z = n_step_values(ones, none, none, ones, 2, 10, 0.997);
  EXPECT_EQ(z.sizes(), (std::vector<std::int64_t>{3, 1}));
  EXPECT_LT((z - 9.866074).abs().max().item<double>(), 1e-5);
  // With a value of 100 behind: γ^10 of it besides.
  EXPECT_NEAR(n_step_values(ones, 100 * ones, none, ones, 0, 10, 0.997).item<double>(), 9.866074 + 100 * std::pow(0.997, 10), 1e-4);
}

/// An episode that terminates, as muzero-general's compute_target_value has it (tests/golden/make_muzero.py).
TEST(MuzeroTargets, AsMuzeroGeneral) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/muzero/muzero.npz");
  const auto tensor = [&](const char* name) {
    const auto values = golden.at(name).view<double>(name);
    return torch::tensor(std::vector<double>(values.begin(), values.end()), torch::kFloat64).unsqueeze(1);
  };
  constexpr std::int64_t steps = 4;
  const auto reward = torch::constant_pad_nd(tensor("targets/reward"), {0, 0, 0, steps});  // T + 1, and beyond
  const auto value = torch::constant_pad_nd(tensor("targets/value"), {0, 0, 0, steps + 1});
  const auto wanted = tensor("targets/z");
  const auto length = wanted.size(0);
  auto terminated = torch::zeros_like(reward), alive = torch::ones_like(reward);
  terminated[length].fill_(1);
  alive.slice(0, length + 1).zero_();
  const auto made = n_step_values(reward, value, terminated, alive, length - 1, steps, 0.9);
  EXPECT_LT((made - wanted).abs().max().item<double>(), 1e-9);
}

/// Lane 0 terminates at frame 2, lane 1 is cut there by its time limit, and another episode follows.
TEST(MuzeroTargets, NothingOfTheNextEpisodeCounts) {
  const auto reward = torch::tensor({0.0, 1.0, 2.0, 50.0, 50.0}, torch::kFloat64).view({5, 1}).expand({5, 2});
  const auto value = torch::tensor({7.0, 7.0, 10.0, 90.0, 90.0}, torch::kFloat64).view({5, 1}).expand({5, 2});
  auto terminated = torch::zeros({5, 2}, torch::kFloat64), alive = torch::ones({5, 2}, torch::kFloat64);
  terminated[2][0] = 1;
  alive.slice(0, 3).zero_();
  const auto z = n_step_values(reward, value, terminated, alive, 2, 2, 0.5);
  EXPECT_EQ(z[0][0].item<double>(), 1 + 0.5 * 2);                   // and then nothing
  EXPECT_EQ(z[0][1].item<double>(), 1 + 0.5 * 2 + 0.25 * 10);       // what its last state is worth
  EXPECT_EQ(z[1][0].item<double>(), 2);
  EXPECT_EQ(z[1][1].item<double>(), 2 + 0.5 * 10);
  EXPECT_EQ(z[2][0].item<double>(), 0);
  EXPECT_EQ(z[2][1].item<double>(), 10);
}

std::unique_ptr<System> tiny(const std::filesystem::path& directory, std::vector<std::string> settings = {},
                             const char* world = "Catch") {
  RunSpec spec;
  spec.recipe = "muzero", spec.environment = world, spec.directory = directory;
  spec.settings = {"train.steps=80", "train.prefill=20", "train.lanes=2", "train.batch=4", "train.train_ratio=1",
                   "train.evaluate_episodes=2", "world.state=8", "world.units=16", "view.depth=2",
                   "search.simulations=3", "search.units=8", "learn.unroll=3", "learn.td_steps=2"};
  spec.settings.insert(spec.settings.end(), settings.begin(), settings.end());
  return make_system(spec);
}

class MuzeroTest : public ::testing::Test {
 protected:
  MuzeroTest() { torch::set_num_threads(1); }
  TempFolder folder_;
};

TEST_F(MuzeroTest, ResumesBitForBit) {
  const std::vector<std::vector<std::string>> variants = {
      {}, {"learn.consistency=2", "search.root=gumbel", "search.parent_value=true"}, {"world.observe=image"}};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto name = std::to_string(i);
    {
      Trainer trainer(tiny(folder_ / (name + "whole"), variants[i]), {1e9, ""}, false);
      while (trainer.advance()) {
      }
      trainer.close();
      EXPECT_GT(std::static_pointer_cast<MuzeroParts>(trainer.system().parts)->updates, 10);
    }
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(tiny(folder_ / (name + "torn"), variants[i]), {1e9, ""}, true);
      for (int k = 0; k < 5 && more; ++k) more = trainer.advance();
      trainer.close();
    }
    EXPECT_GT(resumptions, 2);
    expect_same(folder_ / (name + "whole"), folder_ / (name + "torn"));
  }
}

/// One batch, again and again: what is paid, done and worth there is known by heart.
TEST_F(MuzeroTest, LearnsASmallReplayByHeart) {
  Trainer trainer(tiny(folder_ / "run", {"train.steps=60", "train.prefill=58", "train.train_ratio=4000", "train.batch=16",
                                        "world.units=64", "world.state=32", "learn.reanalyse=0", "train.lanes=1"}),
                  {1e9, "learn"}, false);
  auto& metrics = trainer.system().metrics;
  double first_reward = -1, first_end = -1;
  while (trainer.advance()) {
    if (first_reward < 0 && std::isfinite(metrics.last("world/reward")))
      first_reward = metrics.last("world/reward"), first_end = metrics.last("world/end");
  }
  EXPECT_NEAR(first_reward, std::log(41.0), 1.2);  // of a uniform guess, times the share of steps within their episode
  EXPECT_LT(metrics.last("world/reward"), 0.1 * first_reward);
  EXPECT_LT(metrics.last("world/end"), 0.2 * first_end);
}

/// What follows the rewards of a value's target: a slow network that says 8 of everything, or searches that found next to
/// nothing when the steps were lived.
TEST_F(MuzeroTest, ValuesEndInWhatTheSlowNetworkSaysNowOrTheSearchSaidThen) {
  const auto learned = [&](bool fresh) {
    const std::string name = fresh ? "true" : "false";
    Trainer trainer(tiny(folder_ / name, {"train.prefill=10", "train.train_ratio=120", "train.batch=16", "learn.reanalyse=0",
                                          "learn.target_every=1000000", "learn.fresh_values=" + name}),
                    {1e9, "learn"}, false);
    const auto parts = std::static_pointer_cast<MuzeroParts>(trainer.system().parts);
    {
      torch::NoGradGuard no_grad;
      const auto& support = parts->slow_policy->support();
      for (auto& parameter : parts->slow_policy->parameters())
        if (parameter.dim() == 1 && parameter.size(0) == support.bins()) parameter[support.bins() / 2 + 2] = 50;  // h(8) = 2.008
    }
    while (trainer.advance()) {
    }
    torch::NoGradGuard no_grad;
    return parts->policy->support().mean(parts->policy->value_logits(trainer.system().starts.at("s"))).mean().item<double>();
  };
  const double fresh = learned(true), lived = learned(false);
  EXPECT_GT(fresh, 4);
  EXPECT_LT(lived, 2);
}

/// The viewing decoder sends nothing back.
TEST_F(MuzeroTest, TheViewingDecoderTeachesTheModelNothing) {
  const auto system = tiny(folder_ / "run", {"world.observe=image"});
  auto& model = dynamic_cast<MuzeroModel&>(*system->model);
  const auto image = torch::randint(0, 256, {3, 64, 64, 3}, torch::kInt64).to(torch::kUInt8);
  model.viewer()->loss(model.represent({image, {}}), image).backward();
  for (const auto& parameter : model.learned()) EXPECT_FALSE(parameter.grad().defined());
  EXPECT_LT(model.learned().size(), model.parameters().size());
  bool reached = false;
  for (const auto& parameter : model.viewer()->parameters()) reached = reached || parameter.grad().abs().sum().item<double>() > 0;
  EXPECT_TRUE(reached);
}

}  // namespace muzero_test
}  // namespace dream
