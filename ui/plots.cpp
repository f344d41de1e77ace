#include "ui/plots.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "implot.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Dashes along a line, whatever its points' distances.
void dash(ImDrawList* list, const std::vector<ImVec2>& points, float on, float off, ImU32 colour, float width) {
  float at = 0;  // along the line, within one dash and its gap
  for (std::size_t i = 1; i < points.size(); ++i) {
    const ImVec2 a = points[i - 1], b = points[i];
    const float length = std::hypot(b.x - a.x, b.y - a.y);
    if (!(length > 0) || !std::isfinite(length)) continue;
    const auto place = [&](float s) { return ImVec2{a.x + (b.x - a.x) * s / length, a.y + (b.y - a.y) * s / length}; };
    for (float s = 0; s < length;) {
      const bool drawn = at < on;
      const float step = std::min((drawn ? on : on + off) - at, length - s);
      if (drawn) list->AddLine(place(s), place(s + step), colour, width);
      s += std::max(step, 0.01f), at += step;
      if (at >= on + off) at = 0;
    }
  }
}

/// A loss that begins a hundred times above where it settles is a flat line on a plain axis.
bool wants_log(const std::vector<double>& y) {
  if (y.size() < 8 || *std::min_element(y.begin(), y.end()) <= 0) return false;
  static thread_local std::vector<double> sorted;
  sorted = y;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *std::max_element(y.begin(), y.end()) > 30 * *middle;
}

/// Steps and updates are counted: 15, not 15.00.
std::string place(double x) {
  return x == std::round(x) && std::abs(x) < 1e9 ? std::to_string(static_cast<long long>(x)) : short_number(x);
}

