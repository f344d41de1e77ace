// Workspaces, layouts, settings, and what the window does by itself.
#include <GLFW/glfw3.h>

#include <cstdlib>
#include <fstream>

#include "api/error.h"
#include "api/platform_time.h"
#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/panel_list.h"

namespace dream::ui {
namespace window_test {

using Windows = Flow;

TEST_F(Windows, WorkspacesAreSwitchedByKeyAndByName) {
  open();
  act([&](ImGuiTestContext* ctx) {
    EXPECT_TRUE(visible("Worlds###worlds"));
    EXPECT_FALSE(visible("Curves###curves"));
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_2);
    ctx->Yield(4);
    EXPECT_EQ(window->ui().settings.workspace, "train");
    EXPECT_TRUE(visible("Curves###curves"));
    EXPECT_FALSE(visible("Worlds###worlds"));
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_3);
    ctx->Yield(4);
    for (const char* name : {"Probes###probes", "Performance###performance", "Log###log", "Curves###curves"})
      EXPECT_TRUE(visible(name)) << "Debug shows " << name;
    ctx->ItemClick("//##MainMenuBar/**/Teach");
    ctx->Yield(4);
    EXPECT_TRUE(visible("Lesson###lesson"));
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_5);
    ctx->Yield(4);
    for (const char* name : {"Questions###questions", "Answer###answer", "Evidence###evidence"}) EXPECT_TRUE(visible(name)) << name;
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(4);
    EXPECT_TRUE(visible("Worlds###worlds"));
    EXPECT_FALSE(visible("Lesson###lesson"));
  });
}

TEST_F(Windows, PlayHasItsTimelineInFrontWhereverOneBegan) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(6);
    EXPECT_TRUE(visible("Timeline###timeline"));
    EXPECT_FALSE(visible("Runs###runs"));
    const ImGuiWindow *timeline = ImGui::FindWindowByName("Timeline###timeline"), *runs = ImGui::FindWindowByName("Runs###runs");
    ASSERT_TRUE(timeline && runs);
    EXPECT_EQ(timeline->DockNode, runs->DockNode);
    EXPECT_LT(timeline->DockOrder, runs->DockOrder);
  });
}

TEST_F(Windows, ALayoutIsWrittenOnceSomebodyHasChangedIt) {
  const std::filesystem::path home = folder(), file = home / "layout-play.ini";
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    const auto there_and_back = [&] {
      ctx->Yield(12);
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_2);
      ctx->Yield(12);
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
      ctx->Yield(3);
    };
    there_and_back();
    EXPECT_FALSE(std::filesystem::exists(file)) << "It is built anew, for the window's size then.";
    ctx->Yield(12);
    window->ui().panel_open["performance"] = false;  // the last tab of its strip: ImGui's own text stays the same
    there_and_back();
    ASSERT_TRUE(std::filesystem::exists(file));
    EXPECT_FALSE(window->ui().panel_open["performance"]) << "and stays closed";
  });
}

/// ImGui takes back the memory of a window that was out of sight for a minute.
TEST_F(Windows, AMinuteWithoutMindIsNothing) {
  open("play");
  act([&](ImGuiTestContext* ctx) {
    ImGui::GetIO().ConfigMemoryCompactTimer = 0.05f;
    ctx->Yield(3);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_5);
    const ImGuiWindow* mind = ImGui::FindWindowByName("Mind###mind");
    ASSERT_NE(mind, nullptr);
    for (int i = 0; i < 200 && !mind->MemoryCompacted; ++i) ctx->SleepNoSkip(0.01f, 0.01f);
    EXPECT_TRUE(mind->MemoryCompacted);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(3);
    EXPECT_EQ(window->ui().settings.workspace, "play");
  });
}

