#include "ui/layout_keeper.h"

#include "ui/layout.h"

namespace dream::ui {

std::filesystem::path LayoutKeeper::file(const Ui& ui) const {
  return folder.empty() ? folder : folder / ("layout-" + ui.settings.workspace + ".ini");
}

/// As it would be saved: which panels are closed, and where the others are.
std::string LayoutKeeper::now(Ui& ui) const {
  std::string text;
  for (const Panel& panel : panel_list())
    if (!ui.panel_open[panel.id]) text += "; closed " + panel.id + "\n";
  return text + ImGui::SaveIniSettingsToMemory();
}

bool LayoutKeeper::untouched(Ui& ui) const {
  return built_ >= 0 && (untouched_.empty() || untouched_ == now(ui));
}

void LayoutKeeper::remember(Ui& ui) const {
  // A layout that nobody changed is built anew next time, for the window's size then.
  if (folder.empty() || frames_ == 0 || untouched(ui)) return;
  save_text(file(ui), layout_heading(ui.settings.workspace) + now(ui));
}

/// What was saved makes room for the default.
void LayoutKeeper::discard(Ui& ui) const {
  std::error_code error;
  std::filesystem::remove(file(ui), error);
  for (const Panel& panel : panel_list())
    ui.panel_open[panel.id] = shown_by_default(workspace(ui.settings.workspace), panel.id);
}

/// A saved layout that cannot be shown: the default comes in its place, and the log says so.
void LayoutKeeper::give_up(Ui& ui, const std::string& damage) {
  discard(ui);
  ui.note(1, file(ui).string() + " was damaged (" + damage + "): the default layout is back.");
  build_ = true;
}

void LayoutKeeper::use(Ui& ui, const std::string& workspace_id) {
  remember(ui);
  ui.settings.workspace = workspace(workspace_id).id;
  const std::string saved = folder.empty() ? "" : saved_layout(file(ui));
  build_ = saved.rfind(layout_heading(ui.settings.workspace), 0) != 0;  // none yet, or one of an older version
  if (!build_)
    if (const std::string damage = layout_damage(saved); !damage.empty()) give_up(ui, damage);
  for (const Panel& panel : panel_list())
    ui.panel_open[panel.id] = build_ ? shown_by_default(workspace(workspace_id), panel.id)
                                     : saved.find("; closed " + panel.id + "\n") == std::string::npos;
  built_ = -1;
  read_ = build_ ? -1 : frames_;
  if (!build_) {
    ImGui::ClearIniSettings();
    ImGui::LoadIniSettingsFromMemory(saved.c_str(), saved.size());
  }
  ui.settings_changed = true;
}

void LayoutKeeper::rescale(Ui& ui) {
  build_ = build_ || untouched(ui);
}

bool LayoutKeeper::prepare(Ui& ui, ImGuiID dock) {
  if (!build_ && !ui.want_reset_layout) return true;
  if (!make_panels_known(ui.panel_open)) return false;
  if (ui.want_reset_layout) discard(ui);
  const ImGuiViewport* viewport = ImGui::GetMainViewport();
  build_default_layout(dock, workspace(ui.settings.workspace), viewport->WorkPos, viewport->WorkSize, ui.scale);
  build_ = ui.want_reset_layout = false;
  built_ = frames_;
  untouched_.clear();
  return true;
}

void LayoutKeeper::frame_drawn(Ui& ui, bool visible) {
  ++frames_;
  if (read_ >= 0 && frames_ == read_ + 4 && visible) {
    read_ = -1;
    if (const std::string damage = panel_damage(ui.panel_open); !damage.empty()) give_up(ui, damage);
  }
  if (built_ >= 0 && frames_ == built_ + 5) untouched_ = now(ui);
}

}  // namespace dream::ui
