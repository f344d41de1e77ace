// The keys: what a shortcut runs, and the page that shows every one.
#include <algorithm>
#include <string>
#include <vector>

#include "imgui_internal.h"
#include "ui/chrome.h"
#include "ui/widgets.h"

namespace dream::ui {

namespace {

constexpr const char* page = "Every key###keys";

/// Whether a text field takes this chord for itself.
bool edits_text(ImGuiKey key, int mods) {
  constexpr ImGuiKey own[] = {ImGuiKey_A, ImGuiKey_C, ImGuiKey_V, ImGuiKey_X, ImGuiKey_Y, ImGuiKey_Z, ImGuiKey_LeftArrow, ImGuiKey_RightArrow,
                              ImGuiKey_UpArrow, ImGuiKey_DownArrow, ImGuiKey_Home, ImGuiKey_End, ImGuiKey_Backspace, ImGuiKey_Delete,
                              ImGuiKey_Insert, ImGuiKey_Enter, ImGuiKey_KeypadEnter};
  return (mods & ImGuiMod_Ctrl) == 0 || std::ranges::find(own, key) != std::end(own);
}

/// What drives here: keyboard, and on a gamepad.
void draw_driving(Ui& ui) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  header(ui, "Driving", p.dream,
         dream.human_pilot || !dream.has_behaviour ? "nobody drives while no key is held"
                                                   : "hold to take over, let go to hand back");
  ImGui::PushStyleVar(ImGuiStyleVar_CellPadding, {ui.px(7), ui.px(1)});
  if (ImGui::BeginTable("driving", 6, ImGuiTableFlags_SizingFixedFit)) {  // two keys a row
    for (const KeyBinding& binding : dream.spaces.action.keys) {
      ImGui::TableNextColumn();
      keycap(ui, ui.keymap.to_label(binding.key).c_str(), 0);
      ImGui::TableNextColumn();
      ImGui::AlignTextToFramePadding();
      text(p.text, "%s", binding.label.c_str());
      ImGui::TableNextColumn();
      const std::string pad = ui.keymap.pad_label(dream.spaces.action, binding.key);
      ImGui::AlignTextToFramePadding();
      text(p.muted, "%s", pad.empty() ? "" : ("gamepad: " + pad).c_str());
    }
    ImGui::EndTable();
  }
  ImGui::PopStyleVar();
  if (const std::string letters = ui.keymap.letters(); !letters.empty())
    text(p.muted, "%s drive as the arrows do.", letters.c_str());
  ImGui::Dummy({0, ui.px(6)});
}

/// A group's actions that have a key in this world.
void draw_group(Ui& ui, const std::string& group, const std::vector<const Action*>& actions) {
  const Palette& p = ui.color();
  header(ui, group, p.text, "");
  for (const Action* action : actions) {
    if (action->group != group) continue;
    const float left = ImGui::GetCursorPosX();
    keycap(ui, ui.keys_of(*action).c_str(), 0);
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPosX(left + ui.px(110));
    ImGui::AlignTextToFramePadding();
    text(p.text, "%s", action->title.c_str());
    tip(ui, action->title.c_str(), action->help.c_str(), ui.keys_of(*action).c_str());
  }
  ImGui::Dummy({0, ui.px(2)});
}

}  // namespace

void draw_keys_page(Ui& ui) {
  give_focus_back(ui, page, ui.show_keys);
  if (!ui.show_keys) return;
  const ImVec2 screen = ImGui::GetMainViewport()->Size;
  ImGui::SetNextWindowPos({screen.x / 2, screen.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
  ImGui::SetNextWindowSize({std::min(ui.px(860), screen.x * 0.94f), std::min(ui.px(800), screen.y * 0.9f)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  if (ImGui::Begin(page, &ui.show_keys,
                   ImGuiWindowFlags_NoCollapse | ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoResize |
                       ImGuiWindowFlags_NoSavedSettings)) {
    draw_driving(ui);
    std::vector<const Action*> actions;
    std::vector<std::string> groups;
    for (const Action& action : ui.actions) {
      if (ui.keys_of(action).empty()) continue;
      actions.push_back(&action);
      if (groups.empty() || groups.back() != action.group) groups.push_back(action.group);
    }
    if (ImGui::BeginTable("keys", 2, ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingStretchSame)) {
      ImGui::TableNextColumn();
      std::size_t above = 0;  // actions in the first column
      for (const std::string& group : groups) {
        if (above * 2 >= actions.size()) ImGui::TableNextColumn(), above = 0;
        draw_group(ui, group, actions);
        above += static_cast<std::size_t>(
            std::count_if(actions.begin(), actions.end(), [&](const Action* a) { return a->group == group; }));
      }
      ImGui::EndTable();
    }
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

void give_focus_back(Ui& ui, const char* page, bool shown) {
  const auto before = ui.focus_before.find(page);
  if (shown && before == ui.focus_before.end()) {
    const ImGuiWindow* has = ImGui::GetCurrentContext()->NavWindow;
    ui.focus_before[page] = has ? has->RootWindow->Name : "";
  } else if (!shown && before != ui.focus_before.end()) {
    ImGui::FocusWindow(before->second.empty() ? nullptr : ImGui::FindWindowByName(before->second.c_str()));
    ui.focus_before.erase(before);
  }
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
  if (ImGui::IsKeyPressed(ImGuiKey_Escape, false) && !io.WantTextInput && !list_is_open()) {
    if (ui.show_keys)
      ui.show_keys = false;
    else if (ui.experiment.running())
      ui.experiment.stop(ui);
    else if (ui.brush.active() && !ui.show_home && !ui.presenting)
      ui.brush.put_back(ui);
    else if (ui.dream().fan.over != FanOver::closed && !ui.show_home && !ui.presenting)
      ui.send(CloseFan{});
    else
      ui.presenting = false;
  }
  // A list or a menu that is open closes; a question answers Esc itself.
  if (ImGuiContext& g = *ImGui::GetCurrentContext(); ImGui::IsKeyPressed(ImGuiKey_Escape, false) && !io.WantTextInput && g.OpenPopupStack.Size > 0) {
    const ImGuiWindow* top = g.OpenPopupStack.back().Window;
    if (top && (top->Flags & ImGuiWindowFlags_Modal) == 0) ImGui::ClosePopupToLevel(g.OpenPopupStack.Size - 1, true);
    return;
  }
  // A key and its modifier may be pressed and let go within one slow frame.
  const int with = ui.pressed_with >= 0 ? ui.pressed_with : io.KeyMods;
  for (const Action& action : ui.actions) {
    std::vector<ImGuiKeyChord> chords = action.also;
    chords.push_back(action.chord);
    for (const ImGuiKeyChord chord : chords) {
      if (chord == 0) continue;
      const ImGuiKey key = static_cast<ImGuiKey>(chord & ~ImGuiMod_Mask_);
      const int mods = chord & ImGuiMod_Mask_;
      if (with != mods || !ImGui::IsKeyPressed(key, false)) continue;
      const bool function_key = key >= ImGuiKey_F1 && key <= ImGuiKey_F24;
      // A text field keeps every plain key and its own editing chords; the game keeps its driving keys.
      if (io.WantTextInput && !function_key && edits_text(key, mods)) continue;
      if (mods == 0 && (ui.keymap.owns(key) || list_is_open())) continue;
      if (mods == 0 && ui.show_home && !function_key) continue;  // Home has keys of its own
      ui.run(action.id);
      return;
    }
  }
}

}  // namespace dream::ui
