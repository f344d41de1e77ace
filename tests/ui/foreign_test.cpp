// A file of PyTorch's: the question whether its program may run, and the list of weights that have none.
#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace foreign_test {

class Foreign : public Flow {
 protected:
  static constexpr const char* dialog = "//$FOCUSED";
  ForeignView program() const { return {"/home/me/mine.pt", std::string(64, 'a'), "", 123456, {}}; }
};

TEST_F(Foreign, TheProgramRunsWhenTheUserSaysSo) {
  open();
  act([&](ImGuiTestContext* ctx) {
    engine.ask_foreign(program());
    ctx->Yield(4);
    EXPECT_TRUE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel));
    EXPECT_EQ(engine.count<AnswerForeign>(), 0) << "nothing is answered by itself";
    ctx->SetRef(dialog);
    ctx->ItemClick("###run_it");
    ctx->Yield(4);
    ASSERT_EQ(engine.count<AnswerForeign>(), 1);
    EXPECT_TRUE(engine.last<AnswerForeign>()->run);
    EXPECT_EQ(engine.last<AnswerForeign>()->path, "/home/me/mine.pt");
    EXPECT_EQ(engine.last<AnswerForeign>()->sha256, std::string(64, 'a'));
    EXPECT_FALSE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel));
  });
}

TEST_F(Foreign, NotNowAndEscapeRunNothing) {
  open();
  act([&](ImGuiTestContext* ctx) {
    engine.ask_foreign(program());
    ctx->Yield(4);
    ctx->SetRef(dialog);
    ctx->ItemClick("###not_now");
    ctx->Yield(4);
    ASSERT_EQ(engine.count<AnswerForeign>(), 1);
    EXPECT_FALSE(engine.last<AnswerForeign>()->run);
    engine.ask_foreign(program());
    ctx->Yield(4);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(4);
    ASSERT_EQ(engine.count<AnswerForeign>(), 2);
    EXPECT_FALSE(engine.last<AnswerForeign>()->run);
  });
}

TEST_F(Foreign, WeightsAreLookedAtAndClosed) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ForeignView file;
    file.path = "/home/me/weights.pt";
    for (int i = 0; i < 200; ++i)
      file.weights.push_back({"layer" + std::to_string(i) + ".weight", "Float [4, 3]", "0 ± 1, -2 to 2", {0, 0.2f, 1, 0.4f, 0}});
    file.weights.push_back({"flags", "Bool [0]", "empty", {}});
    engine.ask_foreign(file);
    ctx->Yield(4);
    ctx->SetRef(dialog);
    ctx->ItemClick("###close_weights");
    ctx->Yield(4);
    ASSERT_EQ(engine.count<AnswerForeign>(), 1);
    EXPECT_EQ(engine.last<AnswerForeign>()->sha256, "");
    EXPECT_FALSE(engine.last<AnswerForeign>()->run);
  });
}

}  // namespace foreign_test
}  // namespace dream::ui
