#include <algorithm>
#include <cmath>

#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr float caption_font = 0.84f;

/// How a sheet is broken up: bands above each other, of so many columns, at so many pixels per pixel.
struct SheetPlan {
  int bands = 1, columns = 1;
  float scale = 1;
};

/// What stands around the pictures.
struct SheetFrame {
  float names = 0, caption = 0, gap = 1;  // widths of the rows' names, heights of the columns'
  ImVec2 cell;                            // of one picture, in its own pixels
  SheetPlan plan;
  ImVec2 shown() const { return {cell.x * plan.scale, cell.y * plan.scale}; }
  float band_of(int rows) const { return caption + static_cast<float>(rows) * (shown().y + gap) + 2 * gap; }
};

/// The plan at which the pictures are largest, at a whole multiple from two on; the fewest bands among equals.
SheetPlan plan_sheet(int columns, int rows, ImVec2 cell, ImVec2 room, float gap, float caption) {
  SheetPlan best{1, columns, 0};
  for (int bands = 1; bands <= columns; ++bands) {
    const int across = (columns + bands - 1) / bands;
    if ((columns + across - 1) / across != bands) continue;
    const float wide = room.x - gap * static_cast<float>(across - 1),
                high = room.y - static_cast<float>(bands) * (caption + gap * static_cast<float>(rows - 1)) - gap * 3 * static_cast<float>(bands - 1);
    float scale = std::min(wide / (static_cast<float>(across) * cell.x), high / (static_cast<float>(bands * rows) * cell.y));
    if (scale >= 2) scale = std::floor(scale);  // below, a whole multiple would leave half of the room empty
    if (scale > best.scale * 1.001f) best = {bands, across, scale};
  }
  return best;
}

/// In the font of its captions.
SheetFrame frame_sheet(const Ui& ui, const Image& value, const SheetLook& look, ImVec2 size) {
  SheetFrame frame;
  frame.cell = {static_cast<float>(value.width) / static_cast<float>(look.columns), static_cast<float>(value.height) / static_cast<float>(look.rows)};
  frame.gap = ui.bare ? 1 : ui.px(2);
  for (const std::string& name : look.row_labels) frame.names = std::max(frame.names, ImGui::CalcTextSize(name.c_str()).x);
  frame.names = ui.bare || frame.names == 0 ? 0 : std::min(frame.names, size.x * 0.2f) + ui.px(8);
  frame.caption = look.column_labels.empty() || ui.bare ? 0 : ImGui::GetTextLineHeight() + ui.px(3);
  frame.plan = plan_sheet(look.columns, look.rows, frame.cell, {size.x - frame.names, size.y - ui.px(6)}, frame.gap, frame.caption);
  return frame;
}

constexpr float film_part = 0.36f;  // of the sheet's width
constexpr double film_rate = 6;     // pictures a second
constexpr int film_rest = 4;        // for so many it stands still at either end

/// There and back again.
int film_column(double seconds, int columns) {
  const int turn = 2 * (columns - 1 + film_rest);
  const int at = static_cast<int>(std::fmod(seconds * film_rate, turn));
  return std::min(std::min(at, columns - 1), std::max(turn - film_rest - at, 0));
}

bool plays(const Ui& ui, const SheetLook& look) {
  return look.film && !ui.bare && look.columns > 1;
}

/// The rows of one column, large, and the column's name below them. What it takes of the width.
float draw_film(Ui& ui, const std::string& slot, const std::shared_ptr<const Image>& shared, const SheetLook& look, int column, ImVec2 at, ImVec2 size) {
  const ImVec2 cell{static_cast<float>(shared->width) / static_cast<float>(look.columns), static_cast<float>(shared->height) / static_cast<float>(look.rows)};
  const float line = ImGui::GetTextLineHeight() + ui.px(4), gap = ui.px(2), rows = static_cast<float>(look.rows);
  float scale = std::min(size.x * film_part / cell.x, (size.y - 2 * line) / rows / cell.y);
  if (scale >= 2) scale = std::floor(scale);
  const ImVec2 shown{cell.x * scale, cell.y * scale};
  ImDrawList* list = ImGui::GetWindowDrawList();
  at.y += ui.px(4);
  for (int row = 0; row < look.rows; ++row) {
    const ImVec2 uv{static_cast<float>(column) / static_cast<float>(look.columns), static_cast<float>(row) / rows};
    const float y = at.y + static_cast<float>(row) * (shown.y + gap);
    draw_image(ui, slot, shared, {at.x, y}, {at.x + shown.x, y + shown.y}, {.from = uv, .to = {uv.x + 1 / static_cast<float>(look.columns), uv.y + 1 / rows}});
  }
  const std::string name = static_cast<std::size_t>(column) < look.column_labels.size() ? look.column_labels[static_cast<std::size_t>(column)] : "";
  list->AddText({at.x, at.y + rows * (shown.y + gap) + ui.px(2)}, ui.color().dream, fitted(name, shown.x).c_str());
  return shown.x + ui.px(16);
}

}  // namespace

