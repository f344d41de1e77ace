#include "ui/chrome.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "imgui_internal.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/panels/runs.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

void menu_item(Ui& ui, const char* id, bool checked = false) {
  const Action* action = ui.action(id);
  if (!action) return;
  const std::string why_not = action->why_not ? action->why_not(ui) : "";
  if (ImGui::MenuItem(action->title.c_str(), action->keys.c_str(), checked, why_not.empty())) action->run(ui);
  if (!why_not.empty()) tip(ui, action->title.c_str(), why_not.c_str());
}

void draw_menus(Ui& ui) {
  if (ImGui::BeginMenu("File")) {
    for (const char* id : {"open_run", "choose_run", "new_run", "screenshot"}) menu_item(ui, id);
    ImGui::Separator();
    for (const char* id : {"undo", "redo"}) menu_item(ui, id);
    ImGui::Separator();
    menu_item(ui, "quit");
    ImGui::EndMenu();
  }
  if (ImGui::BeginMenu("Dream")) {
    for (const char* id : {"play", "step", "restart", "new_start"}) menu_item(ui, id);
    ImGui::Separator();
    menu_item(ui, "pilot");
    menu_item(ui, "twin", ui.dream().twin);
    for (const char* id : {"tau_down", "tau_up"}) menu_item(ui, id);
    ImGui::Separator();
    menu_item(ui, "capture", ui.keymap.captured());
    ImGui::EndMenu();
  }
  if (ImGui::BeginMenu("Train")) {
    for (const char* id : {"train_start", "train_pause", "train_step", "train_stop"}) menu_item(ui, id);
    ImGui::EndMenu();
  }
  if (ImGui::BeginMenu("Teach")) {
    for (const char* id : {"lessons", "lesson_next", "lesson_back", "lesson_leave"}) menu_item(ui, id);
    ImGui::Separator();
    for (const char* id : {"lesson_record", "quiz"}) menu_item(ui, id);
    ImGui::EndMenu();
  }
  if (ImGui::BeginMenu("View")) {
    for (const Workspace& each : workspaces())
      menu_item(ui, ("workspace_" + each.id).c_str(), ui.settings.workspace == each.id);
    ImGui::Separator();
    if (ImGui::BeginMenu("Text size")) {
      for (const float size : {1.0f, 1.25f, 1.5f, 2.0f}) {
        char label[16];
        std::snprintf(label, sizeof label, "%g×", static_cast<double>(size));
        if (ImGui::MenuItem(label, nullptr, ui.settings.text_scale == size))
          ui.settings.text_scale = size, ui.settings_changed = ui.want_style = true;
      }
      ImGui::EndMenu();
    }
    if (ImGui::BeginMenu("Theme")) {
      for (const bool dark : {true, false})
        if (ImGui::MenuItem(dark ? "Dark" : "Light", nullptr, ui.settings.dark == dark))
          ui.settings.dark = dark, ui.settings_changed = ui.want_style = true;
      ImGui::EndMenu();
    }
    menu_item(ui, "smooth", ui.settings.smooth);
    ImGui::Separator();
    if (ImGui::BeginMenu("Panels")) {
      for (const Panel& panel : panel_list()) {
        bool& open = ui.panel_open[panel.id];
        if (ImGui::MenuItem(panel.title.c_str(), nullptr, &open) && open) ui.want_panel = panel.id;
      }
      ImGui::EndMenu();
    }
    menu_item(ui, "reset_layout");
    ImGui::EndMenu();
  }
  if (ImGui::BeginMenu("Help")) {
    menu_item(ui, "keys");
    menu_item(ui, "palette");
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
      for (const std::string* cell : {&run.environment, run.model.empty() ? &run.recipe : &run.model, &run.detail}) {
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
void draw_world_choice(Ui& ui) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  const bool asked = std::exchange(ui.want_run_list, false);
  const float room =
      ImGui::GetWindowWidth() - ImGui::GetCursorPosX() - ui.px(300);  // the workspaces stand at the right
  if (room < ui.px(90)) {                                             // the Runs panel does the same
    if (asked) ui.run("open_run");
    return;
  }
  const std::string label = dream.world.empty() ? "no world yet" : dream.world;
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

/// The figures at the right end: as many as there is room for.
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
        "From a driving key's event to the swapped picture that answers it: waiting for the step (input), the memory "
        "the model, the decoder, and drawing.");
  }
}

}  // namespace

