// Real or dream?: clips are made from the twin, answered by keys, counted.
#include <cmath>
#include <fstream>

#include "tests/ui/flow.h"
#include "ui/coupling.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/quiz.h"

namespace dream::ui {
namespace lesson_quiz_test {

using QuizFlow = Flow;

/// The fake engine's real road has a hard edge, the dreamt one a soft one: half of the steepest step tells them apart.
bool looks_real(const Image& image) {
  int steepest = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 1; x < image.width; ++x) {
      const auto at = static_cast<std::size_t>((y * image.width + x) * 3 + 1);
      steepest = std::max(steepest, std::abs(image.pixels[at] - image.pixels[at - 3]));
    }
  return steepest > 90;
}

TEST_F(QuizFlow, AnswersByKeyChangeTheAccuracyOfTheirHorizon) {
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    engine.dream().coupling = Coupling::anchored, engine.dream().coupling_steps = 10;
    window->ui().run("quiz");
    ctx->Yield(4);
    Quiz& quiz = *window->ui().quiz;
    ctx->ItemClick("//Real or dream?###quiz/**/camera");  // told apart by its edges
    ctx->ItemClick("//Real or dream?###quiz/###begin");
    for (int i = 0; i < 60 && quiz.state() != Quiz::State::asking; ++i) ctx->Yield();
    ASSERT_EQ(quiz.state(), Quiz::State::asking);
    EXPECT_EQ(anchor_of(engine.dream()), 0) << "the dream is never corrected";
    EXPECT_EQ(quiz.horizon(), 1);
    const auto left = quiz.picture(true, 1), right = quiz.picture(false, 1);
    ASSERT_TRUE(left && right);
    ASSERT_NE(looks_real(*left), looks_real(*right)) << "one of each";
    EXPECT_EQ(looks_real(*left), quiz.real_left());
    const int drives = engine.count<Drive>();
    ctx->KeyPress(looks_real(*left) ? ImGuiKey_1 : ImGuiKey_RightArrow);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<Drive>(), drives) << "an arrow answers and does not drive";
    ASSERT_EQ(quiz.answers().size(), 1u);
    EXPECT_TRUE(quiz.answers()[0].right);
    EXPECT_EQ(quiz.accuracy(1).asked, 1);
    EXPECT_EQ(quiz.accuracy(1).right, 1);
    // The next clip is longer; a wrong answer counts there.
    ctx->KeyPress(ImGuiKey_Enter);
    for (int i = 0; i < 60 && quiz.state() != Quiz::State::asking; ++i) ctx->Yield();
    ASSERT_EQ(quiz.state(), Quiz::State::asking);
    EXPECT_EQ(quiz.horizon(), 2);
    ctx->KeyPress(quiz.real_left() ? ImGuiKey_2 : ImGuiKey_LeftArrow);
    ctx->Yield(2);
    EXPECT_EQ(quiz.accuracy(2).asked, 1);
    EXPECT_EQ(quiz.accuracy(2).right, 0);
    EXPECT_EQ(quiz.accuracy(1).right, 1);
    const std::string side = quiz.answers()[0].real_left ? "left" : "right";
    EXPECT_TRUE(quiz.csv().starts_with("horizon,real_side,answered_right,real_clip,mse\n1," + side + ",1,camera,"))
        << quiz.csv();
    ctx->ItemClick("//Real or dream?###quiz/###stop");
    ctx->Yield(2);
    EXPECT_EQ(anchor_of(engine.dream()), 10) << "as it was";
    EXPECT_TRUE(engine.dream().playing);
    ctx->ItemClick("//Real or dream?###quiz/###reset");
    EXPECT_TRUE(quiz.answers().empty());
    ctx->ItemClick("//Real or dream?###quiz/###begin");
    ctx->Yield(2);
    EXPECT_NE(quiz.state(), Quiz::State::idle);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(6);
    EXPECT_EQ(quiz.state(), Quiz::State::idle) << "out of sight it lets the dream go on, and the arrows drive";
    EXPECT_TRUE(engine.dream().playing);
  });
}

