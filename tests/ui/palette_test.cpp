// The palette, and the keys that it and F1 name.
#include <set>

#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/panel_list.h"

namespace dream::ui {
namespace palette_test {

using Palettes = Flow;

TEST_F(Palettes, ThePaletteFindsAndRunsACommand) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_palette);
    ctx->KeyChars("new start");
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_palette);
    ASSERT_NE(engine.last<DreamControl>(), nullptr);
    EXPECT_EQ(engine.last<DreamControl>()->what, DreamControl::Do::new_start);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_palette);
  });
}

TEST_F(Palettes, ThePaletteFindsWhateverHasAName) {
  engine.runs().push_back({"runs/ball", "runs/ball", "dreamer-v3", "Catch", "score 0.9", true});
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto search = [&](const char* query) {
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
      ctx->Yield(3);
      ctx->KeyChars(query);
      ctx->Yield(2);
      ctx->KeyPress(ImGuiKey_Enter);
      ctx->Yield(3);
    };
    search("catch");
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/ball") << "The world is entered by its name.";
    search("run shipped");
    EXPECT_EQ(engine.last<OpenRun>()->path, "assets/car") << "Words in any order.";
    search("new run");
    EXPECT_TRUE(visible("Runs###runs"));
    search("panel log");
    EXPECT_TRUE(ImGui::FindWindowByName("Log###log")->DockTabIsVisible);
    search("step size");  // of the help of a setting
    EXPECT_EQ(window->ui().texts["fields/filter"], "v.learning_rate");
    search("debug");
    EXPECT_EQ(window->ui().settings.workspace, "debug");
    const int sent = static_cast<int>(engine.commands.size());
    search("no such thing");
    EXPECT_EQ(static_cast<int>(engine.commands.size()), sent);
    EXPECT_TRUE(window->ui().show_palette) << "It stays, and says what to try.";
  });
}

TEST_F(Palettes, F1ShowsEveryKey) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F1);
    ctx->Yield(3);
    EXPECT_TRUE(visible("Every key###keys"));
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(visible("Every key###keys"));
  });
}

TEST_F(Palettes, F1AndThePaletteLeaveTheTabsAsTheyWere) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Runs###runs/#TAB");
    for (const ImGuiKeyChord page : {ImGuiKeyChord(ImGuiKey_F1), ImGuiKeyChord(ImGuiMod_Ctrl | ImGuiKey_P)}) {
      ctx->ItemClick("//Mind###mind/**/###randomise");
      ctx->KeyPress(page);
      ctx->Yield(3);
      ctx->KeyPress(ImGuiKey_Escape);
      ctx->Yield(4);
      EXPECT_TRUE(ImGui::FindWindowByName("Runs###runs")->DockTabIsVisible);
      EXPECT_EQ(ImGui::GetCurrentContext()->NavWindow->RootWindow, ImGui::FindWindowByName("Mind###mind"));
    }
  });
}

TEST_F(Palettes, EveryShortcutIsShownAndNoTwoActionsShareOne) {
  open();
  std::set<int> chords;
  for (const Action& action : window->ui().actions) {
    EXPECT_FALSE(action.title.empty()) << action.id;
    EXPECT_FALSE(action.help.empty()) << action.id;
    EXPECT_EQ(action.chord == 0, action.keys.empty()) << action.id;
    EXPECT_TRUE(action.chord == 0 || chords.insert(action.chord).second) << action.id << " repeats a shortcut";
    for (const ImGuiKeyChord chord : action.also)
      EXPECT_TRUE(chords.insert(chord).second) << action.id << " repeats a shortcut";
  }
  for (const Workspace& each : workspaces()) EXPECT_NE(window->ui().action("workspace_" + each.id), nullptr);
}

}  // namespace palette_test
}  // namespace dream::ui
