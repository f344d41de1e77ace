#include "ui/plots.h"

#include <algorithm>
#include <cmath>

#include "implot.h"
#include "ui/widgets.h"

namespace dream::ui {

void thin_out(const std::vector<double>& x, const std::vector<double>& y, std::size_t most, std::vector<double>& out_x,
              std::vector<double>& out_y) {
  const std::size_t count = std::min(x.size(), y.size());
  out_x.clear(), out_y.clear();
  if (count <= most || most < 4) {
    out_x.assign(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
    out_y.assign(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(count));
    return;
  }
  const std::size_t buckets = most / 2;
  for (std::size_t b = 0; b < buckets; ++b) {
    const std::size_t from = b * count / buckets, to = (b + 1) * count / buckets;
    std::size_t low = from, high = from;
    for (std::size_t i = from; i < to; ++i) {
      if (y[i] < y[low]) low = i;
      if (y[i] > y[high]) high = i;
    }
    for (const std::size_t i : {std::min(low, high), std::max(low, high)}) {
      out_x.push_back(x[i]);
      out_y.push_back(y[i]);
    }
  }
}

void draw_curve(Ui& ui, const char* id, const std::vector<double>& x, const std::vector<double>& y, ImVec2 size,
                const CurveLook& look) {
  const Palette& p = ui.color();
  static thread_local std::vector<double> xs, ys, rx, ry;  // scratch, reused from plot to plot
  thin_out(x, y, 500, xs, ys);
  rx.clear(), ry.clear();
  if (look.reference_x && look.reference_y) thin_out(*look.reference_x, *look.reference_y, 200, rx, ry);
  ImPlot::PushStyleVar(ImPlotStyleVar_FitPadding, {0.0f, 0.08f});
  ImPlotFlags flags = ImPlotFlags_NoLegend | ImPlotFlags_NoMenus | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoTitle |
                      ImPlotFlags_NoMouseText;
  ImGui::PushFont(ui.fonts.mono, ImGui::GetStyle().FontSizeBase * 0.78f);
  if (ImPlot::BeginPlot(id, size, flags)) {
    const ImPlotAxisFlags bare = look.axes ? ImPlotAxisFlags_None : ImPlotAxisFlags_NoTickLabels;
    ImPlot::SetupAxes(nullptr, nullptr,
                      bare | ImPlotAxisFlags_AutoFit | ImPlotAxisFlags_NoGridLines | ImPlotAxisFlags_NoHighlight,
                      bare | ImPlotAxisFlags_AutoFit | ImPlotAxisFlags_NoHighlight);
    if (!rx.empty()) {
      ImPlotSpec spec;
      spec.LineColor = to_vec(p.faint);
      spec.LineWeight = ui.px(look.axes ? 7 : 6);
      ImPlot::PlotLine("reference", rx.data(), ry.data(), static_cast<int>(rx.size()), spec);
    }
    if (look.others) {
      for (std::size_t i = 0; i < look.others->size(); ++i) {
        const PlotLine& other = (*look.others)[i];
        thin_out(x, *other.y, 200, rx, ry);
        ImPlotSpec spec;
        spec.LineColor = to_vec(other.colour);
        spec.LineWeight = ui.px(1.6f);
        ImPlot::PlotLine(("other" + std::to_string(i)).c_str(), rx.data(), ry.data(), static_cast<int>(rx.size()), spec);
      }
      rx.clear(), ry.clear();
    }
    if (!xs.empty()) {
      ImPlotSpec spec;
      spec.LineColor = to_vec(look.colour);
      spec.LineWeight = ui.px(1.6f);
      ImPlot::PlotLine("now", xs.data(), ys.data(), static_cast<int>(xs.size()), spec);
    }
    if (look.has_floor) {
      const double both[] = {look.floor, look.floor};
      const double ends[] = {rx.empty() ? (xs.empty() ? 0.0 : xs.front()) : rx.front(),
                             std::max(rx.empty() ? 0.0 : rx.back(), xs.empty() ? 1.0 : xs.back())};
      ImPlotSpec spec;  // takes part in the fit, so that the line is always in sight
      spec.LineColor = {0, 0, 0, 0};
      ImPlot::PlotLine("floor", ends, both, 2, spec);
      const float level = ImPlot::PlotToPixels(ends[0], look.floor).y;
      const ImVec2 at = ImPlot::GetPlotPos(), room = ImPlot::GetPlotSize();
      ImDrawList* list = ImPlot::GetPlotDrawList();
      ImPlot::PushPlotClipRect();
      for (float dash = at.x; dash < at.x + room.x; dash += ui.px(9))
        list->AddLine({dash, level}, {dash + ui.px(5), level}, p.warning, ui.px(1.2f));
      if (look.axes && *look.floor_label) {
        WithFont small(ui.fonts.text, 0.8f);
        right_text(list, at.x + room.x - ui.px(6), level - ImGui::GetTextLineHeight() - ui.px(1), p.warning,
                   look.floor_label);
      }
      ImPlot::PopPlotClipRect();
    }
    if (ImPlot::IsPlotHovered() && !xs.empty()) {
      const double mouse = ImPlot::GetPlotMousePos().x;
      const auto it = std::lower_bound(xs.begin(), xs.end(), mouse);
      const std::size_t i = std::min(static_cast<std::size_t>(it - xs.begin()), xs.size() - 1);
      const ImVec2 dot = ImPlot::PlotToPixels(xs[i], ys[i]);
      ImPlot::GetPlotDrawList()->AddCircleFilled(dot, ui.px(3.5f), look.colour);
      ImGui::BeginTooltip();
      mono(ui, p.text, "%s %s at %s %s", short_number(ys[i]).c_str(), look.y_unit, short_number(xs[i]).c_str(),
           look.x_unit);
      ImGui::EndTooltip();
    }
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
  ImPlot::PopStyleVar();
}

}  // namespace dream::ui
