// Learning anew with other values of a setting: planning finds out sooner, and whoever learns slowly is not asked.
#include <gtest/gtest.h>

#include "core/engine/system.h"
#include "core/lab/question.h"

namespace dream {
namespace anew_test {

std::shared_ptr<System> system_of(const std::string& recipe, const std::string& environment) {
  RunSpec spec;
  spec.recipe = recipe, spec.environment = environment;
  return make_system(spec);
}

LabAnswer asked_of(const std::string& recipe, double seconds) {
  Bench bench(system_of(recipe, "DynaMaze"));
  Inquiry::Asker asker;
  asker.seconds = seconds;
  return ask(question("anew"), bench, asker);
}

TEST(Anew, PlanningFindsOutSooner) {
  const auto answer = asked_of("dyna-q", 0);
  ASSERT_EQ(answer.fault, "");
  ASSERT_EQ(answer.numbers.size(), 5u);
  EXPECT_EQ(answer.numbers.front().name, "with_0");
  EXPECT_EQ(answer.numbers.back().name, "with_50");
  // 20 and 3 of 30 lives in the median; this is the first of them.
  EXPECT_GT(answer.numbers.front().value, 2 * answer.numbers.back().value);
  ASSERT_EQ(answer.figures.size(), 2u);
  const auto& learning = std::get<Curve>(*answer.figures[1].value);
  ASSERT_EQ(learning.lines.size(), 5u);
  // Nobody knows anything in the first episode; with 50 the third is nearly the shortest way of 14.
  EXPECT_GT(learning.lines.back().y[0], 100);
  EXPECT_LT(learning.lines.back().y[4], 40);
  EXPECT_GT(learning.lines.front().y[4], 100);
}

TEST(Anew, WhoeverLearnsSlowlyIsNotAsked) {
  EXPECT_EQ(question("anew").lacks(*system_of("muzero", "CartPole")),
            "this system takes too long to learn for learning anew while somebody waits");
}

}  // namespace anew_test
}  // namespace dream
