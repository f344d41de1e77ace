#include "ui/layout.h"

#include <algorithm>

#include "imgui_internal.h"

namespace dream::ui {
namespace {

/// Panels that stand alone have no tab bar: they carry their own headings.
void place(const std::vector<std::string>& ids, ImGuiID node) {
  for (const std::string& id : ids)
    if (const Panel* panel = find_panel(id)) ImGui::DockBuilderDockWindow(window_name(*panel).c_str(), node);
  if (ImGuiDockNode* at = ImGui::DockBuilderGetNode(node)) {
    ImGuiDockNodeFlags flags =
        at->LocalFlags | ImGuiDockNodeFlags_NoWindowMenuButton | ImGuiDockNodeFlags_NoCloseButton;
    if (ids.size() == 1) flags |= ImGuiDockNodeFlags_NoTabBar;
    at->SetLocalFlags(flags);
    if (const Panel* first = ids.empty() ? nullptr : find_panel(ids.front()))
      at->SelectedTabId = ImHashStr("#TAB", 0, ImHashStr(window_name(*first).c_str()));
  }
}

}  // namespace

std::string layout_heading(const std::string& workspace_id) {
  return "; dreamscope layout 1 " + workspace_id + "\n";
}

bool shown_by_default(const Workspace& workspace, const std::string& panel_id) {
  for (const auto* ids :
       {&workspace.left_panels, &workspace.centre_panels, &workspace.right_panels, &workspace.bottom_panels})
    if (std::find(ids->begin(), ids->end(), panel_id) != ids->end()) return true;
  return false;
}

void build_default_layout(ImGuiID dock, const Workspace& workspace, ImVec2 pos, ImVec2 size, float scale) {
  ImGui::DockBuilderRemoveNode(dock);
  ImGui::DockBuilderAddNode(dock, static_cast<int>(ImGuiDockNodeFlags_DockSpace));
  ImGui::DockBuilderSetNodePos(dock, pos);
  ImGui::DockBuilderSetNodeSize(dock, size);
  ImGuiID rest = dock;
  float height = size.y;  // of what stands above the strip
  if (!workspace.bottom_panels.empty()) {
    // The strip must hold four phases and their buttons whatever the text size, but never half of the window.
    const float bottom = std::clamp(workspace.bottom_least * scale / size.y, workspace.bottom, 0.4f);
    place(workspace.bottom_panels, ImGui::DockBuilderSplitNode(rest, ImGuiDir_Down, bottom, nullptr, &rest));
    height *= 1 - bottom;
  }
  if (!workspace.left_panels.empty()) {
    ImGuiID left = ImGui::DockBuilderSplitNode(rest, ImGuiDir_Left, workspace.left, nullptr, &rest);
    if (workspace.left_panels.size() == 2) {
      const float above = std::clamp(192 * scale / height, 0.36f, 0.6f);  // the phases are all in sight
      const ImGuiID below = ImGui::DockBuilderSplitNode(left, ImGuiDir_Down, 1 - above, nullptr, &left);
      place({workspace.left_panels[1]}, below);
      place({workspace.left_panels[0]}, left);
    } else {
      place(workspace.left_panels, left);
    }
  }
  if (!workspace.right_panels.empty()) {
    const float share = workspace.left > 0 ? workspace.right / (1 - workspace.left) : workspace.right;
    ImGuiID right = ImGui::DockBuilderSplitNode(rest, ImGuiDir_Right, share, nullptr, &rest);
    if (workspace.right_panels.size() == 2) {
      const float lower = std::clamp(330 * scale / height, 0.55f, 0.66f);  // its figures are all in sight
      const ImGuiID below = ImGui::DockBuilderSplitNode(right, ImGuiDir_Down, lower, nullptr, &right);
      place({workspace.right_panels[1]}, below);
      place({workspace.right_panels[0]}, right);
    } else {
      place(workspace.right_panels, right);
    }
  }
  place(workspace.centre_panels, rest);
  ImGui::DockBuilderFinish(dock);
}

void draw_dock_space(ImGuiID dock, ImVec2 pos, ImVec2 size) {
  ImGui::SetNextWindowPos(pos);
  ImGui::SetNextWindowSize(size);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  ImGui::Begin("###ground", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                   ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoBringToFrontOnFocus |
                   ImGuiWindowFlags_NoNavFocus | ImGuiWindowFlags_NoSavedSettings);
  ImGui::PopStyleVar(2);
  ImGui::DockSpace(dock, {0, 0});
  ImGui::End();
}

}  // namespace dream::ui
