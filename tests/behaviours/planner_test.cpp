#include "core/behaviours/planner.h"

#include "core/behaviours/pilot.h"
#include "core/engine/dreamer/dreamer.h"
#include "tests/behaviours/two_states.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace planner_test {

using test::seeded;
using test::TwoStates;

class PlannerTest : public test::ModelTest {
 protected:
  static ActionSpace space(float low = -1, float high = 1) { return TwoStates::box(low, high); }
};

TEST_F(PlannerTest, PlaNetsConstants) {
  DreamerOptions options;
  set_published(options, "planet", false);
  const auto& p = options.planner;
  EXPECT_EQ(p.candidates, 1000);
  EXPECT_EQ(p.iterations, 10);
  EXPECT_EQ(p.elites, p.candidates / 10);
  EXPECT_EQ(p.horizon, 12);
  EXPECT_EQ(p.exploration_noise, 0.3);
}

TEST_F(PlannerTest, FindsTheOptimumOfAQuadraticWithinAHundredth) {
  for (const double best : {-0.7, 0.0, 0.35}) {
    TwoStates model(false, best);
    Planner planner(space(), {1000, 10, 100, 1, 0});
    const auto plan = planner.plan({&model, model.initial(3)}, {}, seeded(1));
    EXPECT_LT((plan.mean - best).abs().max().item<double>(), 1e-2);
    EXPECT_EQ(plan.mean.sizes(), (std::vector<std::int64_t>{3, 1, 1}));
  }
}

TEST_F(PlannerTest, FindsTheWayToTheRewardingState) {
  TwoStates model(false, 0.5);
  Planner planner(space(), {200, 6, 20, 4, 0});
  const auto plan = planner.plan({&model, model.initial(2)}, {}, seeded(2));
  EXPECT_LT((plan.mean - 0.5).abs().max().item<double>(), 0.15);
  // Returns near the best possible, 4 rewards of 1; elites are the best of the candidates.
  EXPECT_GT(plan.scores.amax().item<double>(), 3.9);
  const auto worst = plan.scores.gather(1, plan.elites).amin(1);
  EXPECT_TRUE(((plan.scores > worst.unsqueeze(1)).sum(1) < 20).all().item<bool>());
  EXPECT_LE(plan.candidates.abs().max().item<double>(), 1);
  // A lane's plan is its own.
  EXPECT_FALSE(torch::equal(plan.mean[0], plan.mean[1]));
}

TEST_F(PlannerTest, ActsWithinTheBoundsAndExploresWhenAsked) {
  TwoStates model(false, 0.5);
  Planner planner(space(-2, 6), {100, 4, 10, 3, 0.3});
  const Seen seen{&model, model.initial(2)};
  const auto decided = [&](Mode mode) { return planner.decide(seen, {}, mode, seeded(3)).action; };
  const auto judged = decided(Mode::judge), again = decided(Mode::judge);
  EXPECT_TRUE(torch::equal(judged, again));
  for (int i = 0; i < 20; ++i) {
    const auto explored = decided(Mode::collect);
    EXPECT_TRUE(torch::equal(explored, decided(Mode::collect)));
    EXPECT_FALSE(torch::equal(explored, judged));
    EXPECT_GE(explored.min().item<double>(), -2);
    EXPECT_LE(explored.max().item<double>(), 6);
  }
}

