#include <algorithm>
#include <cmath>

#include "imgui_internal.h"
#include "ui/pictures.h"
#include "ui/plot_data.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Of a magnitude 0 … 1, away from the ground's own colour.
ImU32 point_colour(float t, bool dark) {
  return magnitude_colour(dark ? 0.22f + 0.78f * t : 0.08f + 0.84f * t);
}

/// What a quantity spans; of many values all but the outermost hundredths, which would flatten the others.
struct ColourRange {
  double low = 0, high = 1;
  bool clipped = false, any = false;
  float part(float value) const {
    return high > low ? std::clamp(static_cast<float>((static_cast<double>(value) - low) / (high - low)), 0.0f, 1.0f) : 0.5f;
  }
};

ColourRange range_of(const std::vector<float>& values) {
  static thread_local std::vector<float> known;
  known.clear();
  for (const float v : values)
    if (std::isfinite(v)) known.push_back(v);
  ColourRange range;
  if (known.empty()) return range;
  const auto [low, high] = std::ranges::minmax(known);
  range = {static_cast<double>(low), static_cast<double>(high), false, true};
  if (known.size() < 200) return range;
  const auto nth = [&](double part) {
    const auto at = known.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(known.size() - 1));
    std::ranges::nth_element(known, at);
    return static_cast<double>(*at);
  };
  const double inner_low = nth(0.01), inner_high = nth(0.99);
  // Only where the outermost stand far out.
  if (inner_high > inner_low && range.high - range.low > 1.5 * (inner_high - inner_low)) range = {inner_low, inner_high, true, true};
  return range;
}

