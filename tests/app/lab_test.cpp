// The Lab over the engine and a shipped run: a question is asked, answered, and a point of its figure is dreamt from.
#include "ui/lab.h"

#include <cstdlib>
#include <sstream>

#include "imgui_internal.h"
#include "tests/app/live_flow.h"

namespace dream::ui {
namespace live_lab_test {

class LiveLab : public LiveFlow {
 protected:
  const LabView& lab() { return lab_of(*window->ui().snapshot); }
  LabStanding standing(const std::string& question) { return lab_standing(lab(), question, lab_runs(window->ui())); }
  void look_at(ImGuiTestContext* ctx, const std::string& question) {
    window->ui().lab.question = question;
    ctx->Yield(3);
  }
};

TEST_F(LiveLab, AQuestionIsAnsweredAndAPointOfItsFigureIsDreamtFrom) {
  open("lab");
  act([&](ImGuiTestContext* ctx) {
    enter(ctx, "catch");
    if (!until(ctx, "the questions", [&] { return !lab().questions.empty(); })) return;
    look_at(ctx, "horizon");
    ctx->ItemClick("//Questions###questions/###lab_ask");
    if (!until(ctx, "first figures or an answer", [&] { return standing("horizon").answer; })) return;
    if (!until(ctx, "the answer", [&] { return standing("horizon").done(); })) return;
    const LabAnswer& answer = *standing("horizon").answer;
    EXPECT_EQ(answer.fault, "");
    EXPECT_NE(answer.sentence, "");
    EXPECT_FALSE(answer.numbers.empty());
    if (answer.figures.empty() || answer.figures[0].moments.empty())
      return void(ADD_FAILURE() << "no figure to begin at");
    picture(ctx, "lab_catch_horizon");
    const LabMoment moment = answer.figures[0].moments[0];
    const std::string slot = "//Answer###answer/lab\\/horizon\\/" + answer.figures[0].name + "/curve";
    const ImRect plot = ctx->ItemInfo(slot.c_str()).RectFull;
    ctx->MouseMoveToPos(plot.GetCenter());
    ctx->Yield(3);
    ctx->MouseClick();
    until(ctx, "the dream begins there",
          [&] { return dream().source.find("moment of the laboratory") != std::string::npos; });
    EXPECT_EQ(window->ui().settings.workspace, "play");
    EXPECT_EQ(window->ui().snapshot->fault, "");
    EXPECT_TRUE(moment.known());
  });
}

TEST_F(LiveLab, WhatIsCancelledEndsAndTheRestIsNotAsked) {
  open("lab");
  act([&](ImGuiTestContext* ctx) {
    enter(ctx, "catch");
    if (!until(ctx, "the questions", [&] { return !lab().questions.empty(); })) return;
    ctx->ItemClick("//Questions###questions/###lab_ask_all");
    if (!until(ctx, "the others wait", [&] { return lab().queue.size() > 2; })) return;
    ctx->ItemClick("//Questions###questions/###lab_cancel_all");
    if (!until(ctx, "nothing is asked", [&] { return lab().queue.empty(); })) return;
    EXPECT_LT(lab().answers.size(), lab().questions.size()) << "the rest is not asked";
    for (const auto& answer : lab().answers) EXPECT_TRUE(answer->complete) << answer->question << " is left half";
  });
}

/// For a look by hand: DREAMSCOPE_PICTURES=DIR … and DREAMSCOPE_LAB="car_racing horizon map".
TEST_F(LiveLab, PicturesOfAnswers) {
  const char* wanted = std::getenv("DREAMSCOPE_LAB");
  if (!wanted) GTEST_SKIP() << "no pictures are wanted";
  std::istringstream words(wanted);
  std::string run;
  words >> run;
  width = 1600, height = 900;
  open("lab");
  act([&](ImGuiTestContext* ctx) {
    enter(ctx, run);
    for (std::string question; words >> question;) {
      look_at(ctx, question);
      window->ui().run("lab_ask");
      until(ctx, question, [&] { return standing(question).answer && standing(question).answer->complete; });
      ctx->Yield(4);
      picture(ctx, "lab_" + run + "_" + question);
      if (question != "map") continue;
      const auto& moments = standing(question).answer->figures[0].moments;
      engine->send(WalkBetween{moments[moments.size() / 3], moments[moments.size() / 2]});
      window->ui().lab.figure[question] = "walk";
      const LabAnswer* before = standing(question).answer;
      until(ctx, "the walk", [&] { return standing(question).answer != before; });
      ctx->Yield(40);
      picture(ctx, "lab_" + run + "_walk");
    }
  });
}

}  // namespace live_lab_test
}  // namespace dream::ui