TEST_F(Windows, TheDefaultLayoutFillsTheWindow) {
  open();
  act([&](ImGuiTestContext*) {
    const ImGuiWindow *worlds = ImGui::FindWindowByName("Worlds###worlds"),
                      *mind = ImGui::FindWindowByName("Mind###mind"), *train = ImGui::FindWindowByName("Train###train");
    ASSERT_TRUE(worlds && mind && train);
    const ImVec2 size = ImGui::GetMainViewport()->Size;
    EXPECT_LE(worlds->Pos.x, 1);
    EXPECT_NEAR(mind->Pos.x + mind->Size.x, size.x, 1);
    EXPECT_NEAR(train->Pos.y + train->Size.y, size.y, 1);
    EXPECT_GT(worlds->Size.x * worlds->Size.y, size.x * size.y * 0.5f) << "Half of the screen shows worlds.";
  });
}

TEST_F(Windows, DebugAsksForEveryProbeThatIsOffered) {
  engine.become_recurrent();
  open("debug");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(4);
    const WatchProbes* watched = engine.last<WatchProbes>();
    ASSERT_NE(watched, nullptr);
    std::set<std::string> offered(engine.dream().probe_names.begin(), engine.dream().probe_names.end());
    offered.insert(engine.train().probe_names.begin(), engine.train().probe_names.end());
    EXPECT_EQ(offered.size(), 15u);
    EXPECT_EQ(watched->names, offered);
    for (const char* item : {"bars", "cells"})
      EXPECT_NE(ctx->ItemInfo((std::string("//Probes###probes/**/") + item).c_str()).ID, 0u) << item;
    ctx->ItemClick("//Probes###probes/**/###randomise");
    EXPECT_EQ(engine.count<RandomiseLatent>(), 1) << "The viewers work here as in the mind.";
  });
}

TEST_F(Windows, TheRunsAreListedInTheTopBarAndOneIsOpenedByKeys) {
  engine.runs().push_back({"runs/other", "runs/other", "another recipe", "Other", "score 12", true});
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_D);
    ctx->Yield(3);
    EXPECT_TRUE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
    const auto press = [&](ImGuiKey key) {
      ctx->KeyPress(key);
      ctx->Yield(2);
    };
    press(ImGuiKey_DownArrow);  // from the one that is open, the first
    press(ImGuiKey_DownArrow);  // the damaged one
    press(ImGuiKey_Enter);
    EXPECT_EQ(engine.count<OpenRun>(), 0) << "A run that cannot be opened is not opened.";
    EXPECT_TRUE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
    press(ImGuiKey_DownArrow);
    press(ImGuiKey_Enter);
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/other");
    EXPECT_FALSE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
    ctx->ItemClick("//##MainMenuBar/**/###world");
    ctx->Yield(2);
    EXPECT_TRUE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup)) << "The mouse opens it too.";
    press(ImGuiKey_Escape);
    EXPECT_FALSE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
  });
}

TEST_F(Windows, SizeAndPlaceAreRemembered) {
  const std::filesystem::path home = folder();
  open("play", home);
  GLFWwindow* shown = glfwGetCurrentContext();
  glfwSetWindowSize(shown, 1100, 700);
  glfwSetWindowPos(shown, 130, 70);
  act([&](ImGuiTestContext* ctx) { ctx->Yield(5); });
  close();
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_EQ(ImGui::GetMainViewport()->Size.x, 1100);
    EXPECT_EQ(ImGui::GetMainViewport()->Size.y, 700);
  });
  int x = 0, y = 0;
  glfwGetWindowPos(glfwGetCurrentContext(), &x, &y);
  EXPECT_EQ(x, 130);
  EXPECT_EQ(y, 70);
  close();
  Settings far = load_settings(home / "window.conf");
  far.place = {90000, 90000, 90000, 90000};
  ASSERT_TRUE(save_settings(home / "window.conf", far));
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    const GLFWvidmode* screen = glfwGetVideoMode(glfwGetPrimaryMonitor());
    EXPECT_LE(ImGui::GetMainViewport()->Size.x, static_cast<float>(screen->width));
    EXPECT_LE(ImGui::GetMainViewport()->Size.y, static_cast<float>(screen->height));
  });
}

TEST_F(Windows, TheReportIsWrittenAtTheEnd) {
  WindowOptions options;
  options.settings_directory = "-";
  options.max_frames = 5;
  options.report = folder() / "report.json";
  EXPECT_EQ(run_window(engine, options), 0);
  std::ifstream in(options.report);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_NE(text.find("\"frame_ms\""), std::string::npos);
  options.report /= "a file is no folder.json";
  EXPECT_THROW(run_window(engine, options), Error);
}

