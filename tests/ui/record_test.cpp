// Recording through the window: keys, the button, the menu; and pictures of panels.
#include <cstdlib>

#include "imgui_internal.h"
#include "tests/ui/film_reader.h"
#include "tests/ui/reference.h"
#include "tests/ui/flow.h"
#include "ui/panel_picture.h"
#include "ui/record/recording.h"

namespace dream::ui {
namespace record_test {

class Records : public Flow {
 protected:
  void SetUp() override {
    setenv("XDG_PICTURES_DIR", folder().c_str(), 1);
    engine.lives = true;
  }
  void TearDown() override {
    Flow::TearDown();
    unsetenv("XDG_PICTURES_DIR");
  }

  std::filesystem::path only_file() {
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) all.push_back(entry.path());
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? std::filesystem::path() : all.front();
  }
  void until_written(ImGuiTestContext* ctx) {
    for (int i = 0; i < 2000 && window->ui().recording->busy(); ++i) ctx->Yield();
    EXPECT_FALSE(window->ui().recording->busy());
    ctx->Yield(2);  // what this frame drew may still have been the busy one
  }
  const std::string& said() { return window->ui().said; }
};

TEST_F(Records, EveryStepOfTheDreamOnceByOneKey) {
  open();
  window->ui().settings.film_format = "gif";
  std::vector<std::shared_ptr<const Image>> made;  // every step's picture, from the one that was seen when it began
  act([&](ImGuiTestContext* ctx) {
    engine.dream().playing = false;
    ctx->Yield(2);
    made.push_back(window->ui().dream().frames[0].image);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_R);
    EXPECT_TRUE(window->ui().recording->on());
    for (const int steps : {1, 3, 0, 7, 1}) {  // between two frames of the window
      engine.dream().playing = true;
      for (int i = 0; i < steps; ++i) engine.tick(), made.push_back(engine.latest()->dream->frames[0].image);
      engine.dream().playing = false;
      ctx->Yield(2);
    }
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_R);
    until_written(ctx);
  });
  const std::filesystem::path file = only_file();
  EXPECT_EQ(file.extension(), ".gif");
  EXPECT_EQ(said(), "Kept 0.3 s, 13 frames: " + file.string());
  const std::vector<Seen> seen = read_gif(file);
  ASSERT_EQ(seen.size(), made.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Image wanted = compose({.worlds = {made[i]}});
    double error = 0;
    for (std::size_t k = 0; k < wanted.pixels.size(); ++k)
      error += std::abs(wanted.pixels[k] - seen[i].picture.pixels[k]);
    EXPECT_LT(error / static_cast<double>(wanted.pixels.size()), 3) << "step " << i;
    EXPECT_EQ(seen[i].hundredths, 2);
  }
}

TEST_F(Records, TheButtonShowsTheLengthAndStops) {
  open();
  window->ui().settings.film_format = "png";
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Worlds###worlds/###record");
    EXPECT_TRUE(window->ui().recording->on());
    ctx->Yield(60);
    EXPECT_NE(window->ui().recording->seconds(), "0.0 s");
    ctx->ItemClick("//##MainMenuBar/##MenuBar/###record");
    EXPECT_FALSE(window->ui().recording->on());
    until_written(ctx);
    EXPECT_FALSE(ctx->ItemExists("//##MainMenuBar/##MenuBar/###record")) << "the bar shows it only while it records";
  });
  EXPECT_TRUE(std::filesystem::is_directory(only_file()));
}

