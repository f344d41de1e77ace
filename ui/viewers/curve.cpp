#include <algorithm>
#include <array>
#include <cmath>

#include "ui/plots.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

/// The first line, what is predicted, in the dream's colour; what it is held against dashed, what came true in the real
/// world's colour and the rest in neutral ones. Their names stand above in the same colours.
void draw_viewer(Ui& ui, const Probe& probe, const Curve& value, ImVec2 size) {
  const Palette& p = ui.color();
  const std::array<ImU32, 5> colours = {p.dream, p.text, p.blue, p.pink, p.grey};
  const auto colour_of = [&](std::size_t i) {
    return value.lines[i].real ? p.real : colours[std::min(i, colours.size() - 1)];
  };
  const bool any = !value.x.empty() && std::any_of(value.lines.begin(), value.lines.end(),
                                                   [](const Line& line) { return !line.y.empty(); });
  if (!any) {
    const Well box = well(ui, "curve", size);
    centred_note(ui, box.min, box.max, "No points yet.");
    return;
  }
  if (value.lines.size() > 1) {
    WithFont small(ui.fonts.text, 0.85f);
    for (std::size_t i = 0; i < value.lines.size(); ++i) {
      const std::string label = (i > 0 ? "- - " : "") + value.lines[i].label;
      if (i > 0) {
        ImGui::SameLine(0, ui.px(12));
        if (ImGui::CalcTextSize(label.c_str()).x > ImGui::GetContentRegionAvail().x) break;  // the tooltip names it
      }
      text(colour_of(i), "%s", label.c_str());
    }
    size.y -= ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  }
  CurveLook look;
  look.y_unit = value.y_unit.c_str();
  look.x_unit = value.x_unit.c_str();
  look.label = value.lines[0].label.c_str();
  look.colour = colour_of(0);
  look.y_axis = true;
  look.axes = size.y > ui.px(130);
  std::vector<PlotLine> others;
  for (std::size_t i = 1; i < value.lines.size(); ++i)
    others.push_back({&value.lines[i].y, colour_of(i), value.lines[i].label.c_str()});
  look.others = &others;
  look.title = probe.title.c_str(), look.caption = probe.caption.c_str();
  draw_curve(ui, "curve", value.x, value.lines[0].y, {size.x, std::max(size.y, ui.px(24))}, look);
}

}  // namespace dream::ui
