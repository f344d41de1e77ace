#include "ui/transport.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/knobs.h"
#include "ui/slider.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void draw_keys(Ui& ui, const DreamView& dream, float hero_width) {
  const Palette& p = ui.color();
  const std::vector<KeyBinding>& keys = dream.spaces.action.keys;
  const float right = ImGui::GetCursorPosX() + hero_width;
  const float y = ImGui::GetCursorPosY();
  std::string labels;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i) ImGui::SameLine(0, ui.px(6));
    const float amount = i < ui.keymap.held().size() ? ui.keymap.held()[i] : 0;
    keycap(ui, Keymap::to_label(keys[i].key).c_str(), amount);
    tip(ui, keys[i].label.c_str(), "Hold to take over; let go to hand back. W A S D work too, and a gamepad.");
    if (labels.find(keys[i].label) == std::string::npos) labels += (labels.empty() ? "" : " · ") + keys[i].label;
  }
  // Where keys go now: said at the right end under the picture, so that it is always in the same place.
  std::string where;
  ImU32 colour = p.muted;
  const char* cap = "Tab";
  if (!ui.focused) {
    where = "click the window: keys go elsewhere", colour = p.warning;
  } else if (ui.keymap.captured()) {
    where = "every key goes to the game", colour = p.dream, cap = "Esc";
  } else if (ImGui::GetIO().WantTextInput) {
    where = "keys go to the text field", colour = p.warning;
  } else {
    where = !dream.ready ? "no dream yet" : keys.empty() ? "this world has no keys" : "these keys go to the game";
  }
  WithFont small(ui.fonts.text, 0.9f);
  const float wide = ImGui::CalcTextSize(where.c_str()).x + ui.px(44);
  if (!keys.empty()) ImGui::SameLine(0, ui.px(10));
  const float space = right - wide - ImGui::GetCursorPosX() - ui.px(8);
  if (ImGui::CalcTextSize(labels.c_str()).x < space) {
    ImGui::SetCursorPosY(y + ui.px(3));
    text(p.muted, "%s", labels.c_str());
    ImGui::SameLine();
  }
  ImGui::SetCursorPos({std::max(right - wide, ImGui::GetCursorPosX()), y + ui.px(3)});
  text(colour, "%s", where.c_str());
  tip(ui, "Where keys go",
      "Tab gives every key to the game, Esc takes them back. While a text field has the focus, keys are its alone.");
  ImGui::SameLine(0, ui.px(8));
  ImGui::SetCursorPosY(y);
  keycap(ui, cap, ui.keymap.captured() ? 1.0f : 0.0f);
}

void draw_speed(Ui& ui, const DreamView& dream) {
  static constexpr float factors[] = {0.25f, 0.5f, 1, 2, 4, 0};
  static constexpr const char* labels[] = {"0.25×", "0.5×", "1×", "2×", "4×", "max"};
  const float natural = std::max(dream.natural_rate, 1.0f);
  int chosen = 2;
  float nearest = 1e9f;
  for (int i = 0; i < 6; ++i) {
    const float off = std::abs(factors[i] * natural - dream.steps_per_second);
    if (off < nearest) nearest = off, chosen = i;
  }
  ImGui::SetNextItemWidth(ui.px(82));
  ImGui::BeginDisabled(!dream.ready);
  if (ImGui::BeginCombo("##speed", labels[chosen])) {
    for (int i = 0; i < 6; ++i) {
      if (ImGui::Selectable(labels[i], i == chosen)) {
        ui.undoable("speed", SetSpeed{dream.steps_per_second}, SetSpeed{factors[i] * natural});
        ui.send(SetSpeed{factors[i] * natural});
      }
    }
    ImGui::EndCombo();
  }
  ImGui::EndDisabled();
  char pace[128];
  std::snprintf(pace, sizeof pace,
                "Dream steps per second: 1× is %.0f steps/s, the pace of the real world; max is as fast as it can.",
                static_cast<double>(natural));
  tip(ui, "Speed", dream.ready ? pace : "No dream yet.");
}

/// Too narrow for one row: the temperature then has a row of its own.
bool two_rows(const Ui& ui, float width) {
  return width < ui.px(knob_sliders(ui) < 2 ? 690 : 800);
}

}  // namespace

float transport_height(const Ui& ui, float width) {
  const float row = ImGui::GetFrameHeight() + ui.px(6);
  return ui.px(24) + ImGui::GetStyle().ItemSpacing.y + row * (two_rows(ui, width) ? 2 : 1);
}

void draw_transport(Ui& ui, const DreamView& dream, float width, float hero_width) {
  const float left = ImGui::GetCursorPosX();
  const float top = ImGui::GetCursorPosY();
  draw_keys(ui, dream, std::min(std::max(hero_width, ui.px(420)), width));
  ImGui::SetCursorPos({left, top + ui.px(24) + ImGui::GetStyle().ItemSpacing.y + ui.px(4)});
  const float square = ui.px(44);
  action_button(ui, icon::restart, "restart", false, square);
  ImGui::SameLine(0, ui.px(6));
  action_button(ui, dream.playing ? icon::pause : icon::play, "play", true, square);
  ImGui::SameLine(0, ui.px(6));
  action_button(ui, icon::step, "step", false, square);
  ImGui::SameLine(0, ui.px(6));
  const bool narrow = width < ui.px(370);  // icons alone, then
  if (narrow)
    action_button(ui, icon::shuffle, "new_start", false, square);
  else
    action_button(ui, (std::string(icon::shuffle) + "  new start").c_str(), "new_start");
  ImGui::SameLine(0, ui.px(narrow ? 8 : 14));
  draw_speed(ui, dream);
  if (two_rows(ui, width))
    ImGui::SetCursorPosX(left);
  else
    ImGui::SameLine(0, ui.px(16));
  const float room = width - (ImGui::GetCursorPosX() - left);
  ImGui::BeginDisabled(!dream.ready);
  draw_knobs(ui, dream, std::min(room, ui.px(520)));
  ImGui::EndDisabled();
}

}  // namespace dream::ui