TEST_F(QuizFlow, ALessonEndsItFirstAndGivesBackWhatWasBeforeBoth) {
  const auto file = folder() / "short.toml";
  std::ofstream(file) << "title = \"S\"\nabout = \"A.\"\n[[step]]\ntitle = \"One\"\ntext = \"x\"\nanchor = 10\npilot = \"agent\"\n";
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    engine.dream().coupling = Coupling::reality_leads, engine.dream().coupling_steps = 7;
    engine.dream().human_pilot = true;
    window->ui().run("quiz");
    ctx->Yield(4);
    ctx->ItemClick("//Real or dream?###quiz/###begin");
    ctx->Yield(3);
    ASSERT_NE(window->ui().quiz->state(), Quiz::State::idle);
    window->ui().lessons->open(window->ui(), file, 0);
    EXPECT_EQ(window->ui().quiz->state(), Quiz::State::idle);
    ctx->Yield(8);
    EXPECT_EQ(anchor_of(engine.dream()), 10) << "the lesson's, and not what the quiz gave back";
    EXPECT_FALSE(engine.dream().human_pilot);
    const ImGuiWindow* worlds = ImGui::FindWindowByName("Worlds###worlds");
    ASSERT_NE(worlds, nullptr);
    EXPECT_FALSE(worlds->Hidden) << "the quiz does not lie over what the lesson speaks of";
    window->ui().lessons->leave(window->ui());
    ctx->Yield(3);
    EXPECT_EQ(engine.dream().coupling, Coupling::reality_leads);
    EXPECT_EQ(engine.dream().coupling_steps, 7);
    EXPECT_TRUE(engine.dream().human_pilot);
  });
}

TEST_F(QuizFlow, WhoeverAlwaysSaysTheSameIsRightHalfOfTheTime) {
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    window->ui().quiz = std::make_shared<Quiz>(11);
    Quiz& quiz = *window->ui().quiz;
    window->ui().run("quiz");
    ctx->Yield(4);
    constexpr int clips = 40;
    int same = 0, other = 0;  // who always says "left"; who says the side that it was not the time before
    for (int i = 0; i < clips; ++i) {
      const bool before = quiz.real_left();
      quiz.begin(window->ui());
      for (int wait = 0; wait < 80 && quiz.state() != Quiz::State::asking; ++wait) ctx->Yield();
      ASSERT_EQ(quiz.state(), Quiz::State::asking);
      same += quiz.real_left(), other += quiz.real_left() != before;
      quiz.answer(true);
    }
    const double deviation = std::sqrt(clips * 0.25);
    EXPECT_NEAR(same, clips / 2, 3 * deviation);
    EXPECT_NEAR(other, clips / 2, 3 * deviation);
    int right = 0;
    for (const Quiz::Answered& answer : quiz.answers()) right += answer.right;
    EXPECT_EQ(right, same);
  });
}

TEST_F(QuizFlow, SaysWhyThereIsNothingToCompare) {
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("quiz");
    engine.dream().has_model = false;
    ctx->Yield(3);
    EXPECT_NE(Quiz::why_not(window->ui()).find("no model"), std::string::npos);
    ctx->ItemClick("//Real or dream?###quiz/###begin");
    ctx->Yield(3);
    EXPECT_EQ(window->ui().quiz->state(), Quiz::State::idle);
  });
}

TEST(Quiz, TheIntervalOfAShareIsWilsons) {
  const Quiz::Accuracy all{4, 4}, half{4, 2};
  EXPECT_NEAR(all.low(), 0.8, 1e-12) << "n / (n + 1) where all were right";
  EXPECT_NEAR(all.high(), 1, 1e-12);
  EXPECT_NEAR(half.low(), 0.5 - 0.5 / std::sqrt(5.0), 1e-12);
  EXPECT_NEAR(half.high(), 0.5 + 0.5 / std::sqrt(5.0), 1e-12);
}

}  // namespace lesson_quiz_test
}  // namespace dream::ui
