// One reference picture of every panel and of every workspace, over the scripted engine (tests/golden/panels, workspaces).
// To write them anew after a change that you looked at:
//   DREAMSCOPE_GOLDEN=write build/…/bin/ui_tests --gtest_filter='*References*'
#include <GLFW/glfw3.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "api/platform_time.h"
#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "tests/ui/reference.h"
#include "ui/panel_list.h"
#include "ui/screenshot.h"

namespace dream::ui {
namespace panels_look_test {

/// What a window of this workspace shows; what is measured anew in every session is black.
class References : public Flow {
 protected:
  void SetUp() override { setenv("TZ", "UTC", 1), tzset(); }

  Image picture(const std::string& workspace, int wide, int high, const std::string& panel = "") {
    width = wide, height = high;
    if (workspace == "lab") engine.lab().fill({"assets/car"}), engine.tick();  // every state of a question
    open(workspace);
    act([&](ImGuiTestContext* ctx) {
      ctx->MouseTeleportToPos({static_cast<float>(wide) - 2, 2});  // where no tooltip comes
      window->ui().want_panel = panel;
      if (panel == "fan") window->ui().run("fan");  // open, it says more
      if (panel == "data") window->ui().send(OpenDataset{"data/CarRacing-by-hand"});
      ctx->Yield(40);
      engine.dream().playing = false;
      engine.train().published_at = now_seconds();  // ages are told from then on
      window->ui().said.clear();
      ctx->Yield(4);
      wanted_ = true;
      ctx->Yield(2);
    });
    blacken(taken_, "##MainMenuBar");
    if (panel != "performance") blacken(taken_, "Performance###performance");
    return taken_;
  }
  void after_frame() override {
    Flow::after_frame();  // the engine goes on
    if (!std::exchange(wanted_, false)) return;
    const auto file = folder() / "window.png";
    save_pixels(glfwGetCurrentContext(), file, {0, 0}, ImGui::GetIO().DisplaySize);
    taken_ = read_png(file);
  }
  static ImRect place_of(const std::string& name) {
    const ImGuiWindow* found = ImGui::FindWindowByName(name.c_str());
    return found && found->WasActive && !found->Hidden ? found->Rect() : ImRect();
  }
  static void blacken(Image& image, const std::string& name) {
    const ImRect place = place_of(name);
    for (int y = static_cast<int>(place.Min.y); y < std::min(static_cast<int>(place.Max.y), image.height); ++y)
      std::fill_n(&image.pixels[static_cast<std::size_t>((y * image.width + static_cast<int>(place.Min.x)) * 3)],
                  static_cast<std::size_t>(std::min(place.GetWidth(), static_cast<float>(image.width) - place.Min.x)) * 3, 0);
  }
  static Image cut(const Image& image, const ImRect& place) {
    const int left = static_cast<int>(place.Min.x), top = static_cast<int>(place.Min.y);
    Image part{static_cast<int>(place.GetWidth()), static_cast<int>(place.GetHeight()), 3, {}};
    for (int y = 0; y < part.height; ++y) {
      const auto* row = &image.pixels[static_cast<std::size_t>(((top + y) * image.width + left) * 3)];
      part.pixels.insert(part.pixels.end(), row, row + part.width * 3);
    }
    return part;
  }

 private:
  bool wanted_ = false;
  Image taken_;
};

class PanelReferences : public References, public testing::WithParamInterface<const char*> {};

TEST_P(PanelReferences, LooksLikeItsReference) {
  const std::string id = GetParam();
  const auto shows = [&](const Workspace& w) {
    for (const auto* list : {&w.left_panels, &w.centre_panels, &w.right_panels, &w.bottom_panels})
      if (std::find(list->begin(), list->end(), id) != list->end()) return true;
    return false;
  };
  const auto home = std::find_if(workspaces().begin(), workspaces().end(), shows);
  ASSERT_NE(home, workspaces().end()) << "no workspace shows it";
  const Image all = picture(home->id, 1600, 900, id);
  const ImRect place = place_of(window_name(*find_panel(id)));
  ASSERT_GT(place.GetWidth(), 100);
  expect_looks_like("panels/" + id, cut(all, place));
}

std::vector<const char*> ids() {
  std::vector<const char*> all;
  for (const Panel& panel : panel_list())
    if (panel.id != "performance") all.push_back(panel.id.c_str());  // nothing but what this machine took
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, PanelReferences, testing::ValuesIn(ids()), [](const auto& each) { return std::string(each.param); });

class WorkspaceReferences : public References, public testing::WithParamInterface<const char*> {};

TEST_P(WorkspaceReferences, LooksLikeItsReference) {
  expect_looks_like("workspaces/" + std::string(GetParam()), picture(GetParam(), 1280, 720));
}
INSTANTIATE_TEST_SUITE_P(All, WorkspaceReferences, testing::Values("play", "train", "debug", "teach", "lab", "arena"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace panels_look_test
}  // namespace dream::ui