/// Even-odd: whether the polygon holds the place.
bool holds_place(const std::vector<ImVec2>& corners, ImVec2 at) {
  bool inside = false;
  for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const ImVec2 a = corners[i], b = corners[j];
    if ((a.y > at.y) != (b.y > at.y) && at.x < (b.x - a.x) * (at.y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

/// From the map's parts to the screen and back.
struct MapView {
  ImVec2 min, size, centre;
  float zoom;
  Span x, y;
  ImVec2 part(float px, float py) const {
    const auto along = [](const Span& span, float at) {
      return span.size() > 0 ? static_cast<float>(0.04 + 0.92 * (static_cast<double>(at) - span.low) / span.size()) : 0.5f;
    };
    return {along(x, px), along(y, py)};
  }
  ImVec2 screen(ImVec2 at) const {
    return {min.x + (0.5f + (at.x - centre.x) * zoom) * size.x, min.y + (0.5f - (at.y - centre.y) * zoom) * size.y};
  }
  ImVec2 part_of(ImVec2 pixel) const {
    return {centre.x + ((pixel.x - min.x) / size.x - 0.5f) / zoom, centre.y - ((pixel.y - min.y) / size.y - 0.5f) / zoom};
  }
};

void draw_marks(ImDrawList* list, const std::vector<ImVec2>& at, const std::vector<ImU32>& colours, float radius) {
  constexpr std::size_t chunk = 2000;  // of one reservation
  constexpr int corners = 8;
  ImVec2 unit[corners];
  for (int k = 0; k < corners; ++k) {
    const float angle = (static_cast<float>(k) + 0.5f) * 2 * 3.14159265f / corners;
    unit[k] = {radius * std::cos(angle), radius * std::sin(angle)};
  }
  const ImVec2 white = ImGui::GetFontTexUvWhitePixel();
  for (std::size_t begin = 0; begin < at.size(); begin += chunk) {
    const std::size_t end = std::min(begin + chunk, at.size());
    const int count = static_cast<int>(end - begin);
    list->PrimReserve(count * (corners - 2) * 3, count * corners);
    for (std::size_t i = begin; i < end; ++i) {
      const auto first = static_cast<ImDrawIdx>(list->_VtxCurrentIdx);
      for (const ImVec2 corner : unit) list->PrimWriteVtx({at[i].x + corner.x, at[i].y + corner.y}, white, colours[i]);
      for (int k = 2; k < corners; ++k) {
        list->PrimWriteIdx(first);
        list->PrimWriteIdx(static_cast<ImDrawIdx>(first + k - 1));
        list->PrimWriteIdx(static_cast<ImDrawIdx>(first + k));
      }
    }
  }
}

/// What is known of one point, its picture beside: beside the mouse.
void explain_point(Ui& ui, const Probe& probe, const Points& value, std::size_t i, ImVec2 at, int colour) {
  const Palette& p = ui.color();
  const bool pictured = value.thumbnails && value.thumb_width > 0 && value.thumb_height > 0 && value.thumb_columns > 0;
  const ImVec2 picture = pictured ? fit_picture(value.thumb_width, value.thumb_height, {ui.px(160), ui.px(160)}) : ImVec2{};
  const float line = ImGui::GetTextLineHeightWithSpacing(), wide = ui.px(250);
  const ImVec2 padding{ui.px(12), ui.px(9)};
  const ImVec2 size{picture.x + wide + 3 * padding.x, std::max(picture.y, line * static_cast<float>(value.colours.size() + 3)) + 2 * padding.y};
  const float around = ui.px(8);
  ImGui::SetNextWindowPos(place_beside({at.x - around, at.y - around}, {at.x + around, at.y + around}, size, ui.px(6), true));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, padding);
  if (ImGui::BeginTooltip()) {
    if (pictured) {
      const auto column = static_cast<float>(i % static_cast<std::size_t>(value.thumb_columns)), row = static_cast<float>(i / static_cast<std::size_t>(value.thumb_columns));
      const ImVec2 unit{static_cast<float>(value.thumb_width) / static_cast<float>(value.thumbnails->width), static_cast<float>(value.thumb_height) / static_cast<float>(value.thumbnails->height)};
      const ImVec2 from = ImGui::GetCursorScreenPos();
      if (row * unit.y < 1)
        draw_image(ui, "points/" + probe.name, value.thumbnails, from, {from.x + picture.x, from.y + picture.y},
                   {.from = {column * unit.x, row * unit.y}, .to = {(column + 1) * unit.x, (row + 1) * unit.y}});
      ImGui::Dummy(picture);
      ImGui::SameLine(0, padding.x);
    }
    ImGui::BeginGroup();
    {
      WithFont bold(ui.fonts.bold);
      text(p.text, "point %s of %s", with_separators(static_cast<std::int64_t>(i) + 1).c_str(), with_separators(static_cast<std::int64_t>(value.x.size())).c_str());
    }
    for (std::size_t c = 0; c < value.colours.size(); ++c) {
      const auto& each = value.colours[c];
      const bool known = i < each.values.size() && std::isfinite(each.values[i]);
      mono(ui, static_cast<int>(c) == colour ? p.text : p.muted, "%10s %s  %s", known ? short_number(static_cast<double>(each.values[i])).c_str() : "not known",
           each.unit.c_str(), each.label.c_str());
    }
    if (const std::string says = ui.elements.says ? ui.elements.says(static_cast<int>(i)) : ""; !says.empty()) {
      ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + wide);
      text(p.text, "%s", says.c_str());
      ImGui::PopTextWrapPos();
    }
    ImGui::EndGroup();
    ImGui::EndTooltip();
  }
  ImGui::PopStyleVar();
}

/// Count and mean of what the lasso holds, beside those of all.
std::string selection_words(const Points& value, const PointsLook& look, int colour) {
  double sum = 0, sum_all = 0;
  std::int64_t in = 0, known_in = 0, known = 0;
  const auto* values = colour >= 0 ? &value.colours[static_cast<std::size_t>(colour)].values : nullptr;
  for (std::size_t i = 0; i < look.inside.size(); ++i) {
    in += look.inside[i];
    if (!values || i >= values->size() || !std::isfinite((*values)[i])) continue;
    const auto v = static_cast<double>((*values)[i]);
    ++known, sum_all += v;
    if (look.inside[i]) ++known_in, sum += v;
  }
  std::string words = with_separators(in) + " of " + with_separators(static_cast<std::int64_t>(look.inside.size())) + " points";
  if (!values || known == 0) return words;
  const auto& unit = value.colours[static_cast<std::size_t>(colour)].unit;
  const auto mean = [&](double total, std::int64_t n) { return n > 0 ? short_number(total / static_cast<double>(n)) + (unit.empty() ? "" : " " + unit) : std::string("not known"); };
  return words + " · mean " + value.colours[static_cast<std::size_t>(colour)].label + " " + mean(sum, known_in) + ", of all " + mean(sum_all, known);
}

/// Which quantity colours the points, and what a lasso holds, or how to use the map.
void draw_points_head(Ui& ui, const Points& value, PointsLook& look, int colour, float width) {
  const Palette& p = ui.color();
  const float end = ImGui::GetCursorPosX() + width;
  if (colour >= 0) {
    const auto name = [&](const Points::Colour& c) { return c.label + (c.unit.empty() ? "" : " [" + c.unit + "]"); };
    ImGui::SetNextItemWidth(std::min(ui.px(220), width * 0.45f));
    if (ImGui::BeginCombo("##colour", name(value.colours[static_cast<std::size_t>(colour)]).c_str(), ImGuiComboFlags_HeightLarge)) {
      for (std::size_t c = 0; c < value.colours.size(); ++c)
        if (ImGui::Selectable((name(value.colours[c]) + "##" + std::to_string(c)).c_str(), static_cast<int>(c) == colour)) look.colour = static_cast<int>(c);
      ImGui::EndCombo();
    }
    tip(ui, "Coloured by", "Which quantity the points' colours tell; a grey point has no value of it.");
    ImGui::SameLine(0, ui.px(12));
  }
  const float room = std::min(ImGui::GetContentRegionAvail().x, end - ImGui::GetCursorPosX());  // it may stand beside others
  const bool held = !look.inside.empty();
  ImGui::AlignTextToFramePadding();
  WithFont small(ui.fonts.text, 0.9f);
  if (held) {
    text(p.text, "%s", fitted(selection_words(value, look, colour), room - ui.px(70)).c_str());
    ImGui::SameLine(0, ui.px(8));
    if (button(ui, "clear###clear_lasso", "Clear the lasso", "All points again.", {.small = true})) look.inside.clear(), look.lasso.clear();
  } else {
    const std::string walk = !ui.elements.pairs ? "" : ui.elements.first >= 0 ? "Shift-click another: the walk to it · " : "Shift-click two: a walk between them · ";
    text(p.muted, "%s", fitted(std::string(ui.elements.says ? "click: dream from there · " : "") + walk + "drag: a lasso · wheel: zoom · right drag: move · double click: all of it", room).c_str());
  }
}

}  // namespace

