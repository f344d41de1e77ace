// What lies over Home, what leaves it, and what a run leaves behind when another one is entered.
#include "tests/ui/flow.h"
#include "ui/choice_names.h"
#include "ui/sentence.h"

namespace dream::ui {
namespace over_home_test {

using OverHome = Flow;

TEST_F(OverHome, APageOverItHasTheKeys) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    const int opened = engine.count<OpenRun>(), driven = engine.count<SetPilot>();
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    ASSERT_TRUE(window->ui().show_palette);
    ctx->KeyChars("dark ");
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_palette);
    EXPECT_TRUE(window->ui().show_home) << "Esc closes the page and not Home too.";
    ctx->KeyPress(ImGuiKey_F1);
    ctx->Yield(3);
    ASSERT_TRUE(window->ui().show_keys);
    for (const ImGuiKey key : {ImGuiKey_Space, ImGuiKey_Enter, ImGuiKey_N, ImGuiKey_C}) ctx->KeyPress(key);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_keys);
    EXPECT_TRUE(window->ui().show_home);
    engine.ask_foreign({"/home/me/mine.pt", std::string(64, 'a'), "", 123456, {}});
    ctx->Yield(4);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home) << "A question over Home is answered, and nothing behind it.";
    EXPECT_EQ(engine.count<OpenRun>(), opened);
    EXPECT_EQ(engine.count<SetPilot>(), driven);
    EXPECT_TRUE(window->ui().home.compared.empty());
  });
}

TEST_F(OverHome, EnterGoesIntoTheCardThatIsDriven) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    window->ui().home.selected = 0;
    window->ui().home.driven = "runs/car";  // by the menu of another card than the selected one
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_home);
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/car");
  });
}

TEST_F(OverHome, APresentationAndAnotherWorkspaceLeaveIt) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_F11);
    ctx->Yield(4);
    EXPECT_TRUE(window->ui().presenting);
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    ASSERT_NE(engine.last<Drive>(), nullptr) << "The keys drive what is shown.";
    ctx->KeyUp(ImGuiKey_LeftArrow);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(4);
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ASSERT_TRUE(window->ui().show_home);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_2);  // the search has the focus, and takes no such chord
    ctx->Yield(4);
    EXPECT_EQ(window->ui().settings.workspace, "train");
    EXPECT_FALSE(window->ui().show_home) << "It would have changed unseen.";
  });
}

TEST_F(OverHome, ATextFieldKeepsItsOwnChordsAlone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyChars("car");
    ctx->Yield(2);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Enter);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home) << "Ctrl-Enter is not Enter.";
    EXPECT_NE(window->ui().home.typed, "car") << "and Ctrl-Z is the field's";
  });
}

TEST_F(OverHome, APaintingStaysWithItsRun) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_B);
    ctx->Yield(2);
    ASSERT_TRUE(window->ui().brush.active());
    engine.dream().run = "runs/other";
    engine.tick();
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().brush.active());
  });
}

TEST_F(OverHome, AWorldThatIsOpenedIsNamed) {
  engine.dream().ready = false;
  engine.dream().opening = "two_room_jepa";
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_EQ(sentence(window->ui()).text, "Opening two_room_jepa …");
  });
}

TEST(SettingsOfWorlds, KeepScoresOfWorldsWithFactorsAndNamesOfWholeLetters) {
  const auto file = std::filesystem::path(testing::TempDir()) / "over_home_window.conf";
  Settings settings;
  settings.best["TwoRoom[dot=2,colour=rose]"] = 5;
  settings.best["CarRacing"] = -1.5;
  DreamView dream;
  dream.run = "runs/a=b";
  name_choice(settings, dream, 0, std::string(23, 'x') + "é");
  EXPECT_EQ(choice_name(settings, dream, 0), std::string(23, 'x')) << "half a letter is none";
  name_choice(settings, dream, 1, std::string(22, 'x') + "é");
  EXPECT_EQ(choice_name(settings, dream, 1), std::string(22, 'x') + "é");
  ASSERT_TRUE(save_settings(file, settings));
  std::vector<std::string> damage;
  const auto again = load_settings(file, &damage);
  EXPECT_TRUE(damage.empty()) << damage.front();
  EXPECT_EQ(again.best, settings.best);
  EXPECT_EQ(again.choices, settings.choices);
  std::filesystem::remove(file);
}

}  // namespace over_home_test
}  // namespace dream::ui
