#include "ui/panel_picture.h"

#include "imgui_internal.h"

namespace dream::ui {

void save_panel(Ui& ui, const std::string& id) {
  ui.want_panel = id;
  ui.want_cutout = Ui::Cutout{.what = id, .min = {}, .max = {}, .frames = 4, .panel = id};
}

std::string focused_panel() {
  const ImGuiWindow* focused = ImGui::GetCurrentContext()->NavWindow;
  for (const Panel& panel : panel_list())
    if (focused && focused->RootWindow->Name == window_name(panel)) return panel.id;
  return "worlds";
}

Ground place_of_panel(const std::string& id) {
  const Panel* panel = find_panel(id);
  const ImGuiWindow* window = panel ? ImGui::FindWindowByName(window_name(*panel).c_str()) : nullptr;
  if (!window || !window->WasActive || window->Hidden) return {};
  return {window->InnerRect.Min, window->InnerRect.GetSize()};
}

}  // namespace dream::ui
