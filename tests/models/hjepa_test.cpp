// Two levels of JEPA: what the upper one loses, where it leads, and that the lower one follows.
#include "core/models/hjepa.h"

#include <set>

#include "api/error.h"
#include "core/behaviours/two_level_planner.h"
#include "core/env/two_room.h"
#include "core/nn/optimiser.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace hjepa_test {

using test::message_of;
using test::seeded;

JepaOptions small() {
  JepaOptions options;
  options.latent = 8, options.depth = 2, options.inverse_units = options.predictor_units = 24, options.view.depth = 2;
  return options;
}
SlowLevelOptions slow(std::int64_t stride = 2) {
  SlowLevelOptions options;
  options.latent = 4, options.units = 24, options.stride = stride, options.view.depth = 2;
  return options;
}

class HierarchicalJepa : public test::ModelTest {};

/// What the upper level predicts of each stride is known where its weights are: here nothing changes w.
TEST_F(HierarchicalJepa, LosesStridesWithinAnEpisode) {
  SlowLevel level(8, slow(), TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  for (auto& p : level.named_parameters())
    if (p.key().starts_with("change")) p.value().zero_();
  const auto z = torch::randn({5, 3, 8}, seeded(1)), action = torch::rand({4, 3, 2}, seeded(2)) * 2 - 1;
  const auto w = level.embed(z);
  // Normalised once more, w stays what it is but for the norm's epsilon.
  const auto still = level.next(w, torch::zeros({5, 3, 2}));
  ASSERT_TRUE(torch::allclose(still, w, 1e-3, 1e-3));
  const auto term = [](const SlowLevel::Loss& loss, const std::string& name) {
    for (const auto& [each, value] : loss.terms)
      if (each == name) return value.item<double>();
    return -1.0;
  };
  const auto stride = [&](std::int64_t from, std::int64_t to) { return (still[from] - w[to]).square().mean(-1); };
  const auto whole = level.loss(z, action, torch::zeros({5, 3}), slow());
  const double once = (stride(0, 2) + stride(1, 3) + stride(2, 4)).mean().item<double>() / 3;
  const double twice = stride(0, 4).mean().item<double>();
  EXPECT_NEAR(term(whole, "prediction"), once + twice, 2e-3);
  EXPECT_NEAR(term(whole, "slowness"), (w.slice(0, 1) - w.slice(0, 0, -1)).square().mean().item<double>(), 1e-5);
  // Lane 1 begins anew at moment 3: its strides from 1 and 2, and both strides from 0, do not count.
  auto first = torch::zeros({5, 3});
  first[3][1] = 1;
  const auto cut = level.loss(z, action, first, slow());
  const double counted =
      (stride(0, 2).sum() + stride(1, 3)[0] + stride(1, 3)[2] + stride(2, 4)[0] + stride(2, 4)[2]).item<double>() / 7;
  EXPECT_NEAR(term(cut, "prediction"), counted + (stride(0, 4)[0] + stride(0, 4)[2]).item<double>() / 2, 2e-3);
}

TEST_F(HierarchicalJepa, TheUpperLevelIsToldTheMeanOfTheActionsBetween) {
  SlowLevel level(8, slow(), TwoRoom().spaces());
  const auto z = torch::randn({3, 2, 8}, seeded(1)), first = torch::zeros({3, 2});
  const auto loss_of = [&](const torch::Tensor& action) {
    return level.loss(z, action, first, slow()).total.item<double>();
  };
  const auto action = torch::rand({2, 2, 2}, seeded(2)) * 2 - 1;
  EXPECT_NEAR(loss_of(action), loss_of(action.flip(0)), 1e-5) << "their order is not told";
  EXPECT_NE(loss_of(action), loss_of(-action));
}

TEST_F(HierarchicalJepa, NoGradientOfTheUpperLevelReachesTheLower) {
  Hjepa model(small(), slow(), TwoRoom().spaces());
  const auto z = torch::randn({3, 2, 8}, seeded(1)).requires_grad_(true);
  model.slow().loss(z, torch::zeros({2, 2, 2}), torch::zeros({3, 2}), slow()).total.backward();
  EXPECT_FALSE(z.grad().defined());
  std::set<const void*> lower;
  for (const auto& p : model.learned()) lower.insert(p.unsafeGetTensorImpl());
  for (const auto& p : model.slow().learned()) EXPECT_FALSE(lower.contains(p.unsafeGetTensorImpl()));
}

/// One batch by heart.
TEST_F(HierarchicalJepa, TheUpperLevelLearnsAndDoesNotCollapse) {
  SlowLevel level(8, slow(), TwoRoom().spaces());
  Optimiser optimiser(level.learned(), {.kind = OptimiserKind::adam,
                                        .learning_rate = 3e-3,
                                        .eps = 1e-8,
                                        .clip_norm = 2,
                                        .adaptive_clip = 0,
                                        .warm_up = 0});
  // z drifts by the actions along its first two numbers.
  const auto action = torch::rand({4, 64, 2}, seeded(2)) * 2 - 1;
  auto z = torch::randn({1, 64, 8}, seeded(1)).repeat({5, 1, 1});
  for (std::int64_t t = 1; t < 5; ++t) z[t].slice(1, 0, 2) = z[t - 1].slice(1, 0, 2) + 0.5 * action[t - 1];
  double before = 0, after = 0, spread = 0;
  for (int i = 0; i < 300; ++i) {
    const auto loss = level.loss(z, action, torch::zeros({5, 64}), slow());
    after = loss.terms.front().second.item<double>();
    if (i == 0) before = after;
    spread = loss.w.flatten(0, 1).std(0).mean().item<double>();
    loss.total.backward();
    optimiser.step();
  }
  EXPECT_LT(after, 0.2 * before);
  EXPECT_GT(spread, 0.5);
}

PlannerOptions plans(std::int64_t horizon, bool warm) {
  PlannerOptions options{
      .candidates = 128, .iterations = 5, .elites = 12, .horizon = horizon, .exploration_noise = 0, .warm_start = warm};
  options.method = PlanMethod::icem, options.first_deviation = 0.6, options.noise_exponent = 0.5;
  return options;
}

/// Where the upper level expects to be after its first stride is the subgoal, and what the lower one is paid for is to be there.
TEST_F(HierarchicalJepa, TheFarPlanLeadsTheNearOne) {
  Hjepa model(small(), slow(), TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  const auto space = TwoRoom().spaces().action;
  TwoLevelPlanner planner(space, plans(4, false), plans(3, true), 4);
  auto carry = model.initial(2);
  carry["z"] = torch::randn({2, 8}, seeded(1)), carry["goal"] = torch::randn({2, 8}, seeded(2)),
  carry["aimed"] = torch::ones({2, 1});
  const auto lead = planner.lead(model, carry, seeded(3));
  EXPECT_EQ(lead.far.sizes(), (std::vector<std::int64_t>{2, 5}));
  EXPECT_TRUE(torch::allclose(lead.far.select(1, 0), model.slow().distance(model.above(carry))));
  // The plan is better than doing nothing for as many strides.
  auto still = model.above(carry);
  auto standing = torch::zeros({2});
  for (int t = 0; t < 4; ++t)
    still = model.slow().imagine(still, torch::zeros({2, 2}), {}, seeded(1)),
    standing = standing + model.slow().distance(still);
  EXPECT_TRUE((lead.far.slice(1, 1).sum(1) <= standing + 1e-4).all().item<bool>());
  // Paid: the distance to the subgoal where there is one, else to the goal's picture.
  auto led = carry;
  led["subgoal"] = lead.subgoal, led["led"] = torch::tensor({{1.0f}, {0.0f}});
  const auto paid = model.outcome(led).reward;
  EXPECT_NEAR(paid[0].item<double>(),
              -(model.slow().embed(carry.at("z"))[0] - lead.subgoal[0]).square().mean().item<double>(), 1e-6);
  EXPECT_NEAR(paid[1].item<double>(), -model.distance(carry)[1].item<double>(), 1e-6);
  // Memory keeps what was decided, in the shapes that it began with.
  const auto memory = planner.initial(2);
  const auto decision = planner.decide({&model, carry}, memory, Mode::judge, seeded(3));
  for (const auto& [name, tensor] : memory) {
    ASSERT_TRUE(decision.memory.contains(name)) << name;
    EXPECT_EQ(decision.memory.at(name).sizes(), tensor.sizes()) << name;
  }
  EXPECT_TRUE(torch::equal(decision.memory.at("far"), lead.far));
  EXPECT_LE(decision.action.abs().max().item<double>(), TwoRoom::kStep + 1e-5);
}

/// Where it is already as near as it will come, nobody leads.
TEST_F(HierarchicalJepa, AtTheGoalTheLowerLevelGoesByItself) {
  Hjepa model(small(), slow(), TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  TwoLevelPlanner planner(TwoRoom().spaces().action, plans(4, false), plans(3, true), 4);
  auto carry = model.initial(2);
  carry["z"] = torch::randn({2, 8}, seeded(1)), carry["goal"] = carry.at("z"), carry["aimed"] = torch::ones({2, 1});
  EXPECT_EQ(planner.lead(model, carry, seeded(3)).led.abs().sum().item<double>(), 0);
  Jepa one_level(small(), TwoRoom().spaces());
  EXPECT_EQ(message_of<Error>([&] {
              planner.decide({&one_level, one_level.initial(1)}, planner.initial(1), Mode::judge, seeded(1));
            }),
            "this behaviour plans at two levels, and the model has one alone");
}

}  // namespace hjepa_test
}  // namespace dream