void draw_colour_bar(const Ui& ui, ImVec2 at, ImVec2 size, double low, double high, const std::string& unit, const std::function<ImU32(float)>& colour) {
  constexpr int steps = 32;
  const float bar = ui.px(12), line = ImGui::GetTextLineHeight(), top = at.y + (unit.empty() ? 0 : line + ui.px(4));
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float height = at.y + size.y - top;
  for (int i = 0; i < steps; ++i) {
    const float from = top + height * static_cast<float>(i) / steps, to = top + height * static_cast<float>(i + 1) / steps;
    const ImU32 above = colour(1 - static_cast<float>(i) / steps), below = colour(1 - static_cast<float>(i + 1) / steps);
    list->AddRectFilledMultiColor({at.x, from}, {at.x + bar, to}, above, above, below, below);
  }
  const double middle = std::abs(low + high) < 1e-3 * (high - low) ? 0 : (low + high) / 2;
  const float x = at.x + bar + ui.px(6), room = size.x - bar - ui.px(6);
  if (!unit.empty()) list->AddText({at.x, at.y}, ui.color().muted, fitted(unit, size.x).c_str());
  list->AddText({x, top - ui.px(2)}, ui.color().text, fitted(axis_number(high), room).c_str());
  list->AddText({x, top + (height - line) / 2}, ui.color().muted, fitted(axis_number(middle), room).c_str());
  list->AddText({x, at.y + size.y - line + ui.px(2)}, ui.color().text, fitted(axis_number(low), room).c_str());
}

