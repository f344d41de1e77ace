// A batch imagined under its own actions, by a model that knows the toy world, or knows it wrongly.
#include "core/models/open_loop.h"

#include <gtest/gtest.h>

#include "core/behaviours/actor_critic.h"
#include "tests/support/toy.h"

namespace dream {
namespace open_loop_test {

class OpenLoopTest : public ::testing::Test {
 protected:
  OpenLoopTest() { torch::set_num_threads(1); }

  /// Two lanes of the toy, driven by a steady hand; the second begins a new episode at `again`.
  static SequenceBatch driven(std::int64_t steps, std::int64_t again) {
    SequenceBatch batch;
    batch.image = torch::zeros({steps, 2, 64, 64, 3}, torch::kUInt8);
    batch.action = torch::zeros({steps, 2, 3});
    batch.reward = torch::zeros({steps, 2});
    batch.terminated = batch.reward.clone(), batch.last = batch.reward.clone(), batch.first = batch.reward.clone();
    for (std::int64_t lane = 0; lane < 2; ++lane) {
      test::ToyEnv env({.length = 1000});
      for (std::int64_t t = 0; t < steps; ++t) {
        const bool first = t == 0 || (lane == 1 && t == again);
        if (first)
          env.reset(static_cast<std::uint64_t>(10 * lane + t));
        else {
          const float action[] = {lane == 0 ? 0.4f : -0.4f, 0, 0};
          batch.action[t][lane] = torch::tensor({action[0], 0.0f, 0.0f});
          batch.reward[t][lane] = env.step(action).reward;
        }
        batch.first[t][lane] = first ? 1 : 0;
        if (lane == 1 && t + 1 == again) batch.last[t][lane] = 1;
        auto picture = batch.image[t][lane];
        env.observe_image({picture.data_ptr<std::uint8_t>(), static_cast<std::size_t>(picture.numel())});
      }
    }
    return batch;
  }
};

double error_of(test::ToyModel& model, const SequenceBatch& batch) {
  const auto frames = open_loop_frames(model, batch, 3, at::make_generator<at::CPUGeneratorImpl>(1), 2, 100);
  EXPECT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[2].name, "open loop");
  EXPECT_EQ(frames[2].image->width, 64 * batch.steps());
  EXPECT_EQ(frames[2].image->height, 64 * 6);
  EXPECT_EQ(frames[2].rows, (std::vector<std::string>{"truth", "dream", "difference"}));
  EXPECT_EQ(frames[2].columns, batch.steps());
  EXPECT_EQ(frames[2].seen, 3);
  EXPECT_LT(frames[1].error, 1e-3) << "what was seen is painted again";
  return frames[2].error;
}

TEST_F(OpenLoopTest, ATrueModelForeseesAndAWrongOneDoesNot) {
  const auto batch = driven(20, 1000);
  test::ToyModel wise(0.1), still(0.0);
  EXPECT_LT(error_of(wise, batch), 1e-3);
  EXPECT_GT(error_of(still, batch), 0.01);
}

/// One lane's new episode is looked at; the other goes on dreaming.
TEST_F(OpenLoopTest, ALookInOneLaneTellsTheOtherNothing) {
  test::ToyModel still(0.0);
  const auto alone = driven(20, 1000), beside = driven(20, 12);
  const auto first_lane = [](const SequenceBatch& b) {
    const auto one = [](const torch::Tensor& x) { return x.slice(1, 0, 1); };
    return SequenceBatch{one(b.image), {}, one(b.action), one(b.reward), one(b.terminated), one(b.last), one(b.first)};
  };
  const auto error = [&](const SequenceBatch& b, std::int64_t lanes) {
    return open_loop_frames(still, b, 3, at::make_generator<at::CPUGeneratorImpl>(1), lanes, 100)[2].error;
  };
  // Errors are means over what was imagined: 17 frames of a lane, 16 of the one that is looked at once.
  const double lone = 17 * error(first_lane(alone), 1), both = 34 * error(alone, 2), broken = 33 * error(beside, 2);
  EXPECT_GT(lone, 0.05);
  EXPECT_LT(broken, both) << "the second lane was put right";
  EXPECT_GT(broken, 0.6 * lone) << "the first was not, which would leave a quarter";
}

TEST_F(OpenLoopTest, ASheetSaysWhichOfItsColumnsWereSeen) {
  test::ToyModel model(0.1);
  const auto sheet =
      open_loop_frames(model, driven(20, 1000), 6, at::make_generator<at::CPUGeneratorImpl>(1), 2, 4).back();
  EXPECT_EQ(sheet.columns, 4);
  EXPECT_EQ(sheet.stride, 5);
  EXPECT_EQ(sheet.seen, 2) << "steps 0 and 5 of the six that were seen";
}

TEST_F(OpenLoopTest, AModelThatPaintsNothingHasNoSheet) {
  struct Blind : test::ToyModel {
    Prediction predict(const Carry& carry) override { return outcome(carry); }
  } blind;
  EXPECT_TRUE(open_loop_frames(blind, driven(6, 1000), 3, at::make_generator<at::CPUGeneratorImpl>(1)).empty());
}

std::map<std::string, Curve> predicted(WorldModel& model, const SequenceBatch& batch, const Valued& valued) {
  ProbeSink sink({"predicted/reward", "predicted/continue", "predicted/value"});
  report_predicted(model, batch, 3, valued, sink, at::make_generator<at::CPUGeneratorImpl>(1));
  std::map<std::string, Curve> found;
  for (const auto& probe : sink.take()) found.emplace(probe.name, std::get<Curve>(*probe.value));
  return found;
}

/// The value is that of the imagined states, and the λ-return that of the imagined rewards, in the order of
/// ActorCritic.
TEST_F(OpenLoopTest, WhatIsForetoldIsImagined) {
  const auto batch = driven(10, 1000);
  test::ToyModel wise(0.1), still(0.0);  // both take the position for the reward
  const Valued valued{[](const torch::Tensor& features) { return 3 * features.select(-1, 1); }, 0.9, 0.8};
  const auto wrong = predicted(still, batch, valued);
  const auto& value = wrong.at("predicted/value");
  ASSERT_EQ(value.lines.size(), 3u);
  EXPECT_TRUE(value.lines[1].real);
  EXPECT_NEAR(value.lines[0].y[9], value.lines[0].y[2], 0.2) << "after the context its world stands still, noise aside";
  EXPECT_GT(predicted(wise, batch, valued).at("predicted/value").lines[0].y[9], value.lines[0].y[9] + 0.5);
  EXPECT_TRUE(wrong.at("predicted/reward").lines[1].real);
  EXPECT_NEAR(wrong.at("predicted/reward").lines[1].y[5], batch.reward[5][0].item<double>(), 1e-6);
  EXPECT_FALSE(predicted(wise, batch, {}).contains("predicted/value")) << "nobody values";

  struct Squashing : test::ToyModel {
    torch::Tensor reward_to_target(const torch::Tensor& reward) const override { return torch::tanh(reward); }
  } squashing;
  EXPECT_NEAR(predicted(squashing, batch, {}).at("predicted/reward").lines[1].y[5],
              std::tanh(batch.reward[5][0].item<double>()), 1e-6)
      << "held against what it was taught";

  const auto tensor = [](const std::vector<double>& y) { return torch::tensor(y, torch::kFloat64); };
  const auto v = tensor(value.lines[0].y), r = tensor(wrong.at("predicted/reward").lines[0].y);
  const auto live = 0.9 * tensor(wrong.at("predicted/continue").lines[0].y);
  const auto expected =
      lambda_return(r.slice(0, 1), live.slice(0, 1), v.slice(0, 1), torch::full({9}, 0.8, torch::kFloat64), v[9]);
  EXPECT_TRUE(torch::allclose(tensor(value.lines[2].y).slice(0, 0, 9), expected, 1e-6, 1e-6));
  double followed = value.lines[0].y[9];
  for (int t = 9; t > 0; --t) followed = batch.reward[t][0].item<double>() + 0.9 * followed;
  EXPECT_NEAR(value.lines[1].y[0], followed, 1e-5);
}

}  // namespace open_loop_test
}  // namespace dream
