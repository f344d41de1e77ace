// For a hall: cursor and keys large, and the dream alone with reality and one sentence.
#include <algorithm>

#include "imgui_internal.h"
#include "ui/chrome.h"
#include "ui/pictures.h"
#include "ui/places.h"
#include "ui/sentence.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr double lingers = 1.2;  // seconds that a key is shown after it was let go

bool of_keyboard(ImGuiKey key) {
  return key < ImGuiKey_GamepadStart || key > ImGuiKey_MouseWheelY;
}

void note_keys(Ui& ui) {
  for (int i = ImGuiKey_NamedKey_BEGIN; i < ImGuiKey_NamedKey_END; ++i) {
    const ImGuiKey key = static_cast<ImGuiKey>(i);
    if (of_keyboard(key) && !(i >= ImGuiKey_ReservedForModCtrl && i <= ImGuiKey_ReservedForModSuper) &&
        ImGui::IsKeyDown(key))
      ui.keys_down[key] = ui.time;
  }
  std::erase_if(ui.keys_down, [&](const auto& key) { return ui.time - key.second > lingers; });
}

void draw_cursor(const Ui& ui) {
  const ImVec2 mouse = ImGui::GetMousePos();
  if (!ImGui::IsMousePosValid(&mouse)) return;
  ImDrawList* list = ImGui::GetForegroundDrawList();
  const bool pressed = ImGui::IsMouseDown(ImGuiMouseButton_Left);
  list->AddCircleFilled(mouse, ui.px(16), fade(ui.color().warning, pressed ? 0.5f : 0.15f));
  list->AddCircle(mouse, ui.px(16), ui.color().warning, 0, ui.px(2.5f));
}

}  // namespace

void draw_projector(Ui& ui) {
  if (!ui.settings.projector) return;
  note_keys(ui);
  draw_cursor(ui);
  if (ui.keys_down.empty() && !ui.keymap.engaged()) return;
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const ImVec2 cap{ui.px(40), ui.px(40)};
  ImGui::SetNextWindowPos({screen->Pos.x + screen->Size.x / 2, screen->Pos.y + screen->Size.y - ui.px(12)},
                          ImGuiCond_Always, {0.5f, 1});
  ImGui::PushStyleColor(ImGuiCol_WindowBg, fade(ui.color().panel, 0.85f));
  if (ImGui::Begin("###pressed", nullptr,
                   ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoDocking |
                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                       ImGuiWindowFlags_NoNavFocus | ImGuiWindowFlags_AlwaysAutoResize)) {
    ImGui::BringWindowToDisplayFront(ImGui::GetCurrentWindow());
    const std::vector<KeyBinding>& bindings = ui.dream().spaces.action.keys;
    for (std::size_t i = 0; i < bindings.size(); ++i) {  // by key or by gamepad
      if (i > 0) ImGui::SameLine(0, ui.px(6));
      keycap(ui, ui.keymap.to_label(bindings[i].key).c_str(), i < ui.keymap.held().size() ? ui.keymap.held()[i] : 0,
             cap);
    }
    for (const auto& [key, when] : ui.keys_down) {
      if (ui.keymap.drives(key)) continue;
      ImGui::SameLine(0, ui.px(6));
      keycap(ui, ImGui::GetKeyName(key), ui.time - when < 0.1 ? 1.0f : 0.4f, cap);
    }
  }
  ImGui::End();
  ImGui::PopStyleColor();
}

void draw_presentation(Ui& ui) {
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const DreamView& dream = ui.dream();
  ImGui::SetNextWindowPos(screen->Pos);
  ImGui::SetNextWindowSize(screen->Size);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  if (ImGui::Begin("###presentation", nullptr,
                   ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoBringToFrontOnFocus)) {
    const Frame* hero = find_frame(dream.frames, "dream");
    const ImVec2 from = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
    WithFont large(ui.fonts.text, 1.5f);
    const float line = 1.6f * ImGui::GetTextLineHeight();
    Room room{.width = space.x,
              .height = space.y - line,
              .caption = caption_height(ui),
              .gap = ui.px(24),
              .least = ui.px(84),
              .small = false};
    if (hero && hero->image) room.frame_width = hero->image->width, room.frame_height = hero->image->height;
    const Places places = arrange(room);
    const float wide = std::max(places.dream.right(), places.real.right());
    const ImVec2 origin{from.x + (space.x - wide) / 2, from.y};
    for (const auto& [name, place] : {std::pair("dream", places.dream), std::pair("real", places.real)}) {
      if (!place.shown()) continue;
      ImGui::SetCursorScreenPos({origin.x + place.x, origin.y + place.y - room.caption});
      draw_picture(ui, name, dream.frames, find_frame(dream.frames, name), name, {place.width, place.height}, "Not there now.");
    }
    const Sentence said = sentence(ui);
    const ImVec2 size = ImGui::CalcTextSize(said.text.c_str());
    ImGui::SetCursorScreenPos({from.x + std::max(0.0f, (space.x - size.x) / 2), from.y + space.y - line});
    ImGui::PushTextWrapPos();
    text(said.colour, "%s", said.text.c_str());
    ImGui::PopTextWrapPos();
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