void draw_viewer(Ui& ui, const Probe& probe, const Points& value, ImVec2 size) {
  const Palette& p = ui.color();
  const std::size_t count = std::min(value.x.size(), value.y.size());
  PointsLook& look = ui.points[probe.name];
  look.colour = std::clamp(look.colour, 0, std::max(static_cast<int>(value.colours.size()) - 1, 0));
  const int colour = value.colours.empty() ? -1 : look.colour;
  if (!look.inside.empty() && look.inside.size() != count) look.inside.clear(), look.lasso.clear();  // other points
  if (!ui.bare && count > 0) {
    const float before = ImGui::GetCursorPosY();
    draw_points_head(ui, value, look, colour, size.x);
    size.y -= ImGui::GetCursorPosY() - before;
  }
  static const std::vector<float> none;
  const std::vector<float>& values = colour >= 0 ? value.colours[static_cast<std::size_t>(colour)].values : none;
  const ColourRange range = range_of(values);
  const float bar = !ui.bare && range.any ? ui.px(84) : 0;
  const Well box = well(ui, "map", {size.x - bar, size.y});
  if (count == 0) return centred_note(ui, box.min, box.max, "No points.");

  MapView view{box.min, {box.width(), box.height()}, look.centre, look.zoom, {}, {}};
  for (std::size_t i = 0; i < count; ++i)
    if (std::isfinite(value.x[i]) && std::isfinite(value.y[i])) view.x.add(static_cast<double>(value.x[i])), view.y.add(static_cast<double>(value.y[i]));
  const ImVec2 mouse = ImGui::GetMousePos();
  if (box.hovered) {
    ImGui::SetItemKeyOwner(ImGuiKey_MouseWheelY);  // the map's, not the panel's that scrolls
    if (const float wheel = ImGui::GetIO().MouseWheel; wheel != 0) {
      const ImVec2 under = view.part_of(mouse);
      const float zoom = std::clamp(look.zoom * std::pow(1.2f, wheel), 1.0f, 60.0f), ratio = look.zoom / zoom;
      look.centre = {under.x + (look.centre.x - under.x) * ratio, under.y + (look.centre.y - under.y) * ratio};
      look.zoom = zoom;
      if (zoom == 1) look.centre = PointsLook().centre;
    }
    if (ImGui::IsMouseDragging(ImGuiMouseButton_Right)) {
      const ImVec2 by = ImGui::GetIO().MouseDelta;
      look.centre = {look.centre.x - by.x / (box.width() * look.zoom), look.centre.y + by.y / (box.height() * look.zoom)};
    }
    view.centre = look.centre, view.zoom = look.zoom;
  }

  static thread_local std::vector<ImVec2> at;  // scratch
  static thread_local std::vector<ImU32> colours;
  at.clear(), colours.clear();
  const float radius = ui.px(ui.bare ? 1.2f : count > 1500 ? 2.4f : 3.2f);
  const ImVec2 nowhere{-1e6f, -1e6f};
  int nearest = -1;
  float distance = ui.px(10);
  const bool lassoed = !look.inside.empty();
  for (std::size_t i = 0; i < count; ++i) {
    const bool there = std::isfinite(value.x[i]) && std::isfinite(value.y[i]);
    const ImVec2 here = there ? view.screen(view.part(value.x[i], value.y[i])) : nowhere;
    const bool known = i < values.size() && std::isfinite(values[i]);
    const ImU32 own = known ? point_colour(range.part(values[i]), ui.dark()) : fade(p.grey, 0.6f);
    at.push_back(here);
    colours.push_back(lassoed && !look.inside[i] ? fade(own, 0.22f) : fade(own, 0.9f));
    if (const float far = std::hypot(here.x - mouse.x, here.y - mouse.y); box.hovered && far < distance) distance = far, nearest = static_cast<int>(i);
  }
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(box.min, box.max, true);
  if (count <= 2000 && !ui.bare)
    for (std::size_t i = 0; i < count; ++i) list->AddCircleFilled(at[i], radius, colours[i], 12);
  else
    draw_marks(list, at, colours, radius);  // too many for soft edges

  // A click is one if the mouse has hardly moved; else it draws a lasso.
  if (ImGui::IsItemActivated()) look.lasso = {view.part_of(mouse)}, look.inside.clear(), look.drawing = false;
  if (box.active && std::hypot(ImGui::GetMouseDragDelta().x, ImGui::GetMouseDragDelta().y) > ui.px(5)) look.drawing = true;
  if (box.active && look.drawing) {
    const ImVec2 last = view.screen(look.lasso.back());
    if (std::hypot(last.x - mouse.x, last.y - mouse.y) > ui.px(3)) look.lasso.push_back(view.part_of(mouse));
  }
  if (ImGui::IsItemDeactivated()) {
    if (look.drawing && look.lasso.size() > 2) {
      for (std::size_t i = 0; i < count; ++i) look.inside.push_back(static_cast<char>(holds_place(look.lasso, view.part(value.x[i], value.y[i]))));
    } else {
      look.lasso.clear();
      if (nearest >= 0) ui.elements.clicked = nearest, ui.elements.with_shift = ui.elements.pairs && ImGui::GetIO().KeyShift;
    }
    look.drawing = false;
  }
  if (box.hovered && nearest < 0 && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) look.zoom = 1, look.centre = PointsLook().centre;
  if (look.lasso.size() > 1) {
    static thread_local std::vector<ImVec2> corners;
    corners.clear();
    for (const ImVec2 corner : look.lasso) corners.push_back(view.screen(corner));
    list->AddPolyline(corners.data(), static_cast<int>(corners.size()), p.dream, look.drawing ? ImDrawFlags_None : ImDrawFlags_Closed, ui.px(1.5f));
  }
  if (const int first = ui.elements.first; first >= 0 && static_cast<std::size_t>(first) < count) {
    const ImVec2 from = at[static_cast<std::size_t>(first)];
    if (nearest >= 0 && nearest != first && ImGui::GetIO().KeyShift) list->AddLine(from, at[static_cast<std::size_t>(nearest)], p.dream, ui.px(1.5f));
    list->AddCircle(from, radius + ui.px(4), p.dream, 0, ui.px(2));
  }
  if (nearest >= 0 && !look.drawing) list->AddCircle(at[static_cast<std::size_t>(nearest)], radius + ui.px(3), p.text, 0, ui.px(1.5f));
  if (!ui.bare) {
    WithFont small(ui.fonts.text, 0.82f);
    list->AddText({box.min.x + ui.px(8), box.min.y + ui.px(5)}, p.muted, ("↑ " + value.y_label).c_str());
    right_text(list, box.max.x - ui.px(8), box.max.y - ImGui::GetTextLineHeight() - ui.px(5), p.muted, (value.x_label + " →").c_str());
  }
  list->PopClipRect();
  if (bar > 0) {
    WithFont small(ui.fonts.mono, 0.78f);
    const ImVec2 from{box.max.x + ui.px(12), box.min.y};
    const auto& chosen = value.colours[static_cast<std::size_t>(colour)];
    draw_colour_bar(ui, from, {bar - ui.px(12), box.height()}, range.low, range.high, chosen.unit.empty() ? chosen.label : chosen.unit,
                    [&](float t) { return point_colour(t, ui.dark()); });
  }
  if (nearest >= 0 && !look.drawing && !ui.want_cutout && !ui.bare) explain_point(ui, probe, value, static_cast<std::size_t>(nearest), at[static_cast<std::size_t>(nearest)], colour);
}

}  // namespace dream::ui
