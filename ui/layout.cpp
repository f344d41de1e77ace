#include "ui/layout.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
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

constexpr int most_side = 32000;  // ImGui keeps places as shorts

struct SavedNode {
  unsigned id = 0, parent = 0, window = 0, selected = 0;
  bool space = false, split = false, central = false;
  int children = 0;
};

bool sane_size(int width, int height) {
  return width >= least_side && height >= least_side && width <= most_side && height <= most_side;
}

/// A line of the tree as ImGui reads it: its fields in their order, and nothing else. False when it is none.
bool read_node(const std::string& text, SavedNode& node) {
  const char* line = text.c_str() + std::min(text.find_first_not_of(' '), text.size());
  int read = 0, x = 0, y = 0;
  char axis = 0;
  const auto step = [&](int fields, int wanted) {
    if (fields == wanted) line += read;
    return fields == wanted;
  };
  node.space = std::strncmp(line, "DockSpace", 9) == 0;
  if (!node.space && std::strncmp(line, "DockNode", 8) != 0) return false;
  line += node.space ? 9 : 8;
  if (!step(std::sscanf(line, " ID=0x%8X%n", &node.id, &read), 1) || node.id == 0) return false;
  step(std::sscanf(line, " Parent=0x%8X%n", &node.parent, &read), 1);
  step(std::sscanf(line, " Window=0x%8X%n", &node.window, &read), 1);
  if (node.parent != 0) {
    if (!step(std::sscanf(line, " SizeRef=%d,%d%n", &x, &y, &read), 2) || !sane_size(x, y)) return false;
  } else {
    if (!step(std::sscanf(line, " Pos=%d,%d%n", &x, &y, &read), 2)) return false;
    if (std::abs(x) > most_side || std::abs(y) > most_side) return false;
    if (!step(std::sscanf(line, " Size=%d,%d%n", &x, &y, &read), 2) || !sane_size(x, y)) return false;
  }
  node.split = step(std::sscanf(line, " Split=%c%n", &axis, &read), 1);
  if (node.split && axis != 'X' && axis != 'Y') return false;
  for (const char* flag : {" NoResize=%d%n", " CentralNode=%d%n", " NoTabBar=%d%n", " HiddenTabBar=%d%n",
                           " NoWindowMenuButton=%d%n", " NoCloseButton=%d%n"}) {
    const bool there = step(std::sscanf(line, flag, &x, &read), 1);
    if (std::strncmp(flag, " Central", 8) == 0) node.central = there && x != 0;
  }
  step(std::sscanf(line, " Selected=0x%8X%n", &node.selected, &read), 1);
  return line[std::strspn(line, " ")] == 0;
}

}  // namespace

std::string layout_damage(const std::string& text) {
  std::map<unsigned, SavedNode> nodes;
  std::map<std::string, unsigned> docked;  // which node a window is in
  std::string section;
  int spaces = 0, centres = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (std::any_of(line.begin(), line.end(), [](unsigned char c) { return c < ' '; })) return "it is no text";
    if (line.empty() || line[0] == ';') continue;
    if (line[0] == '[' && line.back() == ']') {
      section = line;
      int columns = 0;
      if (line.rfind("[Table][", 0) == 0 &&
          (std::sscanf(line.c_str(), "[Table][0x%*8X,%d", &columns) != 1 || columns < 1 || columns > 64))
        return "a table of no columns";
      continue;
    }
    if (section.rfind("[Window][", 0) == 0) {
      int x = 0, y = 0;
      if (std::sscanf(line.c_str(), "Size=%i,%i", &x, &y) == 2 && !sane_size(x, y)) return "a window without a size";
      if (std::sscanf(line.c_str(), "Pos=%i,%i", &x, &y) == 2 && (std::abs(x) > most_side || std::abs(y) > most_side))
        return "a window nowhere";
      std::sscanf(line.c_str(), "DockId=0x%X", &docked[section]);
      continue;
    }
    if (section != "[Docking][Data]") continue;
    SavedNode node;
    if (!read_node(line, node) || nodes.count(node.id)) return "a place without a size or a name";
    if (node.parent != 0) {
      const auto parent = nodes.find(node.parent);
      if (parent == nodes.end() || !parent->second.split) return "a place that is part of nothing";
      ++parent->second.children;
    }
    spaces += node.space, centres += node.central;
    nodes[node.id] = node;
  }
  if (spaces != 1 || centres != 1) return "no place for the panels";
  for (const auto& [id, node] : nodes)
    if (node.children != (node.split ? 2 : 0)) return "a split that has not two sides";
  for (const auto& [name, id] : docked)
    if (id != 0 && (!nodes.count(id) || nodes[id].split)) return name + " is docked nowhere";
  return "";
}

bool make_panels_known(const std::map<std::string, bool>& open) {
  bool all = true;
  for (const Panel& panel : panel_list()) {
    const std::string name = window_name(panel);
    const auto is_open = open.find(panel.id);
    if (is_open == open.end() || !is_open->second || ImGui::FindWindowByName(name.c_str())) continue;
    all = false;
    ImGui::PushStyleVar(ImGuiStyleVar_Alpha, 0);
    ImGui::Begin(name.c_str(), nullptr, ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoInputs);
    ImGui::End();
    ImGui::PopStyleVar();
  }
  return all;
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
    const ImGuiDockNode* root = window->DockNode ? ImGui::DockNodeGetRootNode(window->DockNode) : nullptr;
    if (root && root->LastFrameAlive < ImGui::GetFrameCount() - 1) return "the panel " + panel.title + " is lost";
    const ImVec2 pos = window->DockNode ? window->DockNode->Pos : window->Pos,
                 size = window->DockNode ? window->DockNode->Size : window->Size;
    ImRect seen(pos.x, pos.y, pos.x + size.x, pos.y + size.y);
    seen.ClipWith(area);
    if (seen.GetWidth() < least_side || seen.GetHeight() < least_side)
      return "the panel " + panel.title + " cannot be seen";
  }
  return "";
}

std::string saved_layout(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return "";
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string layout_heading(const std::string& workspace_id) {
  return "; dreamscope layout 2 " + workspace_id + "\n";
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
    // The strip must hold four phases and their buttons, but the pictures come first: where text is large for the
    // window, it scrolls.
    const float most = size.y < 560 * scale ? 0.3f : 0.4f;
    const float bottom = std::clamp(workspace.bottom_least * scale / size.y, std::min(workspace.bottom, most), most);
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
    const float around = 44 * scale;  // its padding and a scroll bar
    const float least = workspace.right_least > 0 ? (workspace.right_least + around) / size.x : 0;
    const float wanted = std::max(workspace.right, std::min(least, 0.4f));
    const float share = workspace.left > 0 ? wanted / (1 - workspace.left) : wanted;
    ImGuiID right = ImGui::DockBuilderSplitNode(rest, ImGuiDir_Right, share, nullptr, &rest);
    if (workspace.right_panels.size() == 2 && !workspace.right_tabs) {
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

void draw_dock_space(ImGuiID dock, ImVec2 pos, ImVec2 size, bool kept) {
  ImGui::SetNextWindowPos(pos);
  ImGui::SetNextWindowSize(size);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  ImGui::Begin("###ground", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                   ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoBringToFrontOnFocus |
                   ImGuiWindowFlags_NoNavFocus | ImGuiWindowFlags_NoSavedSettings);
  ImGui::PopStyleVar(2);
  ImGui::DockSpace(dock, {0, 0}, kept ? ImGuiDockNodeFlags_KeepAliveOnly : ImGuiDockNodeFlags_None);
  ImGui::End();
}

}  // namespace dream::ui