float sheet_height(const Ui& ui, const Image& value, const SheetLook& look, ImVec2 size) {
  if (look.columns < 1 || look.rows < 1 || plays(ui, look)) return size.y;
  WithFont small(ui.fonts.text, caption_font);
  const SheetFrame frame = frame_sheet(ui, value, look, size);
  return std::min(static_cast<float>(frame.plan.bands) * frame.band_of(look.rows) + ui.px(8), size.y);
}

void draw_sheet(Ui& ui, const Probe& probe, const Image& value, const SheetLook& look, ImVec2 size) {
  const Palette& p = ui.color();
  ImVec2 at = ImGui::GetCursorScreenPos();
  const std::string slot = "sheet/" + probe.name;
  const std::shared_ptr<const Image> shared(probe.value, &value);
  if (look.columns < 1 || look.rows < 1 || !ui.textures.get(slot, shared)) {
    const Well box = well(ui, "sheet", size);
    centred_note(ui, box.min, box.max, "The pictures' size does not match their pixels.");
    return;
  }
  WithFont small(ui.fonts.text, caption_font);
  ImGui::InvisibleButton("sheet", {std::max(size.x, 1.0f), std::max(size.y, 1.0f)});
  const bool hovered = ImGui::IsItemHovered();
  if (plays(ui, look)) {
    int& held = ui.film_held[slot];  // the column under the mouse, of the last frame
    const float used = draw_film(ui, slot, shared, look, held >= 0 ? std::min(held, look.columns - 1) : film_column(ImGui::GetTime(), look.columns), at, size);
    at.x += used, size.x -= used, held = -1;
  }
  const SheetFrame frame = frame_sheet(ui, value, look, size);
  const auto& [names, caption, gap, cell, plan] = frame;
  const ImVec2 shown = frame.shown();
  const float band = frame.band_of(look.rows);
  const ImVec2 whole{names + static_cast<float>(plan.columns) * (shown.x + gap) - gap, static_cast<float>(plan.bands) * band - 3 * gap};
  const float above = ui.bare ? std::max((size.y - whole.y) / 2, 0.0f) : ui.px(4);
  const ImVec2 from{std::floor(at.x + std::max((size.x - whole.x) / 2, 0.0f)), std::floor(at.y + above)};
  const ImVec2 mouse = ImGui::GetMousePos();
  const auto label = [](const std::vector<std::string>& all, int i) { return static_cast<std::size_t>(i) < all.size() ? all[static_cast<std::size_t>(i)] : std::string(); };
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (int column = 0; column < look.columns; ++column) {
    const float left = from.x + names + static_cast<float>(column % plan.columns) * (shown.x + gap);
    const float top = from.y + static_cast<float>(column / plan.columns) * band;
    if (column % plan.columns == 0 && names > 0)
      for (int row = 0; row < look.rows; ++row) {
        const float y = top + caption + static_cast<float>(row) * (shown.y + gap) + (shown.y - ImGui::GetTextLineHeight()) / 2;
        const std::string name = label(look.row_labels, row);
        list->AddText({from.x, y}, name == "truth" || name == "real" ? p.real : name == "dream" ? p.dream : p.muted, fitted(name, names).c_str());
      }
    if (caption > 0) {
      const std::string name = fitted(label(look.column_labels, column), shown.x);
      list->AddText({left + (shown.x - ImGui::CalcTextSize(name.c_str()).x) / 2, top}, p.muted, name.c_str());
    }
    for (int row = 0; row < look.rows; ++row) {
      const float y = top + caption + static_cast<float>(row) * (shown.y + gap);
      const ImVec2 uv{static_cast<float>(column) / static_cast<float>(look.columns), static_cast<float>(row) / static_cast<float>(look.rows)};
      draw_image(ui, slot, shared, {left, y}, {left + shown.x, y + shown.y},
                 {.from = uv, .to = {uv.x + 1 / static_cast<float>(look.columns), uv.y + 1 / static_cast<float>(look.rows)}});
    }
    const ImVec2 low{left, top}, high{left + shown.x, top + band - 3 * gap};
    if (!hovered || mouse.x < low.x || mouse.x >= high.x + gap || mouse.y < low.y || mouse.y >= low.y + band) continue;
    const std::string says = ui.elements.says ? ui.elements.says(column) : "";
    list->AddRect({low.x - ui.px(1), low.y + caption - ui.px(1)}, {high.x + ui.px(1), high.y + ui.px(1)}, says.empty() ? p.muted : p.dream, 0, ui.px(1.5f));
    if (plays(ui, look)) ui.film_held[slot] = column;
    if (!says.empty() && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) ui.elements.clicked = column;
    const int row = std::clamp(static_cast<int>((mouse.y - top - caption) / (shown.y + gap)), 0, look.rows - 1);
    const std::string row_name = label(look.row_labels, row), column_name = label(look.column_labels, column);
    const std::string where = row_name + (row_name.empty() || column_name.empty() ? "" : " · ") + column_name;
    tip(ui, probe.title.c_str(), (where + (where.empty() || says.empty() ? "" : "\n") + says).c_str());
  }
}

}  // namespace dream::ui
