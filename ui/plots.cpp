#include "ui/plots.h"

#include <algorithm>
#include <cmath>

#include "imgui_internal.h"
#include "implot.h"
#include "implot_internal.h"
#include "ui/plot_data.h"
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
bool wants_log(const std::vector<double>& y, const Span& span) {
  if (y.size() < 8 || span.low <= 0) return false;
  static thread_local std::vector<double> some;
  some.clear();
  for (std::size_t i = 0; i < y.size(); i += 1 + y.size() / 500) some.push_back(y[i]);
  const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
  std::nth_element(some.begin(), middle, some.end());
  return span.high > 30 * *middle;
}

/// Steps and updates are counted: 15, not 15.00.
std::string place(double x) {
  return x == std::round(x) && std::abs(x) < 1e15 ? with_separators(std::llround(x)) : short_number(x);
}

/// One line of a plot as it is drawn.
struct Drawn {
  const std::vector<double>*x, *y;
  ImU32 colour;
  float width;
  const char* label;  // in the tooltip
  float dash = 0;     // 0: not dashed
  const std::vector<double>*low = nullptr, *high = nullptr;
  bool banded() const { return low && high && !low->empty() && !high->empty(); }
};

struct Axes {
  Span x, y;
  bool log_x = false, log_y = false;
  double low_x = 0, high_x = 1, low_y = 0, high_y = 1;  // what they span, with a margin
};

void margin(const Span& span, bool logarithmic, double part, double& low, double& high) {
  if (!span.any()) return;
  const double half = span.size() > 0 ? part * span.size() : 0.5;
  low = logarithmic ? span.low / (1 + 4 * part) : span.low - half;
  high = logarithmic ? span.high * (1 + 4 * part) : span.high + half;
}

/// Which axes show these lines: with a state the run's own points alone, where there are some, else all of them.
Axes fitted_axes(const std::vector<double>& x, const std::vector<double>& y, const std::vector<Drawn>& lines,
                 const CurveLook& look) {
  Axes axes;
  const PlotState* state = look.state;
  const bool own = state && !x.empty() && !y.empty();
  if (own) axes.x.add(x), axes.y.add(y);
  const auto show = [&](const std::vector<double>& values) {
    for (const double value : values)
      if (!look.log_y || value > 0) axes.y.add(value);
  };
  for (const Drawn& line : lines) {
    if (own) break;
    axes.x.add(*line.x), show(*line.y);
    if (line.banded()) show(*line.low), show(*line.high);
  }
  if (state && state->log_x) {
    axes.x = {};
    for (const double at : x)
      if (at > 0) axes.x.add(at);
    axes.log_x = axes.x.any() && axes.x.size() > 0;
    if (!axes.log_x) axes.x.add(x);
  }
  const double room = axes.y.any() ? axes.y.size() : 0;
  if (look.has_floor && (!own || (look.floor > axes.y.low - room && look.floor < axes.y.high + room)))
    axes.y.add(look.floor);
  const bool helps = look.log_y || (look.may_log && wants_log(own || lines.empty() ? y : *lines.back().y, axes.y));
  axes.log_y = axes.y.any() && axes.y.low > 0 && (state && state->log_y >= 0 ? state->log_y == 1 : helps);
  margin(axes.x, axes.log_x, 0, axes.low_x, axes.high_x);
  margin(axes.y, axes.log_y, 0.08, axes.low_y, axes.high_y);
  if (look.named_axes && axes.y.low >= 0 && !axes.log_y) axes.low_y = std::max(axes.low_y, 0.0);
  return axes;
}

void draw_line(const Ui& ui, const Drawn& line, const Columns& columns) {
  static thread_local std::vector<double> xs, ys;  // scratch, reused from line to line
  static thread_local std::vector<ImVec2> points;
  pick_points(*line.x, *line.y, columns, xs, ys);
  if (xs.empty()) return;
  if (line.dash == 0) {
    ImPlotSpec spec;
    spec.LineColor = to_vec(line.colour);
    spec.LineWeight = ui.px(line.width);
    ImPlot::PlotLine("##line", xs.data(), ys.data(), static_cast<int>(xs.size()), spec);
    return;
  }
  points.clear();
  for (std::size_t i = 0; i < xs.size(); ++i) points.push_back(ImPlot::PlotToPixels(xs[i], ys[i]));
  ImPlot::PushPlotClipRect();
  dash(ImPlot::GetPlotDrawList(), points, ui.px(line.dash), ui.px(3), line.colour, ui.px(line.width));
  ImPlot::PopPlotClipRect();
}

