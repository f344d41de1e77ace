#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ui/slider.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Grows the axis in steps so that it does not breathe with the values. One that nobody can drag shrinks as well, and
/// has no lower half until something is below 0. Another model's vector begins anew.
void settle_range(ViewState& state, const Vector& value, bool editable, bool figure) {
  if (state.elements != value.values.size()) {
    state.elements = value.values.size();
    state.range = ViewState().range;
    state.negative = false;
  }
  float most = 0, sum = 0;
  bool signed_now = editable;
  const auto see = [&](float v) {
    if (!std::isfinite(v)) return;
    most = std::max(most, std::abs(v));
    signed_now |= v < 0;
  };
  for (std::size_t i = 0; i < value.values.size(); ++i) see(value.values[i]), sum += value.values[i];
  for (const float m : value.mean) see(m);
  state.negative |= signed_now;
  if (!state.negative && value.mean.empty() && std::abs(sum - 1) < 1e-3f && value.values.size() > 1) {
    state.range = 1;  // probabilities
    return;
  }
  if (most > 1e9f) most = 1e9f;
  if (figure && most > 0) {  // it stands still: the axis ends at two digits above it
    for (std::size_t i = 0; i < std::min(value.mean.size(), value.deviation.size()); ++i) see(std::abs(value.mean[i]) + value.deviation[i]);
    const float digit = std::pow(10.0f, std::floor(std::log10(most)) - 1);
    state.range = std::ceil(most * 1.02f / digit) * digit;
    return;
  }
  while (most > state.range * 1.02f) state.range *= state.range < 6 ? 1.5f : 2.0f;
  while (!editable && most < state.range * 0.4f && state.range > 1e-3f) state.range /= 1.5f;
}

std::string label_of(const Vector& value, int i) {
  const std::size_t at = static_cast<std::size_t>(i);
  return at < value.labels.size() ? value.labels[at] : std::to_string(i);
}

void edit(Ui& ui, const Probe& probe, ViewState& state, int index, float target) {
  state.dragged = index;
  state.value = target;
  ui.send(EditLatent{probe.name, index, target});
}

void finish_edit(Ui& ui, const Probe& probe, ViewState& state) {
  if (state.dragged < 0) return;
  ui.undoable(probe.title + " " + std::to_string(state.dragged), EditLatent{probe.name, state.dragged, state.before},
              EditLatent{probe.name, state.dragged, state.value});
  state.dragged = -1;
}

constexpr float slider_row = 22;

int slider_columns(const Ui& ui, float width) {
  return std::max(1, static_cast<int>(width / ui.px(150)));
}

void draw_sliders(Ui& ui, const Probe& probe, const Vector& value, ViewState& state, ImVec2 size) {
  ImGui::BeginChild("sliders", size);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(4), ui.px(1)});
  const float top = ImGui::GetCursorPosY();
  const int columns = slider_columns(ui, size.x);
  const float width = size.x / static_cast<float>(columns) - ui.px(8);
  for (int i = 0; i < static_cast<int>(value.values.size()); ++i) {
    ImGui::SetCursorPos({static_cast<float>(i % columns) * (width + ui.px(8)),
                         top + static_cast<float>(i / columns) * ui.px(slider_row)});
    ImGui::PushID(i);
    ImGui::BeginGroup();
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().muted, "%2s", label_of(value, i).c_str());
    ImGui::SameLine(0, ui.px(4));
    double shown = state.dragged == i ? state.value : value.values[static_cast<std::size_t>(i)];
    const SliderResult moved = slider(ui, "##value", &shown, {-state.range, state.range}, 0, width - ui.px(80));
    if (moved.changed) edit(ui, probe, state, i, static_cast<float>(shown));
    if (moved.ended) state.before = static_cast<float>(moved.before), finish_edit(ui, probe, state);
    if (moved.released) state.dragged = -1;
    ImGui::SameLine(0, ui.px(4));
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().text, "%s", signed_figure(shown, 2).c_str());
    ImGui::EndGroup();
    ImGui::PopID();
  }
  ImGui::PopStyleVar();
  ImGui::EndChild();
}

