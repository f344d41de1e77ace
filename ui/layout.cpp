#include "ui/layout.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>

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

constexpr int least_side = 24;  // of a panel, pixels: ImGui's splitters stop at 32

struct SavedNode {
  bool split = false;
  int children = 0;
};

/// Reads "NAME=a,b" out of a line; false when it stands there and is no size that a window could have.
bool sane_pair(const std::string& line, const char* name, int least) {
  const std::size_t at = line.find(name);
  if (at == std::string::npos) return true;
  int a = 0, b = 0;
  if (std::sscanf(line.c_str() + at + std::strlen(name), "%d,%d", &a, &b) != 2) return false;
  return a >= least && b >= least && a <= 100000 && b <= 100000;
}

bool read_id(const std::string& line, const char* name, unsigned& id) {
  const std::size_t at = line.find(name);
  return at != std::string::npos && std::sscanf(line.c_str() + at + std::strlen(name), "0x%8X", &id) == 1;
}

}  // namespace

std::string layout_damage(const std::string& text) {
  std::map<unsigned, SavedNode> nodes;
  std::map<std::string, unsigned> docked;  // which node a window is in
  std::string section;
  int spaces = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == ';') continue;
    if (line[0] == '[') {
      section = line;
      int columns = 0;
      if (line.rfind("[Table][", 0) == 0 &&
          (std::sscanf(line.c_str(), "[Table][0x%*8X,%d", &columns) != 1 || columns < 1 || columns > 64))
        return "a table of no columns";
      continue;
    }
    if (section.rfind("[Window][", 0) == 0) {
      if (!sane_pair(line, "Size=", 1)) return "a window without a size";
      if (!sane_pair(line, "Pos=", -100000)) return "a window nowhere";
      unsigned node = 0;
      if (line.rfind("DockId=", 0) == 0) {
        if (!read_id(line, "DockId=", node)) return "a window that is docked nowhere";
        docked[section.substr(9, section.rfind(']') - 9)] = node;
      }
      continue;
    }
    if (section != "[Docking][Data]") continue;
    const bool space = line.rfind("DockSpace", 0) == 0;
    unsigned id = 0, parent = 0;
    if (!read_id(line, " ID=", id) || id == 0 || nodes.count(id)) return "a node without a name of its own";
    if (!sane_pair(line, " Size=", least_side) || !sane_pair(line, " SizeRef=", least_side)) return "a node of no size";
    if (!sane_pair(line, " Pos=", -100000)) return "a node nowhere";
    if (read_id(line, " Parent=", parent)) {
      if (!nodes.count(parent) || !nodes[parent].split) return "a node without its parent";
      ++nodes[parent].children;
    } else if (!space && line.find(" Size=") == std::string::npos) {
      return "a node of no size";
    }
    spaces += space;
    const std::size_t split = line.find(" Split=");
    nodes[id].split = split != std::string::npos;
    if (nodes[id].split && line.compare(split + 7, 1, "X") != 0 && line.compare(split + 7, 1, "Y") != 0)
      return "a split in no direction";
  }
  if (spaces != 1) return "no place for the panels";
  for (const auto& [id, node] : nodes)
    if (node.children != (node.split ? 2 : 0)) return "a split that has not two sides";
  for (const Panel& panel : panel_list()) {
    if (text.find("; closed " + panel.id + "\n") != std::string::npos) continue;
    const auto found = docked.find(window_name(panel));
    if (found == docked.end()) continue;
    const auto node = nodes.find(found->second);
    if (node == nodes.end() || node->second.split) return "the panel " + panel.title + " is docked nowhere";
  }
  return "";
}

std::string panel_damage(const std::map<std::string, bool>& open) {
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const ImRect area(screen->WorkPos.x, screen->WorkPos.y, screen->WorkPos.x + screen->WorkSize.x,
                    screen->WorkPos.y + screen->WorkSize.y);
  for (const Panel& panel : panel_list()) {
    const auto is_open = open.find(panel.id);
    if (is_open == open.end() || !is_open->second) continue;
    const ImGuiWindow* window = ImGui::FindWindowByName(window_name(panel).c_str());
    if (!window) return "the panel " + panel.title + " is missing";
    const ImVec2 pos = window->DockNode ? window->DockNode->Pos : window->Pos,
                 size = window->DockNode ? window->DockNode->Size : window->Size;
    ImRect seen(pos.x, pos.y, pos.x + size.x, pos.y + size.y);
    seen.ClipWith(area);
    if (seen.GetWidth() < least_side || seen.GetHeight() < least_side)
      return "the panel " + panel.title + " cannot be seen";
  }
  return "";
}

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
