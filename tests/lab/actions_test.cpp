// Whether a model listens to actions, where it is known.
#include <gtest/gtest.h>

#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace actions_test {

using namespace test;

TEST(ActionsQuestion, APerfectModelListens) {
  const auto answer = answer_about("actions", known_system(Wrong::nothing, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "reliance").value, 1);
  EXPECT_EQ(number_of(answer, "reliance").verdict, LabNumber::Verdict::good);
  EXPECT_GT(number_of(answer, "divergence").value, 0.8);
  EXPECT_TRUE(std::isnan(number_of(answer, "delta_psnr").value)) << "there is no error to divide by";
  EXPECT_EQ(number_of(answer, "effect_back").beside.front().value, 0) << "there is no chance in it";
  EXPECT_NEAR(number_of(answer, "effect_back").value, 100 * 2.0 / 16, 1e-4)
      << "15 cells back is one on: two of 16 columns differ";
  EXPECT_NE(answer.sentence.find("It listens"), std::string::npos) << answer.sentence;
}

TEST(ActionsQuestion, ADeafModelAndACopierAreDeaf) {
  for (const auto wrong : {Wrong::deaf, Wrong::copies}) {
    const auto answer = answer_about("actions", known_system(wrong, true));
    EXPECT_DOUBLE_EQ(number_of(answer, "reliance").value, 0);
    EXPECT_EQ(number_of(answer, "reliance").verdict, LabNumber::Verdict::bad);
    EXPECT_DOUBLE_EQ(number_of(answer, "divergence").value, 0);
    EXPECT_DOUBLE_EQ(number_of(answer, "delta_psnr").value, 0);
    EXPECT_DOUBLE_EQ(number_of(answer, "effect_on").value, 0);
    EXPECT_EQ(number_of(answer, "effect_on").verdict, LabNumber::Verdict::bad);
    EXPECT_NE(answer.sentence.find("deaf"), std::string::npos) << answer.sentence;
    EXPECT_NE(answer.sentence.find("No action moves the picture"), std::string::npos) << answer.sentence;
  }
}

TEST(ActionsQuestion, TheSheetHasARowForEachActionAndItsDifference) {
  const auto answer = answer_about("actions", known_system(Wrong::nothing, true));
  const auto& sheet = figure_of(answer, "effects");
  EXPECT_EQ(sheet.columns, 4);
  EXPECT_EQ(sheet.rows, 5) << "idle, and two actions with their differences";
  EXPECT_EQ(sheet.row_labels, (std::vector<std::string>{"stay (idle)", "back", "− idle", "on", "− idle"}));
  EXPECT_EQ(sheet.moments.size(), 4u);
  const auto& image = std::get<Image>(*sheet.value);
  EXPECT_EQ(image.height, 5 * Ring::cells);
  // Held once, "back" lights the column before that of "stay".
  const auto lit = [&](int row) {
    for (int x = 0; x < Ring::cells; ++x)
      if (image.pixels[static_cast<std::size_t>((row * Ring::cells * image.width + x) * 3)] > 200) return x;
    return -1;
  };
  EXPECT_EQ((lit(1) + 1) % Ring::cells, lit(0));
  EXPECT_EQ((lit(0) + 1) % Ring::cells, lit(3));
}

/// Always does the same.
class Stubborn : public RingDriver {
 public:
  Decision decide(const Seen& seen, const Carry&, Mode, at::Generator) override {
    return {torch::full({seen.lanes(), 1}, 2.0)};
  }
};

TEST(ActionsQuestion, OneActionAloneTellsNothing) {
  auto system = known_system(Wrong::deaf);
  system->behaviour = std::make_shared<Stubborn>();
  const auto answer = answer_about("actions", system);
  EXPECT_TRUE(std::isnan(number_of(answer, "reliance").value));
  EXPECT_NE(answer.sentence.find("cannot be told"), std::string::npos) << answer.sentence;
  EXPECT_DOUBLE_EQ(number_of(answer, "effect_back").value, 0) << "what each action does can be seen all the same";
}

TEST(ActionsQuestion, TheErrorUnderTheTrueActionsIsTheFirstLine) {
  const auto answer = answer_about("actions", known_system(Wrong::nothing, true));
  const auto& curve = std::get<Curve>(*figure_of(answer, "error").value);
  ASSERT_EQ(curve.lines.size(), 5u);
  EXPECT_EQ(curve.x.back(), 15);
  for (const double y : curve.lines[0].y) EXPECT_EQ(y, 0);
  EXPECT_GT(curve.lines[1].y.back(), 0);
}

}  // namespace actions_test
}  // namespace dream