/// Few elements with names: one row each, its name at the left and its figure at the right.
void draw_rows(Ui& ui, const Probe& probe, const Vector& value, const ViewState& state, ImVec2 size) {
  const Palette& p = ui.color();
  const int count = static_cast<int>(value.values.size());
  const bool large = ui.figure && !ui.bare;
  const float row = std::min((size.y - ui.px(4)) / static_cast<float>(count), ui.px(large ? 72 : 24));
  if (large) size.y = row * static_cast<float>(count) + ui.px(4);
  const Well box = well(ui, "rows", size);
  WithFont font(ui.fonts.mono, std::clamp((row - ui.px(2)) / ui.px(16), 0.62f, large ? 1.0f : 0.84f));
  const bool whole = ui.figure && std::ranges::all_of(value.values, [](float v) { return v == std::round(v); });
  float names = 0;
  for (const std::string& label : value.labels) names = std::max(names, ImGui::CalcTextSize(label.c_str()).x);
  names = std::min(names, box.width() * 0.45f);
  const float figures = ImGui::CalcTextSize("-0.000").x, pad = ui.px(6);
  const float left = box.min.x + pad + names + pad, right = box.max.x - pad - figures - pad;
  float zero = state.negative ? (left + right) / 2 : left, unit = (right - zero) / state.range;
  if (ui.figure && state.negative) {  // it stands still: no more room below 0 than it needs
    float low = 0, high = 0;
    for (std::size_t i = 0; i < value.values.size(); ++i) {
      const float middle = i < value.mean.size() ? value.mean[i] : value.values[i], half = i < value.deviation.size() ? value.deviation[i] : 0;
      for (const float v : {value.values[i], middle - half, middle + half})
        if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
    }
    unit = (right - left) / std::max(high - low, 1e-9f), zero = left - low * unit;
  }
  const auto x_of = [&](float v) { return std::clamp(zero + (std::isfinite(v) ? v : 0.0f) * unit, left, right); };
  const auto likeliest = std::max_element(value.values.begin(), value.values.end()) - value.values.begin();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(box.min, box.max, true);
  if (state.negative) list->AddLine({zero, box.min.y}, {zero, box.max.y}, p.faint);
  for (int i = 0; i < count; ++i) {
    const std::size_t at = static_cast<std::size_t>(i);
    const float v = value.values[at], top = box.min.y + ui.px(2) + row * static_cast<float>(i);
    const float text_y = top + (row - ImGui::GetTextLineHeight()) / 2, inset = std::max(row * 0.2f, 1.0f);
    const bool first = i == likeliest && !state.negative;
    list->PushClipRect({box.min.x, box.min.y}, {left - pad / 2, box.max.y}, true);
    list->AddText({box.min.x + pad, text_y}, first ? p.text : p.muted,
                  fitted(value.labels[at], names + pad / 2).c_str());
    list->PopClipRect();
    list->AddRectFilled({std::min(zero, x_of(v)), top + inset}, {std::max(zero, x_of(v)), top + row - inset}, p.dream,
                        1);
    if (at < value.mean.size() && at >= value.deviation.size()) {
      const float x = std::round(x_of(value.mean[at]));
      list->AddRectFilled({x - ui.px(1), top + inset - ui.px(2)}, {x + ui.px(1), top + row - inset + ui.px(2)}, p.text);
    }
    if (at < value.mean.size() && at < value.deviation.size()) {
      const float middle = top + row / 2;
      list->AddLine({x_of(value.mean[at] - value.deviation[at]), middle},
                    {x_of(value.mean[at] + value.deviation[at]), middle}, p.text, ui.px(1.5f));
    }
    char figure[24];
    if (ui.figure && !whole)
      std::snprintf(figure, sizeof figure, "%s", axis_number(static_cast<double>(v)).c_str());
    else
      std::snprintf(figure, sizeof figure, std::abs(v) < 100 && !whole ? "%.3f" : "%.0f", static_cast<double>(v));
    if (figure[0] == '-' && std::strtod(figure, nullptr) == 0) figure[0] = ' ';
    right_text(list, box.max.x - pad, text_y, first ? p.text : p.muted, figure);
  }
  list->PopClipRect();
  tip(ui, probe.title.c_str(), probe.caption.c_str());
}

}  // namespace

float sliders_height(const Ui& ui, const Vector& value, float width) {
  const int columns = slider_columns(ui, width), count = static_cast<int>(value.values.size());
  return ui.px(slider_row) * static_cast<float>((count + columns - 1) / columns) + ui.px(8);
}

