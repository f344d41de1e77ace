#include <algorithm>
#include <array>
#include <cmath>

#include "ui/plots.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

/// The first line in the dream's colour, the second in the real world's, further ones in neutral colours; their names
/// stand above in the same colours.
void draw_viewer(Ui& ui, const Probe& probe, const Curve& value, ImVec2 size) {
  const Palette& p = ui.color();
  const std::array<ImU32, 5> colours = {p.dream, p.real, p.blue, p.pink, p.grey};
  const auto colour_of = [&](std::size_t i) { return colours[std::min(i, colours.size() - 1)]; };
  if (value.lines.empty() || value.x.empty()) {
    const Well box = well(ui, "curve", size);
    centred_note(ui, box.min, box.max, "No points yet.");
    return;
  }
  if (value.lines.size() > 1) {
    WithFont small(ui.fonts.text, 0.85f);
    for (std::size_t i = 0; i < value.lines.size(); ++i) {
      if (i > 0) ImGui::SameLine(0, ui.px(12));
      ImGui::PushStyleColor(ImGuiCol_Text, colour_of(i));
      ImGui::TextUnformatted(value.lines[i].label.c_str());
      ImGui::PopStyleColor();
    }
    size.y -= ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  }
  CurveLook look;
  look.y_unit = value.y_unit.c_str();
  look.x_unit = value.x_unit.c_str();
  look.colour = colour_of(0);
  std::vector<PlotLine> others;
  for (std::size_t i = 1; i < value.lines.size(); ++i) others.push_back({&value.lines[i].y, colour_of(i)});
  look.others = &others;
  draw_curve(ui, "curve", value.x, value.lines[0].y, {size.x, std::max(size.y, ui.px(24))}, look);
  tip(ui, probe.title.c_str(), probe.caption.c_str());
}

}  // namespace dream::ui
