// Which run is best? What stands in a run's file, on the disk and on the board of several.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/data/events.h"
#include "core/engine/run_file.h"
#include "tests/data/temp_folder.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace compare_test {

using namespace test;

std::shared_ptr<System> scored(Wrong wrong, const std::string& score) {
  auto system = known_system(wrong, true);
  if (!score.empty()) system->facts["score"] = score;
  return system;
}

TEST(CompareQuestion, TellsWhatTheRunSays) {
  auto system = scored(Wrong::nothing, "-20.5 ± 10 over 100 unseen episodes");
  system->metrics = Metrics(
      {{"learn/return", "", "", "step"}, {"world/image", "", "", "update"}, {"gauges/skill", "", "", "update"}});
  for (int i = 1; i <= 5; ++i)
    system->metrics.add("learn/return", 100 * i, 1), system->metrics.add("world/image", 7 * i, 1);
  system->metrics.add("gauges/skill", 1000, 1);
  const auto answer = answer_about("compare", system);
  const auto& score = number_of(answer, "score");
  EXPECT_DOUBLE_EQ(score.value, -20.5);
  EXPECT_NEAR(score.high - score.low, 2 * 1.96 * 10 / 10, 1e-9) << "of the mean, not of the episodes";
  EXPECT_EQ(number_of(answer, "steps").value, 500);
  EXPECT_EQ(number_of(answer, "updates").value, 35);
  EXPECT_DOUBLE_EQ(number_of(answer, "skill").value, 1);
  EXPECT_EQ(number_of(answer, "parameters_model").value, 0) << "it has a buffer and no weight";
  EXPECT_GT(number_of(answer, "imagined_one").value, 10);
  EXPECT_GT(number_of(answer, "imagined_many").value, number_of(answer, "imagined_one").value) << "16 at once";
  for (const auto* name : {"hours", "bytes"}) {
    EXPECT_TRUE(std::isnan(number_of(answer, name).value)) << name;
    EXPECT_FALSE(number_of(answer, name).note.empty()) << name;
  }
}

TEST(CompareQuestion, CannotTellWhatNobodyHasMeasured) {
  const auto answer = answer_about("compare", scored(Wrong::nothing, ""));
  for (const auto* name : {"score", "steps", "updates"}) EXPECT_TRUE(std::isnan(number_of(answer, name).value)) << name;
  EXPECT_NE(answer.sentence.find("has not been evaluated"), std::string::npos);
}

TEST(CompareQuestion, CountsTheTimeThatIsInTheEventFiles) {
  TempFolder folder;
  {
    EventWriter events(folder / "run");
    for (int i = 0; i < 3; ++i) {
      events.scalar("a", i, 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
  }
  auto system = scored(Wrong::nothing, "");
  system->directory = folder / "run";
  const auto hours = number_of(answer_about("compare", system), "hours").value;
  EXPECT_GE(hours * 3600, 0.11);
  EXPECT_LT(hours * 3600, 30);
}

TEST(CompareQuestion, AnAnswerThatIsKeptIsTakenOver) {
  Bench bench(scored(Wrong::nothing, ""));
  Inquiry::Asker asker;
  asker.kept = [](const std::string& name) -> std::optional<LabAnswer> {
    EXPECT_EQ(name, "horizon");
    LabAnswer kept;
    kept.numbers = {{"skill", "Skill", "", 0.25}};
    return kept;
  };
  EXPECT_DOUBLE_EQ(number_of(ask(question("compare"), bench, asker), "skill").value, 0.25);
}

TEST(CompareQuestion, RunsStandOnOneBoard) {
  auto good = answer_about("compare", scored(Wrong::nothing, "2 ± 1 over 10 unseen episodes"));
  auto deaf = answer_about("compare", scored(Wrong::deaf, ""));
  // As two runs of one recipe that differ in a single setting.
  const auto with = [](LabAnswer& answer, const char* value) {
    Table table;
    table.columns = {{"setting", "", "", 0}, {"value", "", "", 0}};
    table.rows = {{{0, "seed"}, {1, "1"}}, {{1, "train.batch"}, {16, value}}};
    answer.figures = {figure("settings", "Settings", "", table)};
  };
  with(good, "16"), with(deaf, "32");
  const auto both = joined(question("compare"), {good, deaf}, {"good", "deaf"});
  ASSERT_EQ(both.figures.front().name, "board");
  const auto& board = std::get<Table>(*both.figures.front().value);
  ASSERT_EQ(board.rows.size(), 2u);
  EXPECT_EQ(board.columns.size(), 1 + good.numbers.size());
  EXPECT_EQ(board.rows[1][0].text, "deaf");
  for (const auto& row : board.rows) ASSERT_EQ(row.size(), board.columns.size());
  EXPECT_EQ(board.columns[1].title, "Score");
  EXPECT_EQ(board.rows[0][1].number, 2);
  EXPECT_EQ(board.rows[1][1].text, "–");
  EXPECT_TRUE(std::isnan(board.rows[1][1].number)) << "nothing is not 0";
  const auto& settings = std::get<Table>(*figure_of(both, "settings").value);
  ASSERT_EQ(settings.rows.size(), 1u) << "what is the same is not listed";
  EXPECT_EQ(settings.rows[0][0].text, "train.batch");
  EXPECT_EQ(settings.rows[0][1].text + " " + settings.rows[0][2].text, "16 32");
}

TEST(LabAnswer, TheBoardOfAnotherQuestionStandsBelowItsPictures) {
  const auto one = answer_about("horizon", known_system(Wrong::nothing, true)),
             two = answer_about("horizon", known_system(Wrong::deaf, true));
  const auto both = joined(question("horizon"), {one, two}, {"good", "deaf"});
  EXPECT_EQ(both.figures.front().name, "error");
  EXPECT_EQ(std::get<Table>(*figure_of(both, "board").value).rows.size(), 2u);
}

}  // namespace compare_test
}  // namespace dream