void draw_viewer(Ui& ui, const Probe& probe, const Vector& value, ImVec2 size) {
  const Palette& p = ui.color();
  ViewState& state = ui.views[probe.name];
  settle_range(state, value, probe.editable, ui.figure);
  const int count = static_cast<int>(value.values.size());
  if (!probe.editable && count > 0 && value.labels.size() == value.values.size() &&
      size.y >= static_cast<float>(count) * ui.px(13))
    return draw_rows(ui, probe, value, state, size);
  float below = 0;
  if (probe.editable) {
    const bool narrow = size.x < ui.px(215);  // icons alone, then
    if (button(ui, (std::string(icon::dice) + (narrow ? "" : "  randomise") + "###randomise").c_str(), "Randomise",
               "Draw every element anew: the dream jumps to a random place.", {.small = true}))
      ui.send(RandomiseLatent{probe.name});
    ImGui::SameLine();
    if (button(ui,
               (std::string(icon::sliders) +
                (narrow                ? ""
                 : ui.settings.sliders ? "  hide sliders"
                                       : "  sliders") +
                "###sliders")
                   .c_str(),
               "Sliders", "One slider per element: double-click resets to 0, Ctrl-click types.",
               {.accent = false, .small = true}))
      ui.settings.sliders = !ui.settings.sliders, ui.settings_changed = true;
    const float used = ImGui::GetTextLineHeight() + ui.px(4) + ImGui::GetStyle().ItemSpacing.y;
    size.y -= used;
    if (ui.settings.sliders) below = std::min(sliders_height(ui, value, size.x), size.y - ui.px(48));
  }
  const Well box = well(ui, "bars", {size.x, size.y - below});
  if (count == 0) {
    centred_note(ui, box.min, box.max, "Empty.");
    return;
  }
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool scaled = ui.figure && !ui.bare && box.height() > ui.px(220);  // its figures stand beside the bars
  const float step = (box.width() - (scaled ? ui.px(48) : 0)) / static_cast<float>(count), bar = std::max(1.0f, step * 0.66f);
  const float zero = std::round(state.negative ? (box.min.y + box.max.y) / 2 : box.max.y - ui.px(2));
  const float unit = (zero - box.min.y - ui.px(4)) / state.range;
  const auto y_of = [&](float v) {
    return zero - std::clamp(std::isfinite(v) ? v : 0.0f, -state.range, state.range) * unit;
  };
  const ImVec2 mouse = ImGui::GetMousePos();
  const int under = std::clamp(static_cast<int>((mouse.x - box.min.x) / step), 0, count - 1);
  const bool bars_dragged = box.active && probe.editable;
  if (bars_dragged) {
    if (ImGui::IsItemActivated()) {
      state.dragged = under;
      state.before = value.values[static_cast<std::size_t>(under)];
    }
    const float target = std::clamp((zero - mouse.y) / unit, -state.range, state.range);
    if (state.dragged >= 0 && state.dragged < count && (ImGui::IsItemActivated() || target != state.value))
      edit(ui, probe, state, state.dragged, target);
  } else if (ImGui::IsItemDeactivated() || state.dragged >= 0) {  // the latter where its panel went away meanwhile
    finish_edit(ui, probe, state);
  }
  if (scaled) {  // how high the bars are
    WithFont small(ui.fonts.mono, 0.72f);
    for (const float part : {0.25f, 0.5f, 0.75f, -0.25f, -0.5f, -0.75f}) {
      const float y = std::round(zero - part * state.range * unit);
      if (y > box.max.y - ui.px(8)) continue;
      list->AddLine({box.min.x, y}, {box.max.x, y}, fade(p.faint, 0.6f));
      right_text(list, box.max.x - ui.px(5), y - ImGui::GetTextLineHeight(), p.muted, axis_number(static_cast<double>(part * state.range)).c_str());
    }
  }
  list->AddLine({box.min.x, zero}, {box.max.x, zero}, p.faint);
  for (int i = 0; i < count; ++i) {
    const std::size_t at = static_cast<std::size_t>(i);
    const float x = std::round(box.min.x + (static_cast<float>(i) + 0.5f) * step - bar / 2);
    const float v = state.dragged == i ? state.value : value.values[at];
    const float y = y_of(v);
    const bool lit = state.dragged == i || (box.hovered && under == i && !bars_dragged);
    list->AddRectFilled({x, std::min(y, zero)}, {x + bar, std::max(y, zero)}, lit ? p.pink : p.dream, 1);
    if (at < value.mean.size() && std::isfinite(value.mean[at])) {
      const float mean_y = y_of(value.mean[at]), middle = x + bar / 2;
      if (at < value.deviation.size())
        list->AddLine({middle, y_of(value.mean[at] - value.deviation[at])},
                      {middle, y_of(value.mean[at] + value.deviation[at])}, fade(p.real, 0.75f), ui.px(1));
      list->AddRectFilled({x - 1, mean_y - ui.px(1)}, {x + bar + 1, mean_y + ui.px(1)}, p.real);
    }
  }
  if (box.hovered || bars_dragged) {
    const std::size_t at = static_cast<std::size_t>(bars_dragged && state.dragged >= 0 ? state.dragged : under);
    char line[160];
    int used = std::snprintf(
        line, sizeof line, "element %s: %s", label_of(value, static_cast<int>(at)).c_str(),
        signed_figure(static_cast<double>(state.dragged == static_cast<int>(at) ? state.value : value.values[at]), 3)
            .c_str());
    if (at < value.mean.size() && at < value.deviation.size() && used > 0 && used < 100)
      std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), "   %sμ %s ± σ %.3f",
                    value.labels.empty() ? "frame seen: " : "",
                    signed_figure(static_cast<double>(value.mean[at]), 3).c_str(),
                    static_cast<double>(value.deviation[at]));
    const std::string sentence = probe.caption + "\n" + line;
    bars_dragged ? tip(ui, probe.title.c_str(), sentence.c_str()) : explain(ui, probe, static_cast<int>(at), sentence);
  }
  if (!probe.editable && box.height() > ui.px(40)) {  // how high a full bar is
    WithFont small(ui.fonts.mono, 0.72f);
    right_text(list, box.max.x - ui.px(5), box.min.y + ui.px(2), p.muted,
               ui.figure ? axis_number(static_cast<double>(state.range)).c_str() : short_number(static_cast<double>(state.range)).c_str());
  }
  if (below > 0) draw_sliders(ui, probe, value, state, {size.x, below - ui.px(6)});
}

}  // namespace dream::ui