TEST_F(Windows, TextGrowsByEveryPlusThatAKeyboardHas) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto pressed = [&](ImGuiKeyChord chord) {
      window->ui().settings.text_scale = 1;
      ctx->KeyPress(chord);
      ctx->Yield(2);
      return window->ui().settings.text_scale;
    };
    EXPECT_EQ(pressed(ImGuiMod_Ctrl | ImGuiKey_Equal), 1.25f);
    EXPECT_EQ(pressed(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Equal), 1.25f);
    EXPECT_EQ(pressed(ImGuiMod_Ctrl | ImGuiKey_KeypadAdd), 1.25f);
    window->ui().settings.text_scale = 1.25f;
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_KeypadSubtract);
    ctx->Yield(2);
    EXPECT_EQ(window->ui().settings.text_scale, 1);
  });
}

TEST_F(Windows, F12SaysWhereThePictureWentAndOverwritesNothing) {
  const std::filesystem::path pictures = folder() / "Bilder";
  std::filesystem::create_directories(pictures);
  std::ofstream(folder() / "user-dirs.dirs") << "XDG_MUSIC_DIR=\"$HOME/Musik\"\nXDG_PICTURES_DIR=\"$HOME/Bilder\"\n";
  const char *home = std::getenv("HOME"), *config = std::getenv("XDG_CONFIG_HOME");
  const std::string old_home = home ? home : "", old_config = config ? config : "";
  setenv("HOME", folder().c_str(), 1);
  setenv("XDG_CONFIG_HOME", folder().c_str(), 1);
  open();
  act([&](ImGuiTestContext* ctx) {
    for (int i = 0; i < 2; ++i) {
      ctx->KeyPress(ImGuiKey_F12);
      ctx->Yield(3);
      EXPECT_TRUE(visible("###toast"));
      EXPECT_NE(window->ui().said.find(pictures.string()), std::string::npos) << window->ui().said;
    }
  });
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(pictures)) files += file.path().extension() == ".png";
  EXPECT_EQ(files, 2) << "Two within one second have names of their own.";
  old_home.empty() ? unsetenv("HOME") : setenv("HOME", old_home.c_str(), 1);
  old_config.empty() ? unsetenv("XDG_CONFIG_HOME") : setenv("XDG_CONFIG_HOME", old_config.c_str(), 1);
}

TEST_F(Windows, AProjectorHasLargeTextHighContrastAndTheKeysShown) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const ImU32 muted = window->ui().color().muted;
    ctx->MenuClick("//##MainMenuBar/View/For a projector");
    ctx->Yield(4);
    EXPECT_NEAR(ImGui::GetFontSize(), 24, 0.5f);
    EXPECT_NE(window->ui().color().muted, muted);
    EXPECT_FALSE(visible("###pressed"));
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(3);
    EXPECT_TRUE(visible("###pressed"));
    ctx->KeyUp(ImGuiKey_LeftArrow);
    EXPECT_EQ(window->ui().settings.text_scale, 1) << "What was chosen comes back with the projector's end.";
  });
}

TEST_F(Windows, APresentationIsDreamRealityAndASentenceUntilEsc) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F11);
    ctx->Yield(6);
    EXPECT_TRUE(visible("###presentation"));
    for (const char* away : {"Worlds###worlds", "Mind###mind", "##MainMenuBar"}) EXPECT_FALSE(visible(away)) << away;
    const ImRect dream = ctx->ItemInfo("//###presentation/dream").RectFull,
                 real = ctx->ItemInfo("//###presentation/real").RectFull;
    EXPECT_GT(dream.GetHeight(), ImGui::GetMainViewport()->Size.y * 0.7f);
    EXPECT_LT(real.GetWidth(), dream.GetWidth());
    EXPECT_FALSE(real.Overlaps(dream));
    ctx->KeyDown(ImGuiKey_RightArrow);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<Drive>()->action[0], 1) << "The keys drive here too.";
    ctx->KeyUp(ImGuiKey_RightArrow);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(6);
    EXPECT_TRUE(visible("Worlds###worlds"));
    EXPECT_TRUE(visible("Mind###mind")) << "Every panel is where it was.";
  });
  EXPECT_EQ(ImGui::GetMainViewport()->Size.x, 1600);
}

