#include "ui/chrome.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "imgui_internal.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/panels/runs.h"
#include "ui/record/recording.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

void menu_item(Ui& ui, const Action& action) {
  const std::string why_not = action.why_not ? action.why_not(ui) : "";
  const bool checked = action.checked && action.checked(ui);
  if (ImGui::MenuItem(action.title.c_str(), ui.keys_of(action).c_str(), checked, why_not.empty())) action.run(ui);
  tip(ui, action.title.c_str(), why_not.empty() ? action.help.c_str() : why_not.c_str());
}

void draw_panel_menu(Ui& ui) {
  if (!ImGui::BeginMenu("Panels")) return;
  for (const Panel& panel : panel_list()) {
    bool& open = ui.panel_open[panel.id];
    if (ImGui::MenuItem(panel.title.c_str(), nullptr, &open) && open) ui.want_panel = panel.id;
  }
  ImGui::EndMenu();
}

/// Menus within another: the bar has room for few beside the run.
constexpr std::pair<const char*, const char*> within[] = {{"Record", "Dream"}, {"Lab", "Experiments"}, {"Picture", "View"}};

/// The groups of the table in their order: a menu each.
std::vector<std::string> menu_titles(const Ui& ui) {
  std::vector<std::string> all;
  for (const Action& action : ui.actions) {
    const bool inner = std::ranges::any_of(within, [&](const auto& menu) { return action.group == menu.first; });
    if (!inner && std::find(all.begin(), all.end(), action.group) == all.end()) all.push_back(action.group);
  }
  return all;
}

void draw_menus(Ui& ui) {
  for (const std::string& title : menu_titles(ui)) {
    if (!ImGui::BeginMenu(title.c_str())) continue;
    draw_menu(ui, title);
    for (const auto& [inner, outer] : within) {
      if (title != outer || !ImGui::BeginMenu(inner)) continue;
      draw_menu(ui, inner);
      ImGui::EndMenu();
    }
    if (title == "View") draw_panel_menu(ui);
    ImGui::EndMenu();
  }
}

/// The runs to dream with: mouse, or arrows and Enter. A run that cannot be opened says why.
void draw_run_list(Ui& ui) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  const std::vector<RunView>& runs = *ui.snapshot->runs;
  int& at = ui.views["run list"].selected;
  const int last = static_cast<int>(runs.size());  // the line after the runs: another one
  const auto is_open = [&](const RunView& run) { return run.path == dream.run; };
  if (ImGui::IsWindowAppearing()) {
    const auto open = std::find_if(runs.begin(), runs.end(), is_open);
    at = open == runs.end() ? 0 : static_cast<int>(open - runs.begin());
  }
  const int moved = static_cast<int>(ImGui::IsKeyPressed(ImGuiKey_DownArrow)) -
                    static_cast<int>(ImGui::IsKeyPressed(ImGuiKey_UpArrow));
  at = std::clamp(at + moved, 0, last);
  const bool entered = ImGui::IsKeyPressed(ImGuiKey_Enter, false) || ImGui::IsKeyPressed(ImGuiKey_KeypadEnter, false);
  const auto chosen = [&](int line, bool clicked) { return clicked || (entered && at == line); };
  bool close = ImGui::IsKeyPressed(ImGuiKey_Escape, false);
  if (runs.empty()) text(p.muted, "No runs were found yet.");
  if (ImGui::BeginTable("runs", 5, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_PadOuterX)) {
    for (int i = 0; i < last; ++i) {
      const RunView& run = runs[static_cast<std::size_t>(i)];
      ImGui::TableNextRow();
      ImGui::TableNextColumn();
      ImGui::PushID(run.path.c_str());
      text(is_open(run) ? p.dream : IM_COL32_BLACK_TRANS, "●");
      ImGui::SameLine(0, ui.px(6));
      ImGui::BeginDisabled(!run.usable);
      const bool clicked = ImGui::Selectable(run.name.empty() ? run.title.c_str() : run.name.c_str(), at == i,
                                             ImGuiSelectableFlags_SpanAllColumns);
      ImGui::EndDisabled();
      tip(ui, run.title.c_str(), run.detail.c_str());
      if (moved != 0 && at == i) ImGui::SetScrollHereY();
      if (run.usable && chosen(i, clicked)) ui.send(OpenRun{run.path}), close = true;
      ImGui::PopID();
      ImGui::TableNextColumn();
      if (run.shipped)
        shipped_badge(ui);
      else
        text(p.muted, "own");
      const std::string world = world_label(run.environment);
      for (const std::string* cell : {&world, run.model.empty() ? &run.recipe : &run.model, &run.detail}) {
        ImGui::TableNextColumn();
        std::size_t end = cell->size();
        if (end > 48)  // never in the middle of a letter
          for (end = 44; end > 0 && (static_cast<unsigned char>((*cell)[end]) & 0xc0) == 0x80;) --end;
        text(run.usable || cell != &run.detail ? p.muted : p.warning, "%s%s", cell->substr(0, end).c_str(),
             end < cell->size() ? "…" : "");
      }
    }
    ImGui::EndTable();
  }
  ImGui::Separator();
  if (chosen(last, ImGui::Selectable("another run…", at == last))) ui.run("open_run"), close = true;
  if (close) ImGui::CloseCurrentPopup();
}

