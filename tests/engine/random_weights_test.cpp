#include "core/engine/random_weights.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/behaviours/linear_controller.h"
#include "core/data/dataset.h"
#include "core/engine/collector.h"
#include "core/models/vmc.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"
#include "tests/support/toy.h"

namespace dream {
namespace random_weights_test {

RandomWeights::Parts small_parts() {
  auto model = std::make_shared<VmcModel>(MdnRnnOptions{8, 3, 64, 5, false});
  auto driver = std::make_shared<LinearController>(72, std::vector<Squash>{Squash::tanh, Squash::half, Squash::cut});
  return {std::move(model), std::move(driver)};
}

/// The median of |x| over all weights, which is a centred Cauchy distribution's scale.
double scale_of(const torch::nn::Module& module) {
  std::vector<torch::Tensor> all;
  for (const auto& parameter : module.parameters()) all.push_back(parameter.detach().flatten());
  return torch::cat(all).abs().median().item<double>();
}

class RandomWeightsTest : public ::testing::Test {
 protected:
  RandomWeightsTest() { torch::set_num_threads(1); }

  /// Collects the toy's episodes; gives up after `steps` calls where that is not 0.
  void collect(const std::string& name, std::int64_t lanes, std::int64_t episodes, int steps = 0) {
    Collector::Options options{folder_ / name, episodes, 50, lanes, Rng(3), 0};
    options.untrained = small_parts;
    Collector collector(
        options, "Toy", [] { return std::make_unique<test::ToyEnv>(test::ToyOptions{25, 0}); }, nullptr,
        "random-weights");
    for (int i = 0; collector.written() < episodes && (steps == 0 || i < steps); ++i) collector.step();
  }
  test::TempFolder folder_;
};

TEST_F(RandomWeightsTest, EveryEpisodeDrawsItsScaleAndAllWeights) {
  std::vector<RandomWeights::Parts> made;
  RandomWeights weights([&] { return made.emplace_back(small_parts()); }, 1, 3);
  ASSERT_EQ(made.size(), 1u);
  std::vector<double> scales;
  for (std::uint64_t episode = 0; episode < 8; ++episode) {
    weights.start(0, Rng(7).fork(episode));
    scales.push_back(scale_of(*made[0].model) * 1e4);
    EXPECT_GT(scales.back(), 0);
    EXPECT_LT(scales.back(), 0.0101);
    // 219 weights tell the scale to some 11 %.
    EXPECT_NEAR(scale_of(*made[0].behaviour) / scales.back(), 1, 0.5);
  }
  EXPECT_GT(*std::max_element(scales.begin(), scales.end()), 2 * *std::min_element(scales.begin(), scales.end()));
  const auto all = made[0].model->named_parameters()["v.conv4.weight"].flatten();
  EXPECT_GT(all.abs().max().item<double>(), 1000 * all.abs().median().item<double>()) << "the tails are Cauchy's";
}

TEST_F(RandomWeightsTest, AnEpisodeIsTheSameHoweverItWasCollected) {
  collect("whole", 1, 5);
  collect("torn", 3, 5, 1);
  collect("torn", 2, 5);
  const Dataset whole(folder_ / "whole"), torn(folder_ / "torn");
  ASSERT_EQ(whole.episodes(), 5u);
  ASSERT_EQ(torn.episodes(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto a = whole.read(i), b = torn.read(i);
    EXPECT_EQ(a.seed, b.seed);
    EXPECT_EQ(a.length(), 25u);
    EXPECT_EQ(a.actions, b.actions) << "episode " << i;
    EXPECT_EQ(a.frames, b.frames);
    EXPECT_NE(a.actions, whole.read((i + 1) % 5).actions);
  }
}

TEST_F(RandomWeightsTest, WeightsThatOverflowLetGoOfTheControls) {
  std::vector<RandomWeights::Parts> made;
  RandomWeights weights([&] { return made.emplace_back(small_parts()); }, 2, 3);
  weights.start(0, Rng(1));
  weights.start(1, Rng(2));
  {
    torch::NoGradGuard no_grad;
    made[1].model->named_parameters()["v.log_variance.bias"].fill_(std::numeric_limits<float>::infinity());
  }
  const auto actions = weights.act(torch::full({2, 64, 64, 3}, 100, torch::kUInt8));
  EXPECT_TRUE(actions.isfinite().all().item<bool>());
  EXPECT_NE(actions[0][0].item<float>(), 0);
  EXPECT_EQ(actions[1][0].item<float>(), 0);
}

TEST_F(RandomWeightsTest, TheRecipeCollectsWithItAndTrainsOnIt) {
  Trainer trainer(test::tiny_system(folder_ / "run", {"collect.policy=random-weights", "m.steps=1"}), {}, false);
  while (trainer.advance() && trainer.current()->name() != "m") {
  }
  trainer.close();
  EXPECT_GT(trainer.system().metrics.last("v/reconstruction"), 0);
  const Dataset data(folder_ / "run" / "data" / "random-weights");
  EXPECT_EQ(data.episodes(), 2u);
  EXPECT_EQ(data.info().policy, "random-weights");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / "data" / "random"));
}

}  // namespace random_weights_test
}  // namespace dream