TEST_F(Windows, ATooltipStandsBesideWhatItExplains) {
  open();
  act([&](ImGuiTestContext* ctx) {
    for (const char* item :
         {"//Worlds###worlds/###restart", "//Worlds###worlds/###twin", "//Mind###mind/**/###randomise"}) {
      ctx->MouseMove(item);
      ctx->SleepNoSkip(0.4f, 0.05f);
      const ImGuiWindow* tooltip = nullptr;
      for (const ImGuiWindow* each : ImGui::GetCurrentContext()->Windows)
        if ((each->Flags & ImGuiWindowFlags_Tooltip) && each->Active && !each->Hidden) tooltip = each;
      ASSERT_NE(tooltip, nullptr) << item;
      EXPECT_FALSE(tooltip->Rect().Overlaps(ctx->ItemInfo(item).RectFull)) << item;
    }
  });
}

TEST_F(Windows, ALayoutIsRememberedAndReset) {
  const std::filesystem::path home = folder();
  open("play", home);
  float before = 0, moved = 0;
  act([&](ImGuiTestContext* ctx) {
    before = ImGui::FindWindowByName("Mind###mind")->Size.x;
    ImGuiDockNode* node = ImGui::FindWindowByName("Mind###mind")->DockNode;
    ctx->MouseMoveToPos({node->Pos.x - 1, node->Pos.y + 100});  // the splitter
    ctx->MouseDown();
    ctx->MouseMoveToPos({node->Pos.x - 121, node->Pos.y + 100});
    ctx->MouseUp();
    ctx->Yield(3);
    moved = ImGui::FindWindowByName("Mind###mind")->Size.x;
    EXPECT_GT(moved, before + 60);
  });
  close();
  EXPECT_TRUE(std::filesystem::exists(home / "layout-play.ini"));
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    EXPECT_NEAR(ImGui::FindWindowByName("Mind###mind")->Size.x, moved, 3);
    ctx->MenuClick("//##MainMenuBar/View/Reset layout");
    ctx->Yield(4);
    EXPECT_NEAR(ImGui::FindWindowByName("Mind###mind")->Size.x, before, 3);
  });
}

TEST_F(Windows, ADamagedLayoutOrSettingsFileGivesTheDefaults) {
  const std::filesystem::path home = folder();
  std::ofstream(home / "layout-play.ini") << "[Docking][Data]\nDockSpace ID=zzzz \x01\x02";
  std::ofstream(home / "window.conf") << "text_scale=1e30\nworkspace=nowhere\ntheme\n=\n";
  std::filesystem::create_directory(home / "layout-train.ini");
  open("", home);
  EXPECT_EQ(window->ui().settings.text_scale, 1);
  EXPECT_EQ(window->ui().settings.workspace, "play");
  act([&](ImGuiTestContext* ctx) {
    EXPECT_TRUE(visible("Worlds###worlds"));
    window->ui().want_workspace = "train";
    ctx->Yield(6);
    EXPECT_TRUE(visible("Train###train"));
  });
}

TEST_F(Windows, ThemeAndTextSizeAreRemembered) {
  const std::filesystem::path home = folder();
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    ctx->MenuClick("//##MainMenuBar/View/Dark or light");
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Equal);
    ctx->Yield(3);
    EXPECT_NEAR(ImGui::GetFontSize(), 16 * window->ui().scale, 0.5f);
  });
  close();
  open("play", home);
  EXPECT_FALSE(window->ui().settings.dark);
  EXPECT_FLOAT_EQ(window->ui().settings.text_scale, 1.25f);
}