/// What an axis spans. ImPlot's own fit takes hold a frame late: whoever draws only on news would look at cut lines.
struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(double value) {
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  void add(const std::vector<double>& values) {
    for (const double value : values) add(value);
  }
  void set(ImAxis axis, double padding) const {
    const double half = high > low ? padding * (high - low) : low <= high ? 0.5 : 0;
    if (low <= high) ImPlot::SetupAxisLimits(axis, low - half, high + half, ImPlotCond_Always);
  }
};

}  // namespace

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
  ImPlotFlags flags = ImPlotFlags_NoLegend | ImPlotFlags_NoMenus | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoTitle |
                      ImPlotFlags_NoMouseText;
  ImGui::PushFont(ui.fonts.mono, ImGui::GetStyle().FontSizeBase * 0.78f);
  if (ImPlot::BeginPlot(id, size, flags)) {
    const auto bare = [](bool labels) { return labels ? ImPlotAxisFlags_None : ImPlotAxisFlags_NoTickLabels; };
    const bool log = look.may_log && wants_log(ys) && (!look.has_floor || look.floor > 0) &&
                     std::all_of(ry.begin(), ry.end(), [](double value) { return value > 0; });
    ImPlot::SetupAxes(nullptr, nullptr, bare(look.axes) | ImPlotAxisFlags_NoHighlight | ImPlotAxisFlags_NoGridLines,
                      bare(look.axes || look.y_axis) | ImPlotAxisFlags_NoHighlight);
    Span across, up;
    across.add(xs), across.add(rx);
    up.add(ys), up.add(ry);
    for (std::size_t i = 0; look.others && i < look.others->size(); ++i) up.add(*(*look.others)[i].y);
    if (look.has_floor) up.add(look.floor);
    across.set(ImAxis_X1, 0);
    if (log) {
      ImPlot::SetupAxisScale(ImAxis_Y1, ImPlotScale_Log10);
      ImPlot::SetupAxisLimits(ImAxis_Y1, up.low / 1.3, up.high * 1.3, ImPlotCond_Always);
    } else {
      up.set(ImAxis_Y1, 0.08);
    }
    if (!rx.empty()) {
      ImPlotSpec spec;
      spec.LineColor = to_vec(p.faint);
      spec.LineWeight = ui.px(look.axes ? 7 : 6);
      ImPlot::PlotLine("reference", rx.data(), ry.data(), static_cast<int>(rx.size()), spec);
    }
    if (!xs.empty()) {
      ImPlotSpec spec;
      spec.LineColor = to_vec(look.colour);
      spec.LineWeight = ui.px(1.6f);
      ImPlot::PlotLine("now", xs.data(), ys.data(), static_cast<int>(xs.size()), spec);
    }
    if (look.others) {
      static thread_local std::vector<double> ox, oy;
      static thread_local std::vector<ImVec2> points;
      for (std::size_t i = 0; i < look.others->size(); ++i) {
        const PlotLine& other = (*look.others)[i];
        thin_out(x, *other.y, 200, ox, oy);
        if (ox.empty()) continue;
        points.clear();
        for (std::size_t k = 0; k < ox.size(); ++k) points.push_back(ImPlot::PlotToPixels(ox[k], oy[k]));
        ImPlot::PushPlotClipRect();
        dash(ImPlot::GetPlotDrawList(), points, ui.px(5), ui.px(3), other.colour, ui.px(1.5f));
        ImPlot::PopPlotClipRect();
      }
    }
    if (look.has_floor) {
      const float level = ImPlot::PlotToPixels(across.low <= across.high ? across.low : 0, look.floor).y;
      const ImVec2 at = ImPlot::GetPlotPos(), room = ImPlot::GetPlotSize();
      ImDrawList* list = ImPlot::GetPlotDrawList();
      ImPlot::PushPlotClipRect();
      for (float dash = at.x; dash < at.x + room.x; dash += ui.px(9))
        list->AddLine({dash, level}, {dash + ui.px(5), level}, p.warning, ui.px(1.2f));
      if (look.axes && *look.floor_label) {
        WithFont small(ui.fonts.text, 0.8f);
        const float above = level - ImGui::GetTextLineHeight() - ui.px(1);
        right_text(list, at.x + room.x - ui.px(6), above < at.y ? level + ui.px(1) : above, p.warning,
                   look.floor_label);
      }
      ImPlot::PopPlotClipRect();
    }
    if (log) {
      WithFont small(ui.fonts.text, 0.8f);
      const ImVec2 at = ImPlot::GetPlotPos();
      right_text(ImPlot::GetPlotDrawList(), at.x + ImPlot::GetPlotSize().x - ui.px(6), at.y + ui.px(3), p.muted, "log");
    }
    if (ImPlot::IsPlotHovered() && !xs.empty()) {
      const double mouse = ImPlot::GetPlotMousePos().x;
      const auto it = std::lower_bound(xs.begin(), xs.end(), mouse);
      const std::size_t i = std::min(static_cast<std::size_t>(it - xs.begin()), xs.size() - 1);
      const ImVec2 dot = ImPlot::PlotToPixels(xs[i], ys[i]);
      ImPlot::GetPlotDrawList()->AddCircleFilled(dot, ui.px(3.5f), look.colour);
      ImGui::BeginTooltip();
      if (*look.title) {
        ImGui::PushTextWrapPos(ui.px(380));
        WithFont bold(ui.fonts.bold, 1);
        text(p.text, "%s", look.title);
        ImGui::PopTextWrapPos();
      }
      if (*look.caption) {
        WithFont plain(ui.fonts.text, 1);
        ImGui::PushTextWrapPos(ui.px(380));
        text(p.muted, "%s", look.caption);
        ImGui::PopTextWrapPos();
      }
      const bool several = look.others && !look.others->empty();
      mono(ui, several ? look.colour : p.text, "%s%s%s %s at %s %s", several ? look.label : "", several ? " " : "",
           short_number(ys[i]).c_str(), look.y_unit, place(xs[i]).c_str(), look.x_unit);
      for (std::size_t k = 0; several && k < look.others->size(); ++k) {
        const PlotLine& other = (*look.others)[k];
        const auto same = static_cast<std::size_t>(std::lower_bound(x.begin(), x.end(), xs[i]) - x.begin());
        if (same < other.y->size())
          mono(ui, other.colour, "%s %s %s", other.label, short_number((*other.y)[same]).c_str(), look.y_unit);
      }
      ImGui::EndTooltip();
    }
    ImPlot::EndPlot();
  }
  ImGui::PopFont();
}

}  // namespace dream::ui
