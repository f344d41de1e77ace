// The planner by Diffusion Forcing: against what buoyancy99/diffusion-forcing gives, and with a denoiser that knows straight lines.
#include "core/behaviours/forcing_planner.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/forcing_golden.h"

namespace dream {
namespace forcing_planner_test {

using test::message_of;
using test::apart;
using Golden = test::ForcingGolden;

Spaces spaces_of(std::vector<std::string> names) {
  Spaces spaces;
  spaces.vector_names = std::move(names);
  spaces.action.axes = {"a", "b"};
  spaces.action.low = {-1, -1}, spaces.action.high = {1, 1}, spaces.action.idle = {0, 0};
  return spaces;
}

ForcingPlannerOptions golden_options() {
  ForcingPlannerOptions options;
  options.net = {.width = 16, .layers = 2, .heads = 2, .units = 64};
  options.stack = 2, options.tokens = 5, options.steps = 5;
  return options;
}

/// Their mean goes over the lanes as well, of which there are three.
constexpr double golden_guidance = 0.02 * 128 / 3;

void take_weights(ForcingPlanner& planner, const Golden& golden) {
  torch::NoGradGuard no_grad;
  auto parameters = planner.network()->named_parameters();
  std::size_t taken = 0;
  const auto take = [&](const std::string& ours, const std::string& theirs) {
    for (const auto& [mine, other] : {std::pair("weight", ".weight"), std::pair("bias", ".bias")}) {
      auto* parameter = parameters.find(ours + "." + mine);
      if (!parameter) parameter = parameters.find(ours + (std::string(mine) == "weight" ? ".scale" : ".shift"));
      ASSERT_NE(parameter, nullptr) << ours;
      parameter->copy_(golden("weights/" + theirs + other)), ++taken;
    }
  };
  take("first", "init_mlp.0"), take("second", "init_mlp.2"), take("out", "out");
  for (int i = 0; i < 2; ++i) {
    const auto ours = "block" + std::to_string(i) + "_", theirs = "transformer.layers." + std::to_string(i) + ".";
    take(ours + "attended", theirs + "self_attn.out_proj"), take(ours + "up", theirs + "linear1"), take(ours + "down", theirs + "linear2");
    take(ours + "norm1", theirs + "norm1"), take(ours + "norm2", theirs + "norm2");
    for (const auto* each : {"weight", "bias"}) parameters[ours + "qkv." + each].copy_(golden("weights/" + theirs + "self_attn.in_proj_" + each)), ++taken;
  }
  EXPECT_EQ(taken, parameters.size());
}

torch::Tensor with_actions(const torch::Tensor& seen) {
  return torch::cat({seen, torch::zeros({seen.size(0), 2})}, 1);
}

TEST(ForcingPlannerGolden, PlansAsTheirsPlans) {
  const Golden golden("planning.npz");
  ForcingPlanner planner(golden_options(), spaces_of({"x", "y", "goal_x", "goal_y"}));
  take_weights(planner, golden);
  const auto start = with_actions(golden("start")), goal = with_actions(golden("goal"));
  for (const auto& [name, guidance] : {std::pair("plan_free", 0.0), std::pair("plan_guided", golden_guidance)}) {
    const auto plan = planner.plan(start, goal, 6, {.steps = 5, .lag = 1, .guidance = guidance}, golden("chunk"), {});
    EXPECT_LT(apart(plan, golden(name)), 1e-4) << name;
  }
}

TEST(ForcingPlannerGolden, IsDrawnToTheGoalAsTheirsIs) {
  const Golden golden("guidance.npz");
  ForcingPlanner planner(golden_options(), spaces_of({"x", "y", "vx", "vy", "goal_x", "goal_y"}));
  take_weights(planner, golden);
  const auto start = with_actions(golden("start")), goal = with_actions(golden("goal"));
  const auto clean = golden("clean").requires_grad_();
  const auto near = planner.nearness(clean, start, goal, 7).sum() * (golden_guidance * 1000 / 128);
  EXPECT_LT(apart(near.unsqueeze(0), golden("nearness")), 1e-5);
  EXPECT_LT(apart(torch::autograd::grad({near}, {clean})[0], golden("slope")), 1e-4);

  const ForcingPlanner::Way way{.steps = 5, .lag = 1, .guidance = golden_guidance};
  const auto ladder = planner.schedule().levels_of(5);
  const auto from = ladder.index({golden("before")[0]}), to = ladder.index({golden("after")[0]});
  const auto stepped = planner.step(golden("x"), from, to, torch::zeros({6}, torch::kBool), start, goal, 7, way, {});
  EXPECT_LT(apart(stepped, golden("stepped")), 1e-4);
  EXPECT_LT(apart(planner.plan(start, goal, 7, way, golden("chunk"), {}), golden("plan")), 1e-4);
}

TEST(ForcingPlannerGolden, LosesAsTheirs) {
  const Golden golden("guidance.npz");
  for (const auto& [name, weights] : {std::pair("loss_min_snr", NoiseWeights::min_snr), std::pair("loss_fused", NoiseWeights::fused)}) {
    auto options = golden_options();
    options.schedule.weights = weights;
    ForcingPlanner planner(options, spaces_of({"x", "y", "vx", "vy", "goal_x", "goal_y"}));
    take_weights(planner, golden);
    planner.know(golden("mean"), golden("deviation"));
    const auto loss = planner.loss(golden("seen"), golden("done"), {golden("levels"), golden("ends"), golden("noise")});
    EXPECT_LT(apart(loss.total.unsqueeze(0), golden(name)), 1e-5) << name;
  }
}

TEST(ForcingPlanner, DrawsLevelsAsTheirTrainingDoes) {
  auto options = golden_options();
  options.tokens = 30;
  const ForcingPlanner planner(options, spaces_of({"x", "y", "goal_x", "goal_y"}));
  const auto drawn = planner.draw(4000, make_generator(torch::kCPU, 1));
  EXPECT_EQ(drawn.ends.min().item<std::int64_t>(), 2);
  EXPECT_EQ(drawn.ends.max().item<std::int64_t>(), 31);
  const auto there = torch::arange(31).unsqueeze(0) < drawn.ends.unsqueeze(1);
  EXPECT_TRUE((drawn.levels.masked_select(~there) == 999).all().item<bool>()) << "what is not there is noise";
  EXPECT_NEAR(drawn.levels.slice(1, 1).masked_select(there.slice(1, 1)).to(torch::kFloat32).mean().item<double>(), 499.5, 5);
  // What is seen: under 250 in half of the pieces, and in a quarter of the others.
  EXPECT_NEAR((drawn.levels.select(1, 0) < 250).to(torch::kFloat32).mean().item<double>(), 0.625, 0.03);
}

// -- straight lines -----------------------------------------------------------------------------------------------------

constexpr double line_speed = 0.15;  // σ of a line's velocity, in each direction
constexpr double line_action = 20;   // deviation of actions: so that guidance, which wants them small, hardly minds them

/// A world of straight lines: from where one is, by a velocity that is drawn once; what is done is that velocity.
class Lines : public ::testing::Test {
 protected:
  static ForcingPlannerOptions options() {
    ForcingPlannerOptions options;
    options.net = {.width = 8, .layers = 1, .heads = 1, .units = 8};
    options.stack = 2, options.tokens = 5, options.steps = 20, options.replan = 4, options.guidance = 10;
    return options;
  }
  /// With the posterior mean of lines for its denoiser: linear regression, each number weighed by its ᾱ / (1 − ᾱ).
  static std::unique_ptr<ForcingPlanner> planner(ForcingPlannerOptions options = Lines::options(),
                                                 const std::vector<std::string>& names = {"x", "y", "goal_x", "goal_y"}) {
    auto made = std::make_unique<ForcingPlanner>(options, spaces_of(names));
    made->know(torch::zeros({4}), torch::tensor({1.0, 1.0, line_action, line_action}));
    made->denoise_by([&own = *made, stack = options.stack](const torch::Tensor& tokens, const torch::Tensor& levels) {
      const auto lanes = tokens.size(0), all = tokens.size(1) * stack;
      const auto z = tokens.view({lanes, all, 4});
      const auto each = levels.repeat_interleave(stack, 1);  // [B, T]
      const auto kept = own.schedule().kept(each).to(torch::kFloat32).unsqueeze(2), ratio = (kept / (1 - kept)).clamp_max(1e4);
      const auto start = (z / kept.sqrt()).slice(1, 0, stack).slice(2, 0, 2).mean(1, true);
      const auto time = (torch::arange(all, torch::kFloat32) - static_cast<double>(stack) + 1).clamp_min(0).view({1, all, 1});
      const auto moved = z.slice(2, 0, 2) / kept.sqrt() - start, acted = z.slice(2, 2) / kept.sqrt() * line_action;
      const auto done = (time > 0).to(torch::kFloat32);
      const auto velocity = (ratio * (time * moved + done * acted / (line_action * line_action))).sum(1, true) /
                            ((ratio * (time.square() + done / (line_action * line_action))).sum(1, true) + 1 / (line_speed * line_speed));
      return torch::cat({start + velocity * time, (velocity * done / line_action).expand({-1, all, -1})}, 2).view({lanes, tokens.size(1), -1});
    });
    return made;
  }
  static Seen seen(std::vector<float> rows, KnobValues knobs = {}) {
    const auto lanes = static_cast<std::int64_t>(rows.size()) / 4;
    return Seen{.observation = {{}, torch::tensor(rows).view({lanes, 4})}, .knobs = std::move(knobs)};
  }
  static at::Generator rng(std::uint64_t seed = 5) { return make_generator(torch::kCPU, seed); }
  /// Cosine of the angle between the plan's last place, from the start, and the goal.
  static double towards(const torch::Tensor& plan, double x, double y) {
    const auto end = plan[-1];
    const double px = end[0].item<double>(), py = end[1].item<double>();
    return (px * x + py * y) / std::hypot(px, py) / std::hypot(x, y);
  }
};

TEST(ForcingPlanner, SaysWhichSettingsDoNotFit) {
  const auto refused = [](std::int64_t levels, std::int64_t steps, std::int64_t stabilisation) {
    auto options = golden_options();
    options.schedule.levels = levels, options.steps = steps, options.stabilisation = stabilisation;
    return test::message_of<Error>([&] { ForcingPlanner(options, spaces_of({"x", "y", "goal_x", "goal_y"})); });
  };
  EXPECT_EQ(refused(20, 20, 15), "");
  EXPECT_NE(refused(16, 20, 15).find("planner.steps = 20 is more than planner.levels = 16"), std::string::npos);
  EXPECT_NE(refused(50, 20, 60).find("planner.stabilisation = 60"), std::string::npos);
}

/// What never changes in the data keeps its unit, and does not explode where it once is another.
TEST(ForcingPlanner, AColumnThatNeverChangesKeepsItsUnit) {
  ForcingPlanner planner(golden_options(), spaces_of({"x", "y", "goal_x", "goal_y"}));
  planner.know(torch::zeros({4}), torch::tensor({2.0f, 0.0f, 3.0f, 1.0f}));
  EXPECT_TRUE(torch::equal(planner.named_buffers()["deviation"], torch::tensor({2.0f, 1.0f, 3.0f, 1.0f})));
}

TEST_F(Lines, PlansAStraightLineToTheGoal) {
  const auto own = planner();
  for (const auto& [x, y] : {std::pair(1.0f, 1.0f), std::pair(-1.5f, 0.2f), std::pair(0.3f, -1.2f)}) {
    for (const double order : {0.0, 1.0, 2.0}) {
      const auto decision = own->decide(seen({0, 0, x, y}, {{"noise_order", order}}), own->initial(1), Mode::judge, rng());
      const auto plan = decision.memory.at("plan")[0];
      EXPECT_GT(towards(plan, static_cast<double>(x), static_cast<double>(y)), 0.9) << x << ", " << y << " in order " << order;
      // A line: every step is as the one before it.
      const auto steps = plan.slice(0, 1).slice(1, 0, 2) - plan.slice(0, 0, -1).slice(1, 0, 2);
      EXPECT_LT((steps - steps.mean(0)).abs().max().item<double>(), 0.035);
      EXPECT_LT((decision.action[0] - steps.mean(0)).abs().max().item<double>(), 0.035) << "what is done leads there";
    }
  }
}

TEST_F(Lines, WithoutGuidanceTheGoalChangesNothing) {
  const auto own = planner();
  const auto plan = [&](float x, float y, double guidance) {
    return own->decide(seen({0, 0, x, y}, {{"guidance", guidance}}), own->initial(1), Mode::judge, rng()).memory.at("plan");
  };
  EXPECT_TRUE(torch::equal(plan(1, 1, 0), plan(-2, 0.5, 0)));
  EXPECT_GT((plan(1, 1, 10) - plan(-2, 0.5, 10)).abs().max().item<double>(), 0.3);
}

TEST_F(Lines, LanesDoNotSeeOneAnother) {
  const auto own = planner();
  const auto of = [&](std::vector<float> rows) { return own->decide(seen(std::move(rows)), own->initial(3), Mode::judge, rng()); };
  const auto once = of({0, 0, 1, 1, 0.2f, 0, 1, -1, 0, 0.1f, -1, 0}), other = of({0, 0, 1, 1, -2, 1, 0, 2, 1, 1, 1, -1});
  EXPECT_LT((once.memory.at("plan")[0] - other.memory.at("plan")[0]).abs().max().item<double>(), 1e-5);
  EXPECT_GT((once.memory.at("plan")[1] - other.memory.at("plan")[1]).abs().max().item<double>(), 0.1);
  // Nor do they for planning at another time: the second plans anew, as its goal is another.
  const auto later = [&](float goal) {
    return own->decide(seen({0, 0, 1, 1, 0.2f, 0, goal, -1, 0, 0.1f, -1, 0}), once.memory, Mode::judge, rng(6)).memory;
  };
  const auto same = later(1), moved = later(-1);
  EXPECT_TRUE(torch::equal(same.at("plan"), once.memory.at("plan"))) << "nothing is due";
  EXPECT_TRUE(torch::equal(moved.at("plan")[0], once.memory.at("plan")[0]));
  EXPECT_FALSE(torch::equal(moved.at("plan")[1], once.memory.at("plan")[1]));
  EXPECT_TRUE(torch::equal(moved.at("at").squeeze(1), torch::tensor({2.0f, 1.0f, 2.0f})));
}

TEST_F(Lines, TheSameGeneratorGivesTheSamePlan) {
  const auto own = planner();
  const auto plan = [&](std::uint64_t seed) { return own->decide(seen({0, 0, 1, 1}), own->initial(1), Mode::judge, rng(seed)).memory.at("plan"); };
  EXPECT_TRUE(torch::equal(plan(1), plan(1)));
  EXPECT_FALSE(torch::equal(plan(1), plan(2)));
}

TEST_F(Lines, DoesItsPlanAndPlansAnewInTime) {
  const auto own = planner();
  auto memory = own->initial(2);
  const auto shapes = own->initial(2);
  torch::Tensor plan;
  for (int t = 0; t < 9; ++t) {
    const auto decision = own->decide(seen({0, 0, 1, 1, 0, 0, 1, -1}), memory, Mode::collect, rng(static_cast<std::uint64_t>(t)));
    ASSERT_EQ(decision.memory.size(), shapes.size());
    for (const auto& [name, tensor] : shapes) ASSERT_EQ(decision.memory.at(name).sizes(), tensor.sizes()) << name;
    if (t > 0) {
      EXPECT_EQ(torch::equal(decision.memory.at("plan"), plan), t % 4 > 0) << t;
    }
    plan = decision.memory.at("plan"), memory = decision.memory;
    EXPECT_TRUE(torch::equal(decision.action, plan.select(1, t % 4).slice(1, 2).clamp(-1, 1)));
  }
}

TEST_F(Lines, GuidanceCanBeAveragedOverFutures) {
  const auto own = planner();
  const auto plan = [&](double order, double futures) {
    return own->decide(seen({0, 0, 1, 1}, {{"noise_order", order}, {"futures", futures}}), own->initial(1), Mode::judge, rng()).memory.at("plan")[0];
  };
  EXPECT_TRUE(torch::equal(plan(2, 1), plan(2, 8))) << "all begin at once: there is no other future";
  EXPECT_FALSE(torch::equal(plan(0, 1), plan(0, 8)));
  EXPECT_GT(towards(plan(0, 8), 1, 1), 0.9);
}

TEST_F(Lines, FindsItsNumbersByTheirNames) {
  const auto own = planner(options(), {"goal_y", "y", "goal_x", "x"});
  const auto vector = torch::tensor({{1.0, 2.0, 3.0, 4.0}});
  EXPECT_TRUE(torch::equal(own->seen_of(vector), torch::tensor({{4.0, 2.0}})));
  EXPECT_TRUE(torch::equal(own->goal_of(vector), torch::tensor({{3.0, 1.0}})));
  EXPECT_NE(message_of<Error>([] { planner(options(), {"x", "y", "angle"}); }).find("has no 'goal_x'"), std::string::npos);
  auto choices = spaces_of({"x", "y", "goal_x", "goal_y"});
  choices.action.choices = {"left", "right"};
  EXPECT_NE(ForcingPlanner::lacks(choices).find("continuous"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { own->decide({}, own->initial(1), Mode::judge, rng()); }).find("no model to dream in"), std::string::npos);
}

}  // namespace forcing_planner_test
}  // namespace dream
