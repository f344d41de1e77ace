#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// groups down, classes across; the drawn class outlined.
void draw_grid(Ui& ui, const Probe& probe, const char* id, const char* what, const Categorical& value,
               const std::vector<float>& cells, ImU32 colour, ImVec2 size) {
  const Well box = well(ui, id, size);
  const float w = box.width() / static_cast<float>(value.classes), h = box.height() / static_cast<float>(value.groups);
  const float gap = std::min(w, h) > 5 ? 1.0f : 0.0f;
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  int shown = 0;
  for (const float v : cells) shown += v > 0.01f;
  list->PrimReserve(shown * 6, shown * 4);
  for (int g = 0; g < value.groups; ++g) {
    for (int c = 0; c < value.classes; ++c) {
      const float v = cells[static_cast<std::size_t>(g) * value.classes + c];
      if (!(v > 0.01f)) continue;  // a dark cell is the well itself
      const float x = std::floor(box.min.x + w * static_cast<float>(c)),
                  y = std::floor(box.min.y + h * static_cast<float>(g));
      list->PrimRect({x, y},
                     {std::floor(box.min.x + w * static_cast<float>(c + 1)) - gap,
                      std::floor(box.min.y + h * static_cast<float>(g + 1)) - gap},
                     blend(p.well, colour, std::sqrt(std::min(v, 1.0f))));
    }
  }
  for (int g = 0; g < std::min(value.groups, static_cast<int>(value.drawn.size())); ++g) {
    const int c = value.drawn[static_cast<std::size_t>(g)];
    if (c < 0 || c >= value.classes) continue;
    const ImVec2 from{std::floor(box.min.x + w * static_cast<float>(c)),
                      std::floor(box.min.y + h * static_cast<float>(g))};
    list->AddRect(from, {from.x + w - gap, from.y + h - gap}, p.text);
  }
  if (!box.hovered) return;  // below: what the mouse points at
  const ImVec2 mouse = ImGui::GetMousePos();
  const int c = std::clamp(static_cast<int>((mouse.x - box.min.x) / w), 0, value.classes - 1);
  const int g = std::clamp(static_cast<int>((mouse.y - box.min.y) / h), 0, value.groups - 1);
  char line[96];
  std::snprintf(line, sizeof line, "%s, group %d, class %d: p = %.4f", what, g, c,
                static_cast<double>(cells[static_cast<std::size_t>(g) * value.classes + c]));
  if (probe.editable && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) {
    ui.send(EditLatent{probe.name, g * value.classes + c, 1});
  }
  tip(ui, probe.title.c_str(),
      (probe.caption + "\n" + line + (probe.editable ? "\nClick to force this class in the dream." : "")).c_str());
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Categorical& value, ImVec2 size) {
  const std::size_t cells = static_cast<std::size_t>(std::max(value.groups, 0)) * std::max(value.classes, 0);
  const bool posterior = cells > 0 && value.posterior.size() == cells, prior = cells > 0 && value.prior.size() == cells;
  if (!posterior && !prior) {
    const Well box = well(ui, "posterior", size);
    centred_note(ui, box.min, box.max, "No categories.");
    return;
  }
  // One above the other where there is room, side by side otherwise.
  const Palette& p = ui.color();
  const float line = ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  const bool both = posterior && prior, stacked = both && size.y > size.x * 0.8f;
  const float gap = ui.px(10);
  const ImVec2 grid{both && !stacked ? (size.x - gap) / 2 : size.x, (stacked ? (size.y - gap) / 2 : size.y) - line};
  if (posterior) {
    ImGui::BeginGroup();
    header(ui, "posterior q", p.real, "with the frame seen", grid.x);
    draw_grid(ui, probe, "posterior", "posterior", value, value.posterior, p.real, grid);
    ImGui::EndGroup();
  }
  if (!prior) return;
  if (both && !stacked) ImGui::SameLine(0, gap);
  ImGui::BeginGroup();
  header(ui, "prior p", p.dream, "imagined", grid.x);
  draw_grid(ui, probe, "prior", "prior", value, value.prior, p.dream, grid);
  ImGui::EndGroup();
}

}  // namespace dream::ui