/// The area between `low` and `high`, in gaps none.
void draw_band(const Drawn& line) {
  const std::size_t count = std::min({line.x->size(), line.low->size(), line.high->size()});
  const double floor = ImPlot::GetPlotLimits().Y.Min;  // a logarithmic axis has no place for less than 0
  const ImU32 colour = fade(line.colour, 0.16f);
  const ImVec2 white = ImGui::GetFontTexUvWhitePixel();
  ImDrawList* list = ImPlot::GetPlotDrawList();
  ImPlot::PushPlotClipRect();
  ImVec2 above, below;
  bool begun = false;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = (*line.x)[i], low = (*line.low)[i], high = (*line.high)[i];
    const bool here = std::isfinite(x) && std::isfinite(low) && std::isfinite(high);
    if (here) {
      const ImVec2 top = ImPlot::PlotToPixels(x, std::max(high, floor)), bottom = ImPlot::PlotToPixels(x, std::max(low, floor));
      if (begun) {
        list->PrimReserve(6, 4);
        list->PrimQuadUV(above, top, bottom, below, white, white, white, white, colour);
      }
      above = top, below = bottom;
    }
    begun = here;
  }
  ImPlot::PopPlotClipRect();
}

/// Values that stand alone between two gaps, which no line reaches.
void draw_lonely(const Ui& ui, const Drawn& line) {
  const std::size_t count = std::min(line.x->size(), line.y->size());
  const auto there = [&](std::size_t i) { return i < count && std::isfinite((*line.y)[i]); };
  ImPlot::PushPlotClipRect();
  for (std::size_t i = 0; i < count; ++i)
    if (there(i) && !there(i + 1) && !there(i - 1))
      ImPlot::GetPlotDrawList()->AddCircleFilled(ImPlot::PlotToPixels((*line.x)[i], (*line.y)[i]), ui.px(2.5f), line.colour);
  ImPlot::PopPlotClipRect();
}

void draw_floor(Ui& ui, const CurveLook& look) {
  const float level = ImPlot::PlotToPixels(ImPlot::GetPlotLimits().X.Min, look.floor).y;
  const ImVec2 at = ImPlot::GetPlotPos(), room = ImPlot::GetPlotSize();
  const ImU32 colour = ui.color().warning;
  ImDrawList* list = ImPlot::GetPlotDrawList();
  ImPlot::PushPlotClipRect();
  for (float x = at.x; x < at.x + room.x; x += ui.px(9))
    list->AddLine({x, level}, {x + ui.px(5), level}, colour, ui.px(1.2f));
  if (look.axes && *look.floor_label) {
    WithFont small(ui.fonts.text, 0.8f);
    const float above = level - ImGui::GetTextLineHeight() - ui.px(1);
    right_text(list, at.x + room.x - ui.px(6), above < at.y ? level + ui.px(1) : above, colour, look.floor_label);
  }
  ImPlot::PopPlotClipRect();
}