/// "shipped" or the name of the user's own run; empty while nothing is dreamt.
std::string whose_run(const Ui& ui) {
  const DreamView& dream = ui.dream();
  if (dream.world.empty()) return "";
  for (const RunView& run : *ui.snapshot->runs)
    if (run.path == dream.run) return run.shipped ? "shipped" : run.name.empty() ? run.title : run.name;
  return std::filesystem::path(dream.run).filename().string();
}

/// What is dreamt, and a list of runs to dream with instead.
void draw_world_choice(Ui& ui, float room) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  const bool asked = std::exchange(ui.want_run_list, false);
  const std::string label = !dream.world.empty() ? world_label(dream.world) : dream.opening.empty() ? "no world yet" : "opening " + dream.opening + " …";
  const std::string whose = whose_run(ui);  // two runs of one world and model differ in this alone
  const float note = whose.empty() ? 0 : ImGui::CalcTextSize(whose.c_str()).x + ui.px(12);
  const float wide = std::min({ImGui::CalcTextSize(label.c_str()).x + note + ui.px(58), ui.px(520), room});
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + wide, min.y + ImGui::GetFrameHeight()};
  const bool clicked = ImGui::Button("###world", {wide, 0});
  tip(ui, "World and model",
      dream.run_title.empty() ? "Which world is dreamt, and by which run." : dream.run_title.c_str(), "Ctrl-D");
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float y = min.y + ImGui::GetStyle().FramePadding.y, middle = (min.y + max.y) / 2;
  list->AddCircleFilled({min.x + ui.px(14), middle}, ui.px(4), dream.ready ? p.dream : p.muted);
  const float end = max.x - ui.px(26), split = std::max(end - note, min.x + (end - min.x) * 0.6f);
  ImGui::RenderTextEllipsis(list, {min.x + ui.px(25), y}, {split, max.y}, split, label.c_str(), nullptr, nullptr);
  ImGui::PushStyleColor(ImGuiCol_Text, p.muted);
  ImGui::RenderTextEllipsis(list, {split + ui.px(12), y}, {end, max.y}, end, whose.c_str(), nullptr, nullptr);
  ImGui::PopStyleColor();
  ImGui::RenderArrow(list, {max.x - ui.px(23), y + ui.px(2)}, p.muted, ImGuiDir_Down, 0.75f);
  if (clicked || asked) ImGui::OpenPopup("run list");
  ImGui::SetNextWindowPos({min.x, max.y + ui.px(3)});
  ImGui::SetNextWindowSizeConstraints({wide, 0}, {ImGui::GetMainViewport()->Size.x - min.x - ui.px(10), ui.px(520)});
  if (!ImGui::BeginPopup("run list", ImGuiWindowFlags_NoMove)) return;
  draw_run_list(ui);
  ImGui::EndPopup();
}

/// The figures at the right end, for who looks for what costs time: as many as there is room for.
void draw_figures(Ui& ui, float used) {
  const Palette& p = ui.color();
  WithFont small(ui.fonts.mono, 0.84f);
  char line[160];
  const Measures& m = ui.measures;
  const std::string rate = pace_of(ui.dream());
  const float room = ImGui::GetWindowWidth() - used - ui.px(30);
  if (m.any_key)
    std::snprintf(line, sizeof line,
                  "dream %6s  key→pixel %2.0f ms (%.1f input · %.1f model · %.1f decode · %.0f draw)  F1 keys",
                  rate.c_str(), static_cast<double>(m.key_to_pixel), static_cast<double>(m.input),
                  static_cast<double>(m.model), static_cast<double>(m.decode), static_cast<double>(m.draw));
  else
    std::snprintf(line, sizeof line, "dream %6s  key→pixel    ·     F1 keys", rate.c_str());
  if (ImGui::CalcTextSize(line).x > room)
    std::snprintf(line, sizeof line, m.any_key ? "%6s  key→pixel %2.0f ms  F1" : "%6s  F1 keys", rate.c_str(),
                  static_cast<double>(m.key_to_pixel));
  const float wide = ImGui::CalcTextSize(line).x;
  if (wide <= room) {
    const ImVec2 at = ImGui::GetWindowPos();
    const ImVec2 from{at.x + ImGui::GetWindowWidth() - wide - ui.px(16),
                      at.y + (ImGui::GetWindowHeight() - ImGui::GetTextLineHeight()) / 2};
    ImGui::GetWindowDrawList()->AddText(from, p.muted, line);
    ImGui::SetCursorScreenPos(from);
    ImGui::Dummy({wide, ImGui::GetTextLineHeight()});
    tip(ui, "Key → pixel",
        "From a driving key's event to the swapped picture that answers it: waiting for the step (input), the "
        "model's memory, the decoder, and drawing.");
  }
}

