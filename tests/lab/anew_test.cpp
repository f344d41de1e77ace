// Learning anew with other values of a setting: planning finds out sooner, and whoever learns slowly is not asked.
#include <gtest/gtest.h>

#include "core/engine/system.h"
#include "core/lab/question.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace anew_test {

TEST(Anew, PlanningFindsOutSooner) {
  const auto answer = test::answer_about("anew", test::system_of("dyna-q", "DynaMaze"), 0);
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
  EXPECT_EQ(question("anew").lacks(*test::system_of("muzero", "CartPole")),
            "this system takes too long to learn for learning anew while somebody waits");
}

}  // namespace anew_test
}  // namespace dream