/// A hair through all lines, and their values there beside the plot: it must not cover what it explains.
void draw_values(Ui& ui, const std::vector<Drawn>& lines, const CurveLook& look) {
  const Palette& p = ui.color();
  const ImVec2 at = ImPlot::GetPlotPos(), room = ImPlot::GetPlotSize();
  const Drawn& own = lines.back();
  double x = ImPlot::GetPlotMousePos().x;
  const ImPlotRect limits = ImPlot::GetPlotLimits();
  // Few points are pointed at one by one; among many there is a whole step under every pixel.
  const auto& xs = *own.x;
  const double pixel = limits.X.Size() / static_cast<double>(std::max(room.x, 1.0f));
  if (xs.size() > 1 && (xs.back() - xs.front()) / static_cast<double>(xs.size() - 1) > 4 * pixel) {
    const auto above = std::lower_bound(xs.begin(), xs.end(), x);
    if (above != xs.end() && above != xs.begin()) x = *above - x < x - *(above - 1) ? *above : *(above - 1);
  } else if (limits.X.Size() > 20) {
    x = std::round(x);
  }
  ImDrawList* list = ImPlot::GetPlotDrawList();
  ImPlot::PushPlotClipRect();
  const float hair = ImPlot::PlotToPixels(x, limits.Y.Min).x;
  list->AddLine({hair, at.y}, {hair, at.y + room.y}, fade(p.muted, 0.5f));
  for (const Drawn& line : lines)
    if (const double value = value_at(*line.x, *line.y, x); std::isfinite(value))
      list->AddCircleFilled(ImPlot::PlotToPixels(x, value), ui.px(3.5f), line.colour);
  ImPlot::PopPlotClipRect();

  const ImVec2 screen = ImGui::GetMainViewport()->Size;
  const bool below = at.y + room.y + ui.px(200) < screen.y;
  ImGui::SetNextWindowPos({hair, below ? at.y + room.y + ui.px(20) : at.y - ui.px(24)}, ImGuiCond_Always,
                          {std::clamp(hair / screen.x, 0.0f, 1.0f), below ? 0.0f : 1.0f});
  if (!ImGui::BeginTooltip()) return;
  const auto sentence = [&](ImFont* font, ImU32 colour, const char* words) {
    if (!*words) return;
    WithFont with(font, 1);
    ImGui::PushTextWrapPos(ui.px(380));
    text(colour, "%s", words);
    ImGui::PopTextWrapPos();
  };
  int element = -1;  // the place on the axis that is nearest
  for (std::size_t i = 0; look.elements && look.elements->says && i < xs.size(); ++i)
    if (element < 0 || std::abs(xs[i] - x) < std::abs(xs[static_cast<std::size_t>(element)] - x)) element = static_cast<int>(i);
  if (element >= 0 && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) look.elements->clicked = element;
  sentence(ui.fonts.bold, p.text, look.title);
  sentence(ui.fonts.text, p.muted, look.caption);
  mono(ui, p.muted, "at %s %s", look.x_unit, place(x).c_str());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const double value = value_at(*line->x, *line->y, x);
    if (line->x->empty()) continue;
    std::string band;
    if (line->banded())
      if (const double low = value_at(*line->x, *line->low, x), high = value_at(*line->x, *line->high, x); std::isfinite(low + high))
        band = "  " + short_number(low) + " to " + short_number(high);
    mono(ui, lines.size() > 1 ? line->colour : p.text, "%10s %s  %s%s",
         std::isfinite(value) ? short_number(value).c_str() : "·", look.y_unit, line->label, band.c_str());
  }
  if (element >= 0) sentence(ui.fonts.text, p.text, look.elements->says(element).c_str());
  ImGui::EndTooltip();
}

}  // namespace

std::string why_no_log(const std::vector<double>& values) {
  const Span span = [&] {
    Span all;
    all.add(values);
    return all;
  }();
  if (!span.any()) return "There is no point yet.";
  return span.low > 0 ? "" : "A logarithmic axis has no place for " + short_number(span.low) + ": only values above 0.";
}