TEST_F(Records, TheWindowIsReadBackAsItIsSeen) {
  open();
  window->ui().settings.film_format = "png";
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_R);
    for (int i = 0; i < 400 && window->ui().recording->seconds() < "0.4 s"; ++i) ctx->Yield();
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_R);  // the same key stops whatever is recorded
    EXPECT_FALSE(window->ui().recording->on());
    until_written(ctx);
  });
  const std::filesystem::path film = only_file();
  ASSERT_TRUE(window->screenshot(folder() / "now.png"));
  std::filesystem::path last;
  for (const auto& entry : std::filesystem::directory_iterator(film)) last = std::max(last, entry.path());
  const Image filmed = read_png(last), now = read_png(folder() / "now.png");
  ASSERT_GT(filmed.width, 0);
  ASSERT_EQ(filmed.width, now.width);
  ASSERT_EQ(filmed.pixels.size(), now.pixels.size());
  std::size_t same = 0;
  for (std::size_t i = 0; i < now.pixels.size(); ++i) same += filmed.pixels[i] == now.pixels[i];
  EXPECT_GT(same, now.pixels.size() / 2) << "the right way up, in the right colours: only what moves differs";
}

TEST_F(Records, TheRealWorldStandsBeside) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->MenuClick("//##MainMenuBar/Dream/Record/With the real world beside");
    ctx->MenuClick("//##MainMenuBar/Dream/Record/Films as GIF");
    ctx->MenuClick("//##MainMenuBar/Dream/Record/Record the dream");
    ctx->Yield(5);
    ctx->MenuClick("//##MainMenuBar/Dream/Record/Record the dream");
    until_written(ctx);
  });
  const std::vector<Seen> seen = read_gif(only_file());
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].picture.width, 512 + 8 + 512);
  EXPECT_TRUE(window->ui().settings.film_beside);
  EXPECT_EQ(window->ui().settings.film_format, "gif");
}

TEST_F(Records, WithoutFFmpegTheMenuSaysWhy) {
  open();
  const Action& mp4 = *window->ui().action("film_mp4");
  EXPECT_EQ(mp4.why_not(window->ui()), why_no_mp4());
  EXPECT_EQ(film_format(window->ui()), why_no_mp4().empty() ? FilmFormat::mp4 : FilmFormat::gif);
}

TEST_F(Records, AFolderThatCannotBeWrittenIsSaidAndTheDreamGoesOn) {
  setenv("XDG_PICTURES_DIR", "/proc", 1);
  open();
  window->ui().settings.film_format = "gif";
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_R);
    until_written(ctx);
    const std::int64_t step = window->ui().dream().step;
    ctx->Yield(3);
    EXPECT_GT(window->ui().dream().step, step);
  });
  EXPECT_TRUE(said().starts_with("Nothing was recorded: /proc/")) << said();
}

TEST_F(Records, ClosingTheWindowEndsTheFilm) {
  open();
  window->ui().settings.film_format = "gif";
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_R);
    ctx->Yield(10);
    EXPECT_TRUE(window->ui().recording->on());
  });
  close();
  EXPECT_GE(read_gif(only_file()).size(), 10u);
}

TEST_F(Records, APanelIsSavedByARightClickOnItsTab) {
  open();
  const auto saved = [&](ImGuiTestContext* ctx, const char* panel) {
    ctx->Yield(8);
    const std::filesystem::path file = only_file();
    EXPECT_NE(file.string().find(panel), std::string::npos) << file;
    const Image picture = read_png(file);
    const Ground place = place_of_panel(panel);
    EXPECT_GT(picture.width, 200);
    EXPECT_EQ(picture.width, static_cast<int>(place.size.x));
    EXPECT_EQ(picture.height, static_cast<int>(place.size.y));
    std::filesystem::remove(file);
  };
  act([&](ImGuiTestContext* ctx) {
    const auto tab = [](const char* name) {
      return find_panel(name) ? ImGui::FindWindowByName(window_name(*find_panel(name)).c_str()) : nullptr;
    };
    for (const char* panel : {"timeline", "runs"}) {  // in front, and behind another
      const ImRect place = tab(panel)->DC.DockTabItemRect;
      ctx->MouseMoveToPos(place.GetCenter());
      ctx->MouseClick(ImGuiMouseButton_Right);
      ctx->Yield(2);
      ctx->ItemClick("//$FOCUSED/Save this panel as a picture");
      saved(ctx, panel);
    }
    ctx->WindowFocus("Mind###mind");
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_F12);
    saved(ctx, "mind");
  });
}

}  // namespace record_test
}  // namespace dream::ui
