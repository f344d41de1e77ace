#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Grows the axis in steps so that it does not breathe with the values.
void grow_range(ViewState& state, const Vector& value) {
  float most = 0;
  for (const float v : value.values) most = std::max(most, std::isfinite(v) ? std::abs(v) : 0.0f);
  for (std::size_t i = 0; i < value.mean.size(); ++i) {
    const float m = std::abs(value.mean[i]);
    if (std::isfinite(m)) most = std::max(most, m);
  }
  while (most > state.range * 1.02f) state.range *= state.range < 6 ? 1.5f : 2.0f;
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

void draw_sliders(Ui& ui, const Probe& probe, const Vector& value, ViewState& state, ImVec2 size) {
  ImGui::BeginChild("sliders", size);
  const int columns = std::max(1, static_cast<int>(size.x / ui.px(150)));
  const float width = size.x / static_cast<float>(columns) - ui.px(8);
  for (int i = 0; i < static_cast<int>(value.values.size()); ++i) {
    if (i % columns) ImGui::SameLine(static_cast<float>(i % columns) * (width + ui.px(8)));
    ImGui::PushID(i);
    ImGui::BeginGroup();
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().muted, "%2s", label_of(value, i).c_str());
    ImGui::SameLine(0, ui.px(4));
    double shown = state.dragged == i ? state.value : value.values[static_cast<std::size_t>(i)];
    const SliderResult moved = slider(ui, "##value", &shown, -state.range, state.range, 0, "%.2f", width - ui.px(80));
    if (moved.began) state.before = value.values[static_cast<std::size_t>(i)];
    if (moved.changed) edit(ui, probe, state, i, static_cast<float>(shown));
    if (moved.ended) finish_edit(ui, probe, state);
    ImGui::SameLine(0, ui.px(4));
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().text, "%+.2f", shown);
    ImGui::EndGroup();
    ImGui::PopID();
  }
  ImGui::EndChild();
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Vector& value, ImVec2 size) {
  const Palette& p = ui.color();
  ViewState& state = ui.views[probe.name];
  grow_range(state, value);
  const int count = static_cast<int>(value.values.size());
  float below = 0;
  if (probe.editable) {
    const bool narrow = size.x < ui.px(215);  // icons alone, then
    if (button(ui, (std::string(icon::dice) + (narrow ? "" : "  randomise") + "###randomise").c_str(), "Randomise",
               "Draw every element anew from N(0, 1): the dream jumps to a random place.", {.small = true}))
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
    if (ui.settings.sliders) below = size.y * 0.6f;
  }
  const Well box = well(ui, "bars", {size.x, size.y - below});
  if (count == 0) {
    centred_note(ui, box.min, box.max, "Empty.");
    return;
  }
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float step = box.width() / static_cast<float>(count), bar = std::max(1.0f, step * 0.66f);
  const float zero = std::round((box.min.y + box.max.y) / 2), unit = (box.height() / 2 - ui.px(4)) / state.range;
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
  } else if (ImGui::IsItemDeactivated()) {
    finish_edit(ui, probe, state);
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
    int used =
        std::snprintf(line, sizeof line, "element %s: %+.3f", label_of(value, static_cast<int>(at)).c_str(),
                      static_cast<double>(state.dragged == static_cast<int>(at) ? state.value : value.values[at]));
    if (at < value.mean.size() && at < value.deviation.size() && used > 0 && used < 100)
      std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), "   encoder μ %+.3f ± σ %.3f",
                    static_cast<double>(value.mean[at]), static_cast<double>(value.deviation[at]));
    tip(ui, probe.title.c_str(), (probe.caption + "\n" + line).c_str());
  }
  if (below > 0) draw_sliders(ui, probe, value, state, {size.x, below - ui.px(6)});
}

}  // namespace dream::ui
