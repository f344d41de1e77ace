// The model of LeCun's architecture: what its costs are, that the weights of them count at once, and what it learns.
#include "core/models/lecun.h"

#include <map>

#include "api/error.h"
#include "core/env/point_goal.h"
#include "core/env/two_room.h"
#include "core/nn/optimiser.h"
#include "tests/models/model_test.h"

namespace dream {
namespace lecun_test {

using test::seeded;

JepaOptions small() {
  JepaOptions options;
  options.observe = Looks::automatic;
  options.latent = 8, options.depth = 2, options.inverse_units = options.vector_units = options.predictor_units = 24,
  options.view.depth = 2;
  return options;
}
CostOptions few_units() {
  CostOptions costs;
  costs.units = 32;
  return costs;
}

/// Pieces of random steps in a world, [T, B].
template <typename World>
SequenceBatch walked(std::int64_t steps, std::int64_t lanes, double reach) {
  SequenceBatch batch;
  World env;
  const auto numbers = static_cast<std::int64_t>(env.spaces().vector_names.size());
  batch.image = torch::empty({steps, lanes, 64, 64, 3}, torch::kUInt8);
  batch.vector = torch::zeros({steps, lanes, numbers});
  batch.action = torch::zeros({steps, lanes, 2});
  batch.reward = torch::zeros({steps, lanes}),
  batch.terminated = batch.last = batch.first = torch::zeros({steps, lanes});
  batch.extra["cost"] = torch::zeros({steps, lanes, 1});
  Rng chance(4);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    env.reset(static_cast<std::uint64_t>(lane));
    for (std::int64_t t = 0; t < steps; ++t) {
      if (t > 0) {
        const std::vector<float> step{static_cast<float>(chance.uniform(-reach, reach)),
                                      static_cast<float>(chance.uniform(-reach, reach))};
        const auto result = env.step(step);
        batch.action[t][lane].copy_(torch::tensor(step));
        batch.reward[t][lane].fill_(result.reward), batch.extra["cost"][t][lane].fill_(result.cost);
      }
      env.observe_image({batch.image[t][lane].data_ptr<std::uint8_t>(), 64 * 64 * 3});
      if (numbers > 0) env.observe_vector({batch.vector[t][lane].data_ptr<float>(), static_cast<std::size_t>(numbers)});
    }
  }
  return batch;
}

class Lecun : public test::ModelTest {};

TEST_F(Lecun, PaysTheSumOfItsCostsEachByItsWeight) {
  LecunModel model(small(), few_units(), TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  const auto batch = walked<TwoRoom>(2, 2, 2);
  auto seen = model.observe(model.initial(2), torch::zeros({2, 2}), {batch.image[0], {}, batch.image[1]}, seeded(1));
  EXPECT_EQ(seen.at("costs").select(1, 2).abs().max().item<double>(), 0) << "no step led to the first frame";
  seen["weights"] = torch::tensor({{2.0f, 0.5f, 0.25f}, {0.0f, 0.0f, 1.0f}});
  const auto action = torch::tensor({{1.225f, -2.45f}, {2.45f, 0.0f}});  // of 2.45 at most: (0.5, -1) and (1, 0)
  const auto next = model.imagine(seen, action, {}, seeded(1));
  const auto costs = next.at("costs");
  const auto away = (next.at("z") - seen.at("goal")).square().mean(-1);
  EXPECT_TRUE(torch::allclose(costs.select(1, 0), away));
  EXPECT_NEAR(costs[0][2].item<double>(), (0.25 + 1) / 2, 1e-6);
  EXPECT_NEAR(costs[1][2].item<double>(), 0.5, 1e-6);
  EXPECT_GT(costs.select(1, 1).min().item<double>(), 0);
  const auto paid = model.outcome(next).reward;
  EXPECT_NEAR(paid[0].item<double>(), -(2 * away[0] + 0.5 * costs[0][1] + 0.25 * costs[0][2]).item<double>(), 1e-6);
  EXPECT_NEAR(paid[1].item<double>(), -0.5, 1e-6);
  EXPECT_FALSE(model.outcome(next).cost.defined()) << "two rooms charge nothing";
}

TEST_F(Lecun, TheConfiguratorsWeightsStandInTheState) {
  LecunModel model(small(), few_units(), TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  const auto set = model.configured(model.initial(2), {{"weight_energy", 0.4}, {"mode", 1}});
  EXPECT_TRUE(torch::allclose(set.at("weights"), torch::tensor({1.0f, 0.3f, 0.4f}).expand({2, 3})));
  EXPECT_TRUE(torch::equal(model.features(set).slice(-1, -3), set.at("weights")));
  EXPECT_EQ(model.features(set).size(-1), model.feature_count());
  // Who plans names no knob: what was wanted stays. A dream that is bent wants what it is bent to.
  const auto planned = model.imagine(set, torch::zeros({2, 2}), {}, seeded(1));
  EXPECT_TRUE(torch::equal(planned.at("weights"), set.at("weights")));
  const auto bent = model.imagine(set, torch::zeros({2, 2}), {{"weight_goal", 0}}, seeded(1));
  EXPECT_TRUE(torch::allclose(bent.at("weights"), torch::tensor({0.0f, 0.3f, 0.4f}).expand({2, 3})));
  const auto knobs = model.knobs();
  ASSERT_EQ(knobs.size(), 3u);
  const auto drawn = model.any_weights(500, seeded(2));
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_GE(drawn.select(1, i).min().item<double>(), 0);
    EXPECT_LE(drawn.select(1, i).max().item<double>(), knobs[static_cast<std::size_t>(i)].maximum);
    EXPECT_GT(drawn.select(1, i).max().item<double>(), 0.8 * knobs[static_cast<std::size_t>(i)].maximum);
  }
}

TEST_F(Lecun, AStepThatWasMeantAndDidNotHappenHarms) {
  LecunModel model(small(), few_units(), TwoRoom().spaces());
  auto batch = walked<TwoRoom>(4, 1, 2);
  batch.image[1].copy_(batch.image[0]), batch.action[1].fill_(1);     // meant, and nothing came of it
  batch.image[2].copy_(batch.image[1]), batch.action[2].fill_(0.01);  // not meant
  batch.image[3].copy_(batch.image[2]), batch.image[3][0][5][5][0] = 77, batch.action[3].fill_(1);
  EXPECT_TRUE(torch::equal(model.harm_of(batch), torch::tensor({{1.0f}, {0.0f}, {0.0f}})));
  // In the world itself: straight into a wall.
  TwoRoom env;
  env.reset(1);
  ASSERT_TRUE(env.stand_at(5.6 / 64, 32.0 / 64));
  env.observe_image({batch.image[0][0].data_ptr<std::uint8_t>(), 64 * 64 * 3});
  env.step(std::vector<float>{-2.45f, 0});
  env.observe_image({batch.image[1][0].data_ptr<std::uint8_t>(), 64 * 64 * 3});
  batch.action[1][0] = torch::tensor({-2.45f, 0.0f});
  EXPECT_EQ(model.harm_of(batch)[0].item<float>(), 1);
  // What a world charges is harm by itself.
  LecunModel charged(small(), few_units(), PointGoal().spaces());
  auto steps = walked<PointGoal>(3, 2, 1);
  steps.extra["cost"] = torch::tensor({0.0f, 0.0f, 4.0f, 1.0f, 0.0f, 2.0f}).view({3, 2, 1});
  EXPECT_TRUE(torch::equal(charged.harm_of(steps), torch::tensor({{4.0f, 1.0f}, {0.0f, 2.0f}})));
}

TEST_F(Lecun, SeesTheVectorWhereNoPictureIsToBeReached) {
  LecunModel driver(small(), few_units(), PointGoal().spaces()), walker(small(), few_units(), TwoRoom().spaces());
  EXPECT_FALSE(driver.sees_image());
  EXPECT_TRUE(walker.sees_image());
  torch::NoGradGuard no_grad;
  auto batch = walked<PointGoal>(3, 2, 1);
  const auto before = driver.loss(batch, small(), seeded(1)).total.item<double>();
  batch.image.fill_(7);
  EXPECT_EQ(driver.loss(batch, small(), seeded(1)).total.item<double>(), before);
  const auto seen =
      driver.observe(driver.initial(2), torch::zeros({2, 2}), {batch.image[0], batch.vector[0]}, seeded(1));
  EXPECT_TRUE(torch::equal(seen.at("z"), driver.encode(batch.vector[0])));
  EXPECT_TRUE(driver.outcome(seen).cost.defined());
  auto options = small();
  options.observe = Looks::vector;
  EXPECT_THROW(LecunModel(options, few_units(), TwoRoom().spaces()), Error);
}

/// A batch of each world by heart: what a step costs is foreseen, by the model's own loss alone.
TEST_F(Lecun, LearnsWhatStepsCost) {
  for (const bool rooms : {true, false}) {
    torch::manual_seed(1);
    const auto spaces = rooms ? TwoRoom().spaces() : PointGoal().spaces();
    LecunModel model(small(), few_units(), spaces);
    auto batch = rooms ? walked<TwoRoom>(4, 12, 2.45) : walked<PointGoal>(4, 12, 1);
    // Half of the steps harm, so that there is something to tell apart.
    if (rooms) {
      for (std::int64_t lane = 0; lane < 6; ++lane)
        for (std::int64_t t = 1; t < 4; ++t) batch.image[t][lane].copy_(batch.image[0][lane]);
    } else {
      batch.extra["cost"].slice(1, 0, 6).fill_(3);
      batch.reward.slice(1, 3, 9).add_(0.5);
    }
    Optimiser optimiser(model.learned(), {.kind = OptimiserKind::adam,
                                          .learning_rate = 3e-3,
                                          .eps = 1e-8,
                                          .clip_norm = 2,
                                          .adaptive_clip = 0,
                                          .warm_up = 0});
    std::map<std::string, double> first, last;
    for (int i = 0; i < 250; ++i) {
      const auto loss = model.loss(batch, small(), seeded(1));
      for (const auto& [name, term] : loss.terms) (i == 0 ? first : last)[name] = term.item<double>();
      loss.total.backward();
      optimiser.step();
    }
    EXPECT_LT(last.at("harm"), 0.1 * first.at("harm")) << rooms;
    ASSERT_EQ(last.contains("reach"), !rooms);
    if (!rooms) {
      EXPECT_LT(last.at("reach"), 0.2 * first.at("reach"));
    }
  }
}

}  // namespace lecun_test
}  // namespace dream