/// What is planned beyond the first action is not lost: with one small round a step the plan still grows good.
TEST_F(PlannerTest, AWarmStartGoesOnFromTheLastPlanOfTheSameLane) {
  TwoStates model(false, 0.5);
  const Seen seen{&model, model.initial(2)};
  PlannerOptions options{60, 1, 6, 4, 0};
  const auto cold = std::make_shared<Planner>(space(), options);
  options.warm_start = true;
  const auto warm = std::make_shared<Planner>(space(), options);
  EXPECT_TRUE(cold->initial(2).empty());
  ASSERT_EQ(warm->initial(2).at("mean").sizes(), (std::vector<std::int64_t>{2, 4, 1}));
  EXPECT_TRUE(torch::equal(cold->decide(seen, {}, Mode::judge, seeded(4)).action,
                           warm->decide(seen, warm->initial(2), Mode::judge, seeded(4)).action))
      << "A first plan has none before it.";

  // The second plan begins where the first one is after a step.
  const auto first = warm->decide(seen, warm->initial(2), Mode::judge, seeded(5));
  const auto moved = torch::cat({first.memory.at("mean").slice(1, 1), torch::zeros({2, 1, 1})}, 1);
  EXPECT_GT(moved.abs().max().item<double>(), 0.1);
  const auto second = warm->decide(seen, first.memory, Mode::judge, seeded(6)).action;
  EXPECT_TRUE(torch::allclose(second, cold->plan(seen, moved, seeded(6)).mean.select(1, 0)));
  EXPECT_FALSE(torch::allclose(second, cold->decide(seen, {}, Mode::judge, seeded(6)).action));

  // A pilot keeps a memory per lane, anew with the lane's episode, and a resumed one goes on with it.
  Pilot pilot(warm, 2, Mode::judge);
  for (int step = 0; step < 3; ++step) pilot.drive(seen, seeded(static_cast<std::uint64_t>(step)));
  const auto memory = [&](const Pilot& of) {
    Checkpoint saved;
    of.save(saved, "memory/");
    return saved.tensors.at("memory/mean");
  };
  const auto before = memory(pilot);
  EXPECT_FALSE(torch::equal(before[0], before[1])) << "A lane's memory is its own.";
  pilot.start(1);
  EXPECT_TRUE(torch::equal(memory(pilot)[0], before[0]));
  EXPECT_EQ(memory(pilot)[1].abs().sum().item<double>(), 0);
  Checkpoint saved;
  pilot.save(saved, "memory/");
  Pilot resumed(warm, 2, Mode::judge);
  resumed.load(saved, "memory/");
  EXPECT_TRUE(torch::equal(resumed.drive(seen, seeded(9)), pilot.drive(seen, seeded(9))));
}

/// What a person sees of a plan is what was acted on, and a plan more only where that is not known.
TEST_F(PlannerTest, ReportsThePlanThatItActedOn) {
  TwoStates model(false, 0.5);
  const Seen seen{&model, model.initial(1), {}, {}, {{"plan_iterations", 1}}};
  PlannerOptions options{60, 1, 6, 4, 0};
  options.warm_start = true;
  Planner planner(space(), options);
  const auto shown = [&](const Seen& now, const Carry& memory) {
    ProbeSink sink({"plan/actions"});
    planner.report(now, memory, sink, seeded(99));
    return std::get<Trajectories>(*sink.take().at(0).value);
  };
  const auto decision = planner.decide(seen, planner.initial(1), Mode::judge, seeded(4));
  ASSERT_EQ(decision.next.sizes(), (std::vector<std::int64_t>{1, 3, 1}));
  const auto chosen = [&] { return torch::cat({decision.action.unsqueeze(1), decision.next}, 1).flatten(); };
  const auto as_tensor = [](const std::vector<float>& values) { return torch::tensor(values); };
  EXPECT_TRUE(torch::allclose(as_tensor(shown(seen, decision.memory).chosen), chosen()));
  const auto other = [&](const Trajectories& plan) { return !torch::allclose(as_tensor(plan.chosen), chosen()); };
  EXPECT_TRUE(other(shown(seen, planner.initial(1)))) << "a moment of before: it remembers another plan";
  auto turned = seen;
  turned.knobs["plan_iterations"] = 6;
  EXPECT_TRUE(other(shown(turned, decision.memory))) << "thinking longer, it would do something else";
}

TEST_F(PlannerTest, TheKnobSaysHowLongItThinks) {
  TwoStates model(false, 0.5);
  Planner planner(space(), {200, 6, 20, 2, 0});
  const auto knob = planner.knobs()[0];
  EXPECT_EQ(knob.default_value, 6);
  const auto off = [&](double rounds) {
    const Seen seen{&model, model.initial(2), {}, {}, {{knob.name, rounds}}};
    return (planner.plan(seen, {}, seeded(2)).mean - 0.5).abs().max().item<double>();
  };
  const auto as_set = (planner.plan({&model, model.initial(2)}, {}, seeded(2)).mean - 0.5).abs().max().item<double>();
  EXPECT_EQ(off(6), as_set);
  EXPECT_GT(off(1), 4 * as_set);
}

}  // namespace planner_test
}  // namespace dream
