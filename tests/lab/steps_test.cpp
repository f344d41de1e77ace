// What more steps bring: of a model of the ring that listens to its actions from two steps on.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace steps_test {

const Knob rounds{.name = "rounds",
                  .symbol = "N",
                  .title = "Rounds",
                  .help = "Of a step.",
                  .minimum = 1,
                  .maximum = 6,
                  .default_value = 4,
                  .whole = true};

class Stepper : public test::KnownModel {
 public:
  std::vector<Knob> knobs() const override { return {rounds}; }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    const bool deaf = value_of(knobs, rounds) < 2;
    return KnownModel::imagine(carry, deaf ? torch::ones_like(action) : action, {}, rng);
  }
};

LabAnswer answer() {
  auto system = test::known_system(test::Wrong::nothing, true);
  system->model = std::make_shared<Stepper>();
  return test::answer_about("steps", system, 0);
}

TEST(Steps, AreTriedFromOneToTheMostAndSaidWhereTheyAreEnough) {
  const auto said = answer();
  const auto& quality = std::get<Curve>(*test::figure_of(said, "quality").value);
  EXPECT_EQ(quality.x, (std::vector<double>{1, 2, 4, 6}));
  ASSERT_EQ(quality.lines.size(), 2u);
  const auto& y = quality.lines[0].y;
  EXPECT_LT(y[0], y[1] - 10);
  EXPECT_EQ(y[1], y[3]);
  EXPECT_LE(quality.lines[0].low[0], y[0]);
  EXPECT_GE(quality.lines[0].high[0], y[0]);
  EXPECT_EQ(test::number_of(said, "enough").value, 2);
  EXPECT_TRUE(
      std::ranges::any_of(said.findings, [](const LabFinding& finding) { return finding.rule == "steps_idle"; }));
  const auto& listens = std::get<Curve>(*test::figure_of(said, "listens").value).lines[0].y;
  EXPECT_NEAR(listens[0], 0, 1e-9) << "a deaf dream is the same under other actions";
  EXPECT_GT(listens[1], 10);
  for (const double pace : std::get<Curve>(*test::figure_of(said, "pace").value).lines[0].y) EXPECT_GT(pace, 0);
  EXPECT_EQ(std::get<Table>(*test::figure_of(said, "table").value).rows.size(), 4u);
}

TEST(Steps, AreAskedOfModelsAloneThatMakeFramesInSeveral) {
  EXPECT_NE(question("steps").lacks(*test::known_system(test::Wrong::nothing)).find("in one go"), std::string::npos);
  EXPECT_EQ(question("steps").lacks(*test::system_of("genie-2", "BouncingSquare")), "");
  EXPECT_EQ(question("steps").lacks(*test::system_of("genie", "BouncingSquare")), "");
}

}  // namespace steps_test
}  // namespace dream
