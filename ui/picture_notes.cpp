// What is said on a picture and beside it: how it is bent, and the values under the mouse.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/pictures.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

int channel(const Image& image, int x, int y, int c) {
  return image.pixels[(static_cast<std::size_t>(y) * image.width + x) * image.channels + c];
}

/// "123  45   6    0.482 0.176 0.024", a difference with its signs.
std::string figures(const PixelRow& row, int x, int y) {
  std::string whole, unit;
  char text[16];
  for (int c = 0; c < std::min(row.image->channels, 3); ++c) {
    const int value = channel(*row.image, x, y, c) - (row.less ? channel(*row.less, x, y, c) : 0);
    std::snprintf(text, sizeof text, row.less && value != 0 ? "%+5d" : "%5d", value);
    whole += text;
    std::snprintf(text, sizeof text, row.less && value != 0 ? "%+7.3f" : "%7.3f", value / 255.0);
    unit += text;
  }
  return whole + "  " + unit;
}

}  // namespace

void note_look(Ui& ui, const std::string& slot, const std::string& done, ImVec2 min, ImVec2 max) {
  if (done.empty()) return;
  const Palette& p = ui.color();
  WithFont small(ui.fonts.text, 0.86f);
  const float pad = ui.px(5), room = max.x - min.x - 2 * pad;
  const std::string shown = fitted(done, room);
  const ImVec2 text = ImGui::CalcTextSize(shown.c_str()), size{std::min(text.x, room) + 2 * pad, text.y + pad};
  const ImVec2 at{min.x, max.y - size.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImGui::SetCursorScreenPos(at);
  if (ImGui::InvisibleButton(("###look " + slot).c_str(), size)) ui.run("look_reset");
  const bool hovered = ImGui::IsItemHovered();
  list->AddRectFilled(at, {at.x + size.x, at.y + size.y}, fade(p.well, 0.85f));
  list->AddText({at.x + pad, at.y + pad / 2}, hovered ? p.text : p.warning, shown.c_str());
  tip(ui, "Not as it is", (done + ". Click: the picture as it is.").c_str(),
      ui.keys_of(*ui.action("look_reset")).c_str());
}

void show_pixel(Ui& ui, const std::string& group, const std::vector<PixelRow>& rows, ImVec2 min, ImVec2 max) {
  const Image& image = *rows.front().image;
  const ImVec2 mouse = ImGui::GetMousePos();
  const auto along = [](float at, float from, float to, int count) {
    return std::clamp(static_cast<int>((at - from) / (to - from) * static_cast<float>(count)), 0, count - 1);
  };
  const int x = along(mouse.x, min.x, max.x, image.width), y = along(mouse.y, min.y, max.y, image.height);
  ui.pixel = {group, x, y, image.width, image.height, ImGui::GetFrameCount()};
  if (ui.keymap.engaged()) return;  // who drives wants to see the window
  const Palette& p = ui.color();
  char where[64];
  std::snprintf(where, sizeof where, "x %d, y %d", x, y);
  const std::string heads = image.channels == 1 ? "value  0 … 1" : "    R    G    B        R      G      B";
  WithFont mono(ui.fonts.mono, 0.86f);
  float names = ImGui::CalcTextSize(where).x, wide = 0;
  for (const PixelRow& row : rows) {
    names = std::max(names, ImGui::CalcTextSize(row.name.c_str()).x);
    wide = std::max(wide, ImGui::CalcTextSize(figures(row, x, y).c_str()).x);
  }
  const float line = ImGui::GetTextLineHeightWithSpacing();
  const ImVec2 padding{ui.px(12), ui.px(9)};
  const ImVec2 size{names + wide + 2 * padding.x, static_cast<float>(rows.size() + 1) * line + 2 * padding.y};
  ImGui::SetNextWindowPos(place_beside(min, max, size, ui.px(6), false));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, padding);
  if (ImGui::BeginTooltip()) {
    text(p.muted, "%s", where);
    ImGui::SameLine(padding.x + names);
    text(p.muted, "%s", heads.c_str());
    for (const PixelRow& row : rows) {
      text(row.colour, "%s", row.name.c_str());
      ImGui::SameLine(padding.x + names);
      text(p.text, "%s", figures(row, x, y).c_str());
    }
    ImGui::EndTooltip();
  }
  ImGui::PopStyleVar();
}

void frame_pixel(Ui& ui, const std::string& group, const Image& image, ImVec2 min, ImVec2 max) {
  const PixelMark& mark = ui.pixel;
  if (ImGui::GetFrameCount() - mark.frame > 1 || mark.group != group || mark.width != image.width ||
      mark.height != image.height)
    return;
  const ImVec2 each{(max.x - min.x) / static_cast<float>(image.width), (max.y - min.y) / static_cast<float>(image.height)};
  const ImVec2 from{min.x + static_cast<float>(mark.x) * each.x, min.y + static_cast<float>(mark.y) * each.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (const auto& [out, colour] : {std::pair{ui.px(2), IM_COL32_BLACK}, {ui.px(1), IM_COL32_WHITE}})
    list->AddRect({from.x - out, from.y - out}, {from.x + each.x + out, from.y + each.y + out}, colour, 0, ui.px(1));
}

}  // namespace dream::ui
