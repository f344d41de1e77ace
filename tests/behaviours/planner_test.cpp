#include "core/behaviours/planner.h"

#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"
#include "tests/behaviours/two_states.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace planner_test {

using test::message_of;
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
    const auto plan = planner.plan(model, model.initial(3), seeded(1));
    EXPECT_LT((plan.mean - best).abs().max().item<double>(), 1e-2);
    EXPECT_EQ(plan.mean.sizes(), (std::vector<std::int64_t>{3, 1, 1}));
  }
}

TEST_F(PlannerTest, FindsTheWayToTheRewardingState) {
  TwoStates model(false, 0.5);
  Planner planner(space(), {200, 6, 20, 4, 0});
  const auto plan = planner.plan(model, model.initial(2), seeded(2));
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
  const auto judged = planner.decide(model, model.initial(2), false, seeded(3)),
             again = planner.decide(model, model.initial(2), false, seeded(3));
  EXPECT_TRUE(torch::equal(judged, again));
  for (int i = 0; i < 20; ++i) {
    const auto explored = planner.decide(model, model.initial(2), true, seeded(3));
    EXPECT_TRUE(torch::equal(explored, planner.decide(model, model.initial(2), true, seeded(3))));
    EXPECT_FALSE(torch::equal(explored, judged));
    EXPECT_GE(explored.min().item<double>(), -2);
    EXPECT_LE(explored.max().item<double>(), 6);
  }
}

TEST_F(PlannerTest, Refuses) {
  EXPECT_NE(message_of<Error>([] { Planner(TwoStates::choices(), {}); }).find("continuous"), std::string::npos);
  Planner planner(space(), {});
  EXPECT_THROW(planner.act(torch::zeros({1, 2}), seeded(1)), Error);
}

}  // namespace planner_test
}  // namespace dream