TEST_F(Windows, APictureIsUploadedOnlyWhenItChanges) {
  engine.dream().playing = false;
  open();
  act([&](ImGuiTestContext* ctx) { ctx->Yield(3); });
  const std::shared_ptr<const Image> image = std::make_shared<Image>(Image{2, 2, 3, std::vector<std::uint8_t>(12, 9)});
  TextureCache& textures = window->ui().textures;
  const int before = textures.uploads();
  const ImTextureID first = textures.get("test", image).id;
  EXPECT_NE(first, ImTextureID_Invalid);
  EXPECT_EQ(textures.get("test", image).id, first);
  EXPECT_EQ(textures.uploads(), before + 1);
  textures.get("test", std::make_shared<Image>(*image));
  EXPECT_EQ(textures.uploads(), before + 2);
  auto wrong = std::make_shared<Image>(*image);
  wrong->pixels.pop_back();
  EXPECT_FALSE(textures.get("test", wrong)) << "Too few pixels: refused.";
}

TEST_F(Windows, TheScreenshotIsAPng) {
  const std::filesystem::path file = folder() / "shot.png";
  open();
  act([&](ImGuiTestContext* ctx) { ctx->Yield(2); });
  ASSERT_TRUE(window->screenshot(file));
  std::ifstream in(file, std::ios::binary);
  char start[8] = {};
  in.read(start, 8);
  EXPECT_EQ(std::string(start + 1, 3), "PNG");
  EXPECT_FALSE(window->screenshot(folder() / "no such folder" / "shot.png"));
}

TEST_F(Windows, TheKeyToPixelLatencyIsMeasuredOncePerKey) {
  open();
  act([&](ImGuiTestContext* ctx) {
    EXPECT_FALSE(window->ui().measures.any_key);
    ctx->KeyPress(ImGuiKey_LeftArrow);
    ctx->Yield(4);
    const Measures& m = window->ui().measures;
    EXPECT_TRUE(m.any_key);
    EXPECT_GT(m.key_to_pixel, 0);
    EXPECT_NEAR(m.input + m.model + m.decode + m.draw, std::max(m.key_to_pixel, m.input + m.model + m.decode), 1e-3f);
    const std::size_t keys = m.keys.size();
    ctx->Yield(5);
    EXPECT_EQ(m.keys.size(), keys);
  });
}

TEST_F(Windows, QuitIsAnsweredWithinAFrame) {
  std::atomic<bool> quit{false};
  WindowOptions options;
  options.settings_directory = "-";
  options.quit = &quit;
  Window other(engine, options);
  EXPECT_TRUE(other.frame());
  quit = true;
  EXPECT_FALSE(other.frame());
}

TEST(Gamepad, GlfwsAxesAndButtonsAreRead) {
  GLFWgamepadstate state{};
  state.axes[GLFW_GAMEPAD_AXIS_LEFT_TRIGGER] = state.axes[GLFW_GAMEPAD_AXIS_RIGHT_TRIGGER] = -1;  // at rest
  const PadState rest = to_pad(state);
  EXPECT_EQ(rest.gas, 0);
  EXPECT_EQ(rest.brake, 0);
  EXPECT_FALSE(rest.a || rest.b || rest.left || rest.right || rest.up || rest.down);
  state.axes[GLFW_GAMEPAD_AXIS_LEFT_X] = 0.25f, state.axes[GLFW_GAMEPAD_AXIS_LEFT_Y] = -0.5f;
  state.axes[GLFW_GAMEPAD_AXIS_RIGHT_TRIGGER] = 0, state.axes[GLFW_GAMEPAD_AXIS_LEFT_TRIGGER] = 1;
  state.buttons[GLFW_GAMEPAD_BUTTON_A] = state.buttons[GLFW_GAMEPAD_BUTTON_DPAD_UP] = GLFW_PRESS;
  const PadState held = to_pad(state);
  EXPECT_EQ(held.x, 0.25f);
  EXPECT_EQ(held.y, 0.5f) << "GLFW's axis points down.";
  EXPECT_EQ(held.gas, 0.5f);
  EXPECT_EQ(held.brake, 1);
  EXPECT_TRUE(held.a && held.up);
  EXPECT_FALSE(held.b || held.down);
}

}  // namespace window_test
}  // namespace dream::ui