void draw_menu_bar(Ui& ui) {
  const Palette& p = ui.color();
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(8), ui.px(8)});
  if (!ImGui::BeginMainMenuBar()) {
    ImGui::PopStyleVar();
    return;
  }
  {
    WithFont bold(ui.fonts.bold, 1.02f);
    text(p.text, "Dreamscope");
  }
  ImGui::SameLine(0, ui.px(14));
  draw_menus(ui);
  ImGui::PopStyleVar();
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(10), ui.px(4)});
  const float centre = (ImGui::GetWindowHeight() - ImGui::GetFrameHeight()) / 2;
  ImGui::SameLine(0, ui.px(12));
  ImGui::SetCursorPosY(centre);
  draw_world_choice(ui);
  ImGui::SameLine(0, ui.px(16));
  ImGui::SetCursorPosY(centre);
  std::vector<std::string> titles, helps;
  int chosen = 0;
  for (const Workspace& each : workspaces()) {
    if (each.id == ui.settings.workspace) chosen = static_cast<int>(titles.size());
    titles.push_back(each.title);
    helps.push_back(each.help);
  }
  ImGui::PushStyleColor(ImGuiCol_Button, IM_COL32_BLACK_TRANS);
  const int clicked = segmented(ui, "workspaces", titles, chosen, helps);
  ImGui::PopStyleColor();
  if (clicked >= 0) ui.want_workspace = workspaces()[static_cast<std::size_t>(clicked)].id;
  const float used = ImGui::GetItemRectMax().x;

  draw_figures(ui, used);
  ImGui::PopStyleVar();
  ImGui::EndMainMenuBar();
}

