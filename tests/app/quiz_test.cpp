// Real or dream? over the shipped CarRacing: clips that grow, answered by keys.
#include "ui/lesson/quiz.h"

#include "tests/app/live_flow.h"

namespace dream::ui {
namespace quiz_test {

using LiveQuiz = LiveFlow;

TEST_F(LiveQuiz, ClipsGrowAndOnlyWhatHappensTellsThemApart) {
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    enter(ctx, "car_racing");
    window->ui().send(SetCoupling{Coupling::anchored, 7});
    window->ui().run("quiz");
    ctx->Yield(4);
    Quiz& quiz = *window->ui().quiz;
    ctx->ItemClick("//Real or dream?###quiz/###begin");
    std::size_t asked = 0;
    for (const int horizon : Quiz::horizons) {
      SCOPED_TRACE(horizon);
      if (!until(ctx, "a clip", [&] { return quiz.state() == Quiz::State::asking; })) return;
      EXPECT_EQ(quiz.horizon(), horizon);
      EXPECT_EQ(quiz.picture(true, 0), quiz.picture(false, 0)) << "both begin at the same picture";
      EXPECT_NE(quiz.picture(true, 1)->pixels, quiz.picture(false, 1)->pixels);
      const auto& last = *quiz.picture(true, horizon);
      EXPECT_EQ(last.pixels.size(), quiz.picture(false, horizon)->pixels.size());
      EXPECT_NE(last.pixels, quiz.picture(true, 0)->pixels) << "the world went on";
      ctx->Yield(30);
      picture(ctx, "quiz_" + std::to_string(horizon) + "_asked");
      const bool right = horizon != 5;  // one mistake
      ctx->KeyPress(quiz.real_left() == right ? ImGuiKey_1 : ImGuiKey_2);
      ctx->Yield(2);
      picture(ctx, "quiz_" + std::to_string(horizon) + "_told");
      ASSERT_EQ(quiz.state(), Quiz::State::told);
      ASSERT_EQ(quiz.answers().size(), ++asked);
      EXPECT_EQ(quiz.accuracy(horizon).right, right ? 1 : 0);
      EXPECT_GT(quiz.answers().back().error, 0);
      ctx->KeyPress(ImGuiKey_Enter);
    }
    ctx->ItemClick("//Real or dream?###quiz/###stop");
    until(ctx, "the dream goes on as it was", [&] {
      return dream().playing && dream().coupling == Coupling::anchored && dream().coupling_steps == 7;
    });
  });
}

}  // namespace quiz_test
}  // namespace dream::ui
