#include <algorithm>
#include <array>
#include <cmath>

#include "ui/plots.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr std::array<float, 4> curve_dashes{5, 9, 2.5f, 14};

/// What came true is green; of the others the first is the dream's, and a figure's baselines are dashed. A probe's lines are
/// what is predicted and, dashed, what that is held against.
std::vector<PlotLine> plot_lines(const Ui& ui, const Curve& value) {
  const Palette& p = ui.color();
  const bool plain = !ui.figure && std::ranges::none_of(value.lines, [](const Line& line) { return line.dashed || !line.low.empty(); });
  const std::array<ImU32, 6> solid{p.dream, p.blue, p.pink, p.warning, p.text, p.grey};
  const std::array<ImU32, 5> held_against{p.text, p.blue, p.pink, p.warning, p.grey}, of_probe{p.dream, p.text, p.blue, p.pink, p.grey};
  std::vector<PlotLine> lines;
  std::size_t measured = 0, dashed = 0;
  for (std::size_t i = 0; i < value.lines.size(); ++i) {
    const Line& line = value.lines[i];
    const bool broken = plain ? i > 0 : line.dashed;
    ImU32 colour = plain ? of_probe[std::min(i, of_probe.size() - 1)] : broken ? held_against[dashed % held_against.size()] : solid[measured % solid.size()];
    if (line.real) colour = p.real;
    const float dash = !broken ? 0 : plain ? curve_dashes[0] : curve_dashes[dashed % curve_dashes.size()];
    ++(broken ? dashed : measured);
    lines.push_back({&line.y, colour, line.label.c_str(), nullptr, dash, &line.low, &line.high});
  }
  return lines;
}

/// The lines' names in their colours, with a piece of each. In a low plot those that have room in one row.
void draw_legend(const Ui& ui, const std::vector<PlotLine>& lines, float width, bool all) {
  WithFont small(ui.fonts.text, 0.86f);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float sample = ui.px(18), gap = ui.px(14), height = ImGui::GetTextLineHeight();
  float x = 0;
  const ImVec2 from = ImGui::GetCursorScreenPos();
  float y = 0;
  for (const PlotLine& line : lines) {
    const std::string name = fitted(line.label, width - sample - ui.px(6));
    const float wide = sample + ui.px(6) + ImGui::CalcTextSize(name.c_str()).x;
    if (x > 0 && x + wide > width) {
      if (!all) break;  // the tooltip names them
      x = 0, y += height + ui.px(3);
    }
    const ImVec2 at{from.x + x, from.y + y + height / 2};
    const float dash = ui.px(line.dash == 0 ? 18 : std::min(line.dash, 6.0f));
    for (float s = 0; s < sample; s += dash + ui.px(3))
      list->AddLine({at.x + s, at.y}, {at.x + std::min(s + dash, sample), at.y}, line.colour, ui.px(1.8f));
    list->AddText({at.x + sample + ui.px(6), from.y + y}, line.dash == 0 ? line.colour : ui.color().muted, name.c_str());
    x += wide + gap;
  }
  ImGui::Dummy({width, y + height});
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Curve& value, ImVec2 size) {
  const bool any = !value.x.empty() && std::any_of(value.lines.begin(), value.lines.end(),
                                                   [](const Line& line) { return !line.y.empty(); });
  if (!any) {
    const Well box = well(ui, "curve", size);
    centred_note(ui, box.min, box.max, "No points yet.");
    return;
  }
  const auto below = [](double y) { return y <= 0; };
  if (value.log_y && std::ranges::any_of(value.lines, [&](const Line& line) { return std::ranges::any_of(line.y, below); })) {
    Curve positive = value;  // a logarithmic axis has no place for the rest
    for (Line& line : positive.lines) std::ranges::replace_if(line.y, below, std::nan(""));
    return draw_viewer(ui, probe, positive, size);
  }
  const std::vector<PlotLine> lines = plot_lines(ui, value);
  const bool large = size.y > ui.px(220);
  if (lines.size() > 1 && !ui.bare) {
    const float before = ImGui::GetCursorPosY();
    draw_legend(ui, lines, size.x, large);
    size.y -= ImGui::GetCursorPosY() - before;
  }
  const std::vector<PlotLine> others(lines.begin() + 1, lines.end());
  CurveLook look;
  look.y_unit = value.y_unit.c_str();
  look.x_unit = value.x_unit.c_str();
  look.label = lines[0].label;
  look.colour = lines[0].colour, look.dash = lines[0].dash;
  look.low = lines[0].low, look.high = lines[0].high;
  look.y_axis = !ui.bare;
  look.axes = !ui.bare && size.y > ui.px(130);
  look.named_axes = large && !ui.bare;
  look.log_y = value.log_y;
  look.others = &others;
  look.elements = &ui.elements;
  look.title = probe.title.c_str(), look.caption = probe.caption.c_str();
  draw_curve(ui, "curve", value.x, value.lines[0].y, {size.x, std::max(size.y, ui.px(24))}, look);
}

}  // namespace dream::ui
