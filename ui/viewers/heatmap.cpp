#include <algorithm>
#include <cmath>

#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_viewer(Ui& ui, const Probe& probe, const Heatmap& value, ImVec2 size) {
  const Well box = well(ui, "cells", value.picture ? fit_picture(value.picture->width, value.picture->height, size) : size);
  const std::size_t wanted = static_cast<std::size_t>(std::max(value.rows, 0)) * std::max(value.cols, 0);
  if (wanted == 0 || value.cells.size() != wanted) {
    centred_note(ui, box.min, box.max, "No cells.");
    return;
  }
  const float w = box.width() / value.cols, h = box.height() / value.rows;
  const float gap = !value.picture && std::min(w, h) > 6 ? 1.0f : 0.0f;
  const float span = value.diverging ? std::max(std::abs(value.low), std::abs(value.high)) : value.high - value.low;
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool over = value.picture && draw_image(ui, "under/" + probe.name, value.picture, box.min, box.max, {});
  constexpr ImU32 through = 0x99ffffff;  // the picture below is seen through the cells
  const int count = static_cast<int>(wanted);
  const auto drawn = std::ranges::count_if(value.cells, [](float cell) { return std::isfinite(cell); });
  list->PrimReserve(static_cast<int>(drawn) * 6, static_cast<int>(drawn) * 4);
  for (int i = 0; i < count; ++i) {
    const float cell = value.cells[static_cast<std::size_t>(i)];
    if (!std::isfinite(cell)) continue;
    const float t = span > 0 ? (value.diverging ? cell : cell - value.low) / span : 0;
    const float x = std::floor(box.min.x + w * static_cast<float>(i % value.cols)),
                y = std::floor(box.min.y + h * static_cast<float>(i / value.cols));
    const float right = std::floor(box.min.x + w * static_cast<float>(i % value.cols + 1)) - gap,
                bottom = std::floor(box.min.y + h * static_cast<float>(i / value.cols + 1)) - gap;
    const ImU32 colour = value.diverging ? signed_colour(t, ui.dark()) : magnitude_colour(t);
    list->PrimRect({x, y}, {right, bottom}, over ? colour & through : colour);
  }
  if (!box.hovered) return;
  const ImVec2 mouse = ImGui::GetMousePos();
  const int col = std::clamp(static_cast<int>((mouse.x - box.min.x) / w), 0, value.cols - 1);
  const int row = std::clamp(static_cast<int>((mouse.y - box.min.y) / h), 0, value.rows - 1);
  const float cell = value.cells[static_cast<std::size_t>(row) * value.cols + col];
  const std::string figure = std::isfinite(cell) ? signed_figure(static_cast<double>(cell), 4) : "unknown";
  char line[96];
  std::snprintf(line, sizeof line, "unit %d (row %d, column %d): %s", row * value.cols + col, row, col, figure.c_str());
  tip(ui, probe.title.c_str(), (probe.caption + "\n" + line).c_str());
}

}  // namespace dream::ui