void draw_keys_page(Ui& ui) {
  if (!ui.show_keys) return;
  const ImVec2 screen = ImGui::GetMainViewport()->Size;
  ImGui::SetNextWindowPos({screen.x / 2, screen.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
  ImGui::SetNextWindowSize({std::min(ui.px(860), screen.x * 0.94f), std::min(ui.px(600), screen.y * 0.9f)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  if (ImGui::Begin("Every key###keys", &ui.show_keys,
                   ImGuiWindowFlags_NoCollapse | ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoResize |
                       ImGuiWindowFlags_NoSavedSettings)) {
    const Palette& p = ui.color();
    header(ui, "Driving", p.dream, "hold to take over, release to hand back");
    for (const KeyBinding& binding : ui.dream().spaces.action.keys) {
      keycap(ui, Keymap::to_label(binding.key).c_str(), 0);
      ImGui::SameLine(0, ui.px(6));
      ImGui::AlignTextToFramePadding();
      text(p.muted, "%s", binding.label.c_str());
      ImGui::SameLine(0, ui.px(16));
    }
    text(p.muted, "W A S D and a gamepad work too");
    ImGui::Dummy({0, ui.px(6)});
    if (ImGui::BeginTable("keys", 2, ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingStretchSame)) {
      ImGui::TableNextColumn();
      std::string group;
      int shown = 0;
      const int all = static_cast<int>(
          std::count_if(ui.actions.begin(), ui.actions.end(), [](const Action& a) { return !a.keys.empty(); }));
      for (const Action& action : ui.actions) {
        if (action.keys.empty()) continue;
        if (shown++ == (all + 1) / 2) ImGui::TableNextColumn(), group.clear();
        if (group != action.group) {
          group = action.group;
          ImGui::Dummy({0, ui.px(2)});
          header(ui, group, p.text, "");
        }
        const float left = ImGui::GetCursorPosX();
        keycap(ui, action.keys.c_str(), 0);
        ImGui::SameLine(0, 0);
        ImGui::SetCursorPosX(left + ui.px(110));
        ImGui::AlignTextToFramePadding();
        text(p.text, "%s", action.title.c_str());
        tip(ui, action.title.c_str(), action.help.c_str(), action.keys.c_str());
      }
      ImGui::EndTable();
    }
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

void draw_palette(Ui& ui) {
  if (!ui.show_palette) return;
  const ImVec2 screen = ImGui::GetMainViewport()->Size;
  ImGui::SetNextWindowPos({screen.x / 2, screen.y * 0.16f}, ImGuiCond_Always, {0.5f, 0});
  ImGui::SetNextWindowSize({std::min(ui.px(560), screen.x * 0.9f), std::min(ui.px(430), screen.y * 0.7f)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ViewState& state = ui.views["palette"];
  std::string& query = ui.texts["palette"];
  if (ImGui::Begin("###palette", &ui.show_palette,
                   ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoResize |
                       ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings)) {
    if (ImGui::IsWindowAppearing()) {
      query.clear();
      state.selected = 0;
      ImGui::SetKeyboardFocusHere();
    }
    ImGui::SetNextItemWidth(-1);
    const bool entered = ImGui::InputTextWithHint("##query", "a command", &query, ImGuiInputTextFlags_EnterReturnsTrue);
    const bool closing =
        ImGui::IsKeyPressed(ImGuiKey_Escape) ||
        (!ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !ImGui::IsWindowAppearing());
    if (ImGui::IsKeyPressed(ImGuiKey_DownArrow)) ++state.selected;
    if (ImGui::IsKeyPressed(ImGuiKey_UpArrow)) --state.selected;
    const auto lower = [](std::string s) {
      std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return s;
    };
    std::vector<const Action*> found;
    for (const Action& action : ui.actions)
      if (lower(action.group + " " + action.title + " " + action.help).find(lower(query)) != std::string::npos)
        found.push_back(&action);
    // Matches in the title before matches in the explanation.
    std::stable_sort(found.begin(), found.end(), [&](const Action* a, const Action* b) {
      return (lower(a->title).find(lower(query)) != std::string::npos) >
             (lower(b->title).find(lower(query)) != std::string::npos);
    });
    state.selected = std::clamp(state.selected, 0, std::max(static_cast<int>(found.size()) - 1, 0));
    const Action* chosen = nullptr;
    ImGui::BeginChild("found");
    for (int i = 0; i < static_cast<int>(found.size()); ++i) {
      const Action& action = *found[static_cast<std::size_t>(i)];
      const std::string why_not = action.why_not ? action.why_not(ui) : "";
      ImGui::BeginDisabled(!why_not.empty());
      const ImVec2 at = ImGui::GetCursorScreenPos();
      const float wide = ImGui::GetContentRegionAvail().x;
      if (ImGui::Selectable((action.group + ": " + action.title + "##" + action.id).c_str(), i == state.selected))
        chosen = &action;
      right_text(ImGui::GetWindowDrawList(), at.x + wide - ui.px(6), at.y, ui.color().muted, action.keys.c_str());
      ImGui::EndDisabled();
      tip(ui, action.title.c_str(), why_not.empty() ? action.help.c_str() : why_not.c_str());
      if (i == state.selected && (ImGui::IsKeyPressed(ImGuiKey_DownArrow) || ImGui::IsKeyPressed(ImGuiKey_UpArrow)))
        ImGui::SetScrollHereY();
    }
    ImGui::EndChild();
    if (entered && !found.empty()) chosen = found[static_cast<std::size_t>(state.selected)];
    if (chosen || closing) ui.show_palette = false;
    if (chosen) ui.run(chosen->id);
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

bool list_is_open() {
  return ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
}

void handle_shortcuts(Ui& ui) {
  const ImGuiIO& io = ImGui::GetIO();
  if (ui.keymap.captured()) {
    if (ImGui::IsKeyPressed(ImGuiKey_Escape, false)) ui.keymap.capture(false);
    return;
  }
  if (ImGui::IsKeyPressed(ImGuiKey_Escape, false)) ui.show_keys = false;
  // A key and its modifier may be pressed and let go within one slow frame.
  const int with = ui.pressed_with >= 0 ? ui.pressed_with : io.KeyMods;
  for (const Action& action : ui.actions) {
    if (action.chord == 0) continue;
    const ImGuiKey key = static_cast<ImGuiKey>(action.chord & ~ImGuiMod_Mask_);
    const int mods = action.chord & ImGuiMod_Mask_;
    if (with != mods || !ImGui::IsKeyPressed(key, false)) continue;
    const bool function_key = key >= ImGuiKey_F1 && key <= ImGuiKey_F24;
    // A text field keeps every plain key and its own editing chords; the game keeps its driving keys.
    if (io.WantTextInput && !function_key && action.id != "palette") continue;
    if (mods == 0 && (ui.keymap.owns(key) || list_is_open())) continue;
    ui.run(action.id);
    return;
  }
}

}  // namespace dream::ui
