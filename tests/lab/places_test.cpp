// What is expected at every place: a table's values stand in their cells, and costs where hazards are.
#include <gtest/gtest.h>

#include <cmath>

#include "answers/answer_json.h"
#include "core/behaviours/table_policy.h"
#include "core/engine/system.h"
#include "core/lab/question.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace places_test {

TEST(Places, ATablesValuesStandInTheirCells) {
  const auto system = test::system_of("dyna-q", "DynaMaze");
  auto& table = dynamic_cast<TablePolicy&>(*system->behaviour);
  table.q().copy_(torch::arange(54, torch::kFloat64).unsqueeze(1).expand({54, 4}));
  const auto answer = test::answer_about("places", system, 0);
  const auto& map = std::get<Heatmap>(*test::figure_of(answer, "value").value);
  ASSERT_NE(map.picture, nullptr);
  ASSERT_EQ(map.cells.size(), static_cast<std::size_t>(map.rows * map.cols));
  int known = 0;
  for (int row = 0; row < map.rows; ++row) {
    for (int column = 0; column < map.cols; ++column) {
      const float cell = map.cells[static_cast<std::size_t>(row * map.cols + column)];
      const double x = ((column + 0.5) / map.cols * 64 - 5) / 6, y = ((row + 0.5) / map.rows * 64 - 14) / 6;
      const bool inside = x >= 0 && x < 9 && y >= 0 && y < 6;
      if (!std::isfinite(cell)) continue;
      ++known;
      ASSERT_TRUE(inside);
      EXPECT_EQ(cell, std::floor(y) * 9 + std::floor(x));
    }
  }
  EXPECT_GT(known, 46 * 6);  // free cells, of some eight places each
  EXPECT_EQ(answer.numbers.front().value, 53);
  // Kept and opened again, with the picture.
  const auto kept = answer_from_json(answer_to_json(answer, true));
  EXPECT_EQ(std::get<Heatmap>(*kept.figures.front().value).picture->pixels, map.picture->pixels);
}

/// Expects a cost of 1 in a hazard, which is the last number that the world shows, or of -1.
class SeesHazards : public Behaviour {
 public:
  explicit SeesHazards(double sign) : sign_(sign) {}
  Decision decide(const Seen& seen, const Carry&, Mode, at::Generator) override {
    return {torch::zeros({seen.lanes(), 2})};
  }
  torch::Tensor expected_cost(const Seen& seen) override { return sign_ * seen.observation.vector.select(1, -1); }

 private:
  double sign_;
};

TEST(Places, CostsAreHeldAgainstWhatStandingThereCosts) {
  const auto system = test::system_of("safe-dreamer", "PointGoal");
  for (const double sign : {1.0, -1.0}) {
    system->behaviour = std::make_shared<SeesHazards>(sign);
    const auto answer = test::answer_about("places", system, 0);
    const auto& map = std::get<Heatmap>(*test::figure_of(answer, "cost").value);
    EXPECT_TRUE(std::isnan(map.cells.front()));  // beyond the wall
    EXPECT_EQ(map.high - map.low, 1);
    EXPECT_EQ(test::number_of(answer, "cost_told").value, sign > 0 ? 1 : 0);
    EXPECT_EQ(test::number_of(answer, "cost_inside").value, sign);
    EXPECT_EQ(test::number_of(answer, "cost_outside").value, 0);
  }
}

TEST(Places, ItsOwnCriticOfCostsIsAsked) {
  const auto answer = test::answer_about("places", test::system_of("safe-dreamer", "PointGoal"), 0);
  EXPECT_TRUE(std::isfinite(test::number_of(answer, "cost_told").value));
  EXPECT_EQ(answer.figures.size(), 2u);
}

TEST(Places, AWorldWithoutPlacesIsNotAskedAbout) {
  EXPECT_EQ(question("places").lacks(*test::system_of("muzero", "CartPole")),
            "its world has no places where one could be put");
}

}  // namespace places_test
}  // namespace dream
