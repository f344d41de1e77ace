// In a world with goals a click in its picture, or a picture dropped on the window, says what is to be reached.
#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace goal_test {

class Goals : public Flow {};

TEST_F(Goals, AClickInThePictureIsWhereItShallGo) {
  engine.dream().spaces.goals = true;
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    const ImRect dream = ctx->ItemInfo("//Worlds###worlds/dream").RectFull;
    ctx->MouseMoveToPos({dream.Min.x + 0.25f * dream.GetWidth(), dream.Min.y + 0.75f * dream.GetHeight()});
    ctx->MouseClick(ImGuiMouseButton_Left);
    ctx->Yield(2);
    ASSERT_EQ(engine.count<SetGoal>(), 1);
    EXPECT_NEAR(engine.last<SetGoal>()->x, 0.25, 0.01);
    EXPECT_NEAR(engine.last<SetGoal>()->y, 0.75, 0.01);
    const ImRect real = ctx->ItemInfo("//Worlds###worlds/real").RectFull;
    ctx->MouseMoveToPos(real.GetCenter());
    ctx->MouseClick(ImGuiMouseButton_Left);
    ctx->Yield(2);
    ASSERT_EQ(engine.count<SetGoal>(), 2);
    EXPECT_NEAR(engine.last<SetGoal>()->x, 0.5, 0.01);
    window->drop({"/home/me/there.png"});
    ctx->Yield(2);
    ASSERT_EQ(engine.count<SetGoal>(), 3);
    EXPECT_EQ(engine.last<SetGoal>()->path, "/home/me/there.png");
    EXPECT_EQ(engine.count<OpenRun>(), 0);
  });
}

TEST_F(Goals, WhereNothingIsToBeReachedAClickSaysNothing) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ctx->MouseMoveToPos(ctx->ItemInfo("//Worlds###worlds/dream").RectFull.GetCenter());
    ctx->MouseClick(ImGuiMouseButton_Left);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<SetGoal>(), 0);
  });
}

}  // namespace goal_test
}  // namespace dream::ui
