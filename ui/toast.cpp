#include <algorithm>

#include "imgui_internal.h"
#include "ui/chrome.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_toast(Ui& ui) {
  constexpr double seconds = 6;
  if (ui.said.empty() || ui.time - ui.said_at > seconds) return;
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const float most = screen->WorkSize.x - ui.px(60);
  const float wide = std::min(ImGui::CalcTextSize(ui.said.c_str()).x + ui.px(28), most);
  ImGui::SetNextWindowPos(
      {screen->WorkPos.x + screen->WorkSize.x / 2, screen->WorkPos.y + screen->WorkSize.y - ui.px(14)},
      ImGuiCond_Always, {0.5f, 1});
  ImGui::SetNextWindowSize({wide, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  if (ImGui::Begin("###toast", nullptr,
                   ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                       ImGuiWindowFlags_NoNavFocus | ImGuiWindowFlags_NoInputs)) {
    ImGui::BringWindowToDisplayFront(ImGui::GetCurrentWindow());
    ImGui::PushTextWrapPos(wide - ui.px(12));
    ImGui::TextUnformatted(ui.said.c_str());
    ImGui::PopTextWrapPos();
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