/// What of the bar is shown whole: the rest gives way to the choice of the world.
struct Bar {
  bool name = true;        // the program's
  bool workspaces = true;  // as buttons; else as a list
  bool menus = true;       // one beside the other; else in one
  float world = 0;         // room for the choice of the world
};

Bar fit_bar(const Ui& ui, float width) {
  const auto wide = [](const std::string& label, float around) {
    return ImGui::CalcTextSize(label.c_str()).x + around;
  };
  float name = wide("Dreamscope", ui.px(24)), menus = 0, buttons = 0, widest = 0;
  for (const std::string& title : menu_titles(ui)) menus += wide(title, 2 * ImGui::GetStyle().ItemSpacing.x);
  for (const Workspace& each : workspaces()) {
    buttons += wide(each.title, ui.px(23));
    widest = std::max(widest, wide(each.title, ui.px(60)));
  }
  float film = ui.recording->busy() ? record_button_width(ui, true) + ui.px(16) : 0;
  if (ui.snapshot->keeping->on) film += keeping_width(ui) + ui.px(16);
  const float around = ui.px(64) + film, least = ui.px(150);
  Bar bar;
  const auto room = [&] {
    return width - around - (bar.name ? name : 0) - (bar.workspaces ? buttons : widest) -
           (bar.menus ? menus : wide(icon::bars, 2 * ImGui::GetStyle().ItemSpacing.x));
  };
  for (bool* shown : {&bar.name, &bar.workspaces, &bar.menus})
    if (room() < least) *shown = false;
  bar.world = room();
  return bar;
}

void draw_workspaces(Ui& ui, bool buttons) {
  std::vector<std::string> titles, helps;
  int chosen = 0, clicked = -1;
  float widest = 0;
  for (const Workspace& each : workspaces()) {
    if (each.id == ui.settings.workspace) chosen = static_cast<int>(titles.size());
    titles.push_back(each.title);
    helps.push_back(each.help);
    widest = std::max(widest, ImGui::CalcTextSize(each.title.c_str()).x);
  }
  if (buttons) {
    ImGui::PushStyleColor(ImGuiCol_Button, IM_COL32_BLACK_TRANS);
    clicked = segmented(ui, "workspaces", titles, chosen, helps);
    ImGui::PopStyleColor();
  } else {
    ImGui::SetNextItemWidth(widest + ui.px(50));
    if (ImGui::BeginCombo("##workspaces", titles[static_cast<std::size_t>(chosen)].c_str())) {
      for (int i = 0; i < static_cast<int>(titles.size()); ++i)
        if (ImGui::Selectable(titles[static_cast<std::size_t>(i)].c_str(), i == chosen)) clicked = i;
      ImGui::EndCombo();
    }
    tip(ui, "Workspace", helps[static_cast<std::size_t>(chosen)].c_str());
  }
  if (clicked >= 0) ui.want_workspace = workspaces()[static_cast<std::size_t>(clicked)].id;
}

}  // namespace

void draw_menu(Ui& ui, const std::string& group) {
  for (const Action& action : ui.actions) {
    if (action.group != group) continue;
    if (action.parted) ImGui::Separator();
    menu_item(ui, action);
  }
}

void draw_menu_bar(Ui& ui) {
  const Palette& p = ui.color();
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(8), ui.px(8)});
  if (!ImGui::BeginMainMenuBar()) {
    ImGui::PopStyleVar();
    return;
  }
  const Bar bar = fit_bar(ui, ImGui::GetWindowWidth());
  if (bar.name) {
    WithFont bold(ui.fonts.bold, 1.02f);
    text(p.text, "Dreamscope");
    ImGui::SameLine(0, ui.px(14));
  }
  if (bar.menus) {
    draw_menus(ui);
  } else if (ImGui::BeginMenu(icon::bars)) {
    draw_menus(ui);
    ImGui::EndMenu();
  }
  ImGui::PopStyleVar();
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(10), ui.px(4)});
  const float centre = (ImGui::GetWindowHeight() - ImGui::GetFrameHeight()) / 2;
  ImGui::SameLine(0, ui.px(12));
  ImGui::SetCursorPosY(centre);
  draw_world_choice(ui, bar.world);
  ImGui::SameLine(0, ui.px(16));
  ImGui::SetCursorPosY(centre);
  draw_workspaces(ui, bar.workspaces);
  if (ui.recording->busy()) {
    ImGui::SameLine(0, ui.px(16));
    ImGui::SetCursorPosY(centre);
    draw_record_button(ui, record_button_width(ui, true));
  }
  if (ui.snapshot->keeping->on) {
    ImGui::SameLine(0, ui.px(16));
    ImGui::SetCursorPosY(centre);
    draw_keeping(ui, keeping_width(ui));
  }
  const float used = ImGui::GetItemRectMax().x;
  if (ui.settings.workspace == "debug") draw_figures(ui, used);
  ImGui::PopStyleVar();
  ImGui::EndMainMenuBar();
}

}  // namespace dream::ui