void draw_curve(Ui& ui, const char* id, const std::vector<double>& x, const std::vector<double>& y, ImVec2 size,
                const CurveLook& look) {
  const Palette& p = ui.color();
  PlotState* state = look.state;
  const ImPlotFlags flags = ImPlotFlags_NoLegend | ImPlotFlags_NoMenus | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoTitle |
                            ImPlotFlags_NoMouseText;
  ImGui::PushFont(ui.fonts.mono, ImGui::GetStyle().FontSizeBase * 0.78f);
  if (look.axes) ImPlot::PushStyleVar(ImPlotStyleVar_PlotPadding, {ui.px(12), 0});  // the last number stands whole
  if (ImPlot::BeginPlot(id, size, flags)) {
    // From back to front: what normal looks like, other lines, one's own.
    static thread_local std::vector<Drawn> lines;
    static thread_local std::vector<double> calm;
    lines.clear();
    if (look.reference_x && look.reference_y && !look.reference_x->empty() && (!state || state->reference))
      lines.push_back({look.reference_x, look.reference_y, p.grey, 2, "shipped run"});
    for (std::size_t i = 0; look.others && i < look.others->size(); ++i) {
      const PlotLine& other = (*look.others)[i];
      lines.push_back({other.x ? other.x : &x, other.y, other.colour, 1.5f, other.label, other.dash, other.low, other.high});
    }
    const bool smoothed = state && state->smoothing > 0 && y.size() > 2;
    const char* own = *look.label ? look.label : lines.empty() && !smoothed ? "" : "this run";
    lines.push_back({&x, &y, smoothed ? fade(look.colour, 0.4f) : look.colour, smoothed ? 1.0f : 1.6f, own, look.dash,
                     look.low, look.high});
    if (smoothed) {
      smooth(y, state->smoothing, calm);
      lines.push_back({&x, &calm, look.colour, 1.8f, "smoothed"});
    }

    const auto bare = [](bool labels) { return labels ? ImPlotAxisFlags_None : ImPlotAxisFlags_NoTickLabels; };
    const auto name = [&](const char* unit) { return look.named_axes && *unit ? unit : nullptr; };
    ImPlot::SetupAxes(name(look.x_unit), name(look.y_unit), bare(look.axes) | ImPlotAxisFlags_NoHighlight | ImPlotAxisFlags_NoGridLines,
                      bare(look.axes || look.y_axis) | ImPlotAxisFlags_NoHighlight);
    const Axes fit = fitted_axes(x, y, lines, look);
    if (fit.log_x) ImPlot::SetupAxisScale(ImAxis_X1, ImPlotScale_Log10);
    if (fit.log_y) ImPlot::SetupAxisScale(ImAxis_Y1, ImPlotScale_Log10);
    if (state) {
      if (state->follow)
        state->x[0] = fit.low_x, state->x[1] = fit.high_x, state->y[0] = fit.low_y, state->y[1] = fit.high_y;
      ImPlot::SetupAxisLinks(ImAxis_X1, &state->x[0], &state->x[1]);
      ImPlot::SetupAxisLinks(ImAxis_Y1, &state->y[0], &state->y[1]);
    } else {  // ImPlot's own fit takes hold a frame late: whoever draws only on news would look at cut lines
      ImPlot::SetupAxisLimits(ImAxis_X1, fit.low_x, fit.high_x, ImPlotCond_Always);
      ImPlot::SetupAxisLimits(ImAxis_Y1, fit.low_y, fit.high_y, ImPlotCond_Always);
    }

    const ImPlotRange across = ImPlot::GetPlotLimits().X;
    const Columns columns{across.Min, across.Max, std::max(static_cast<int>(ImPlot::GetPlotSize().x), 1), fit.log_x};
    for (const Drawn& line : lines)
      if (line.banded()) draw_band(line);
    for (const Drawn& line : lines) draw_line(ui, line, columns), draw_lonely(ui, line);
    if (look.has_floor) draw_floor(ui, look);
    if (look.mark) {
      const float at = ImPlot::PlotToPixels(*look.mark, 0).x;
      const ImVec2 place = ImPlot::GetPlotPos();
      ImPlot::GetPlotDrawList()->AddLine({at, place.y}, {at, place.y + ImPlot::GetPlotSize().y}, p.text, ui.px(1.2f));
    }
    const std::string scale = fit.log_x && fit.log_y ? "log, log x" : fit.log_x ? "log x" : fit.log_y ? "log" : "";
    if (!scale.empty() && (look.axes || look.y_axis)) {
      WithFont small(ui.fonts.text, 0.8f);
      const ImVec2 at = ImPlot::GetPlotPos();
      right_text(ImPlot::GetPlotDrawList(), at.x + ImPlot::GetPlotSize().x - ui.px(6), at.y + ui.px(3), p.muted,
                 scale.c_str());
    }
    const bool hovered = ImPlot::IsPlotHovered() && !ui.want_cutout;
    if (hovered) draw_values(ui, lines, look);
    const bool on_axis = ImPlot::IsAxisHovered(ImAxis_X1) || ImPlot::IsAxisHovered(ImAxis_Y1);
    if (state && (hovered || on_axis))  // the wheel is the plot's, not the panel's that scrolls
      ImGui::SetKeyOwner(ImGuiKey_MouseWheelY, ImPlot::GetCurrentPlot()->ID);
    const bool refit = state && (hovered || on_axis) && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left);
    ImPlot::EndPlot();
    if (state) {
      const auto moved = [](double now, double then, double span) { return std::abs(now - then) > 1e-9 * span; };
      const double wide = fit.high_x - fit.low_x, high = fit.high_y - fit.low_y;
      if (moved(state->x[0], fit.low_x, wide) || moved(state->x[1], fit.high_x, wide) ||
          moved(state->y[0], fit.low_y, high) || moved(state->y[1], fit.high_y, high))
        state->follow = false;
      if (refit) state->follow = true;
    }
  }
  if (look.axes) ImPlot::PopStyleVar();
  ImGui::PopFont();
}

}  // namespace dream::ui
