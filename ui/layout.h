#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "imgui.h"
#include "ui/panel_list.h"

namespace dream::ui {

/// The first line of a saved layout: one of another version is put aside and the default is built.
std::string layout_heading(const std::string& workspace_id);

bool shown_by_default(const Workspace& workspace, const std::string& panel_id);

/// What was saved there; empty where nothing was.
std::string saved_layout(const std::filesystem::path& file);

/// What is wrong with a saved layout, in a few words; empty = nothing. One that passes can be given to ImGui.
std::string layout_damage(const std::string& text);

/// Before a layout is built: a panel that came for the first time where others are known already would be the last of its tabs, and not in
/// front. False where one had to be made known; the layout is then built in the next frame.
bool make_panels_known(const std::map<std::string, bool>& open);
/// What is wrong with the panels as they stand now: one that is open but cannot be seen; empty = nothing.
std::string panel_damage(const std::map<std::string, bool>& open);

/// Docks the workspace's panels in their places. Between NewFrame and the dock space's drawing.
void build_default_layout(ImGuiID dock, const Workspace& workspace, ImVec2 pos, ImVec2 size, float scale);

/// The dock space over the whole work area, without a ground of its own (every layer costs a full-screen fill).
/// `kept`: it keeps its panels while something else is shown in its place.
void draw_dock_space(ImGuiID dock, ImVec2 pos, ImVec2 size, bool kept = false);

}  // namespace dream::ui
