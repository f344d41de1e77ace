#include "ui/panel_windows.h"

#include <utility>

#include "imgui_internal.h"
#include "ui/faults.h"
#include "ui/panel_list.h"
#include "ui/panel_picture.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// What a right click on a panel's tab offers, whether the panel is in front or behind another.
void draw_tab_menu(Ui& ui, const Panel& panel) {
  constexpr const char* menu = "tab menu";
  if (ImGui::IsMouseReleased(ImGuiMouseButton_Right) && ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenBlockedByPopup))
    ImGui::OpenPopup(menu);
  if (!ImGui::BeginPopup(menu)) return;
  if (ImGui::MenuItem("Save this panel as a picture")) save_panel(ui, panel.id);
  tip(ui, "Picture of this panel", "As it is seen now, as a PNG beside the screenshots.", "Shift-F12");
  ImGui::EndPopup();
}

}  // namespace

std::vector<Ground> draw_panels(Ui& ui) {
  std::vector<Ground> grounds;
  const ImGuiViewport* viewport = ImGui::GetMainViewport();
  const float faults = faults_height(ui), bottom = viewport->WorkPos.y + viewport->WorkSize.y;
  // A panel that is asked for together with a workspace comes there, in the next frame.
  const std::string front = ui.want_workspace.empty() ? std::exchange(ui.want_panel, "") : "";
  for (const Panel& panel : panel_list()) {
    bool& open = ui.panel_open[panel.id];
    if (front == panel.id) open = true;
    if (!open) continue;
    if (front == panel.id) ImGui::SetNextWindowFocus();
    ImGui::SetNextWindowSize({ui.px(520), ui.px(360)}, ImGuiCond_FirstUseEver);
    ImGuiWindowFlags flags =
        ImGuiWindowFlags_NoCollapse | ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoFocusOnAppearing;
    // A docked panel is closed from the View menu; a cross on every tab would only invite slips.
    const ImGuiWindow* known = ImGui::FindWindowByName(window_name(panel).c_str());
    const bool floats = known && (!known->DockNode || !ImGui::DockNodeGetRootNode(known->DockNode)->IsDockSpace());
    if (!floats) flags |= ImGuiWindowFlags_NoBackground;  // painted by paint_grounds()
    const bool shown = ImGui::Begin(window_name(panel).c_str(), floats ? &open : nullptr, flags);
    draw_tab_menu(ui, panel);
    if (shown) {
      if (!floats && !panel.on_background) grounds.push_back({ImGui::GetWindowPos(), ImGui::GetWindowSize()});
      if (!floats && ImGui::GetWindowPos().y + ImGui::GetWindowSize().y > bottom - 1)
        ImGui::GetCurrentWindow()->ContentRegionRect.Max.y -= faults;
      panel.draw(*ui.snapshot, ui);
    }
    ImGui::End();
  }
  return grounds;
}

}  // namespace dream::ui
