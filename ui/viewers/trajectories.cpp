#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/plots.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr int most_drawn = 200;  // candidates; more would be one grey area

}  // namespace

/// One strip per axis of the action, time from left to right: candidates in grey, elites in the dream's colour, the
/// plan on top.
void draw_viewer(Ui& ui, const Probe& probe, const Trajectories& value, ImVec2 size) {
  const std::size_t length = static_cast<std::size_t>(std::max(value.steps, 0)) * std::max(value.axes, 0);
  const std::size_t count = static_cast<std::size_t>(std::max(value.count, 0));
  if (length == 0 || count == 0 || value.actions.size() != length * count || value.scores.size() != count ||
      value.elite.size() != count || (!value.chosen.empty() && value.chosen.size() != length)) {
    const Well box = well(ui, "trajectories", size);
    centred_note(ui, box.min, box.max, "No candidates.");
    return;
  }
  const Palette& p = ui.color();
  const auto [worst, best] = std::minmax_element(value.scores.begin(), value.scores.end());
  const auto elites = std::count_if(value.elite.begin(), value.elite.end(), [](std::uint8_t e) { return e != 0; });
  {  // the legend, in the colours of the lines
    WithFont small(ui.fonts.text, 0.85f);
    char best_score[48];
    std::snprintf(best_score, sizeof best_score, "best return %s", short_number(static_cast<double>(*best)).c_str());
    const float right = ImGui::GetCursorPosX() + size.x;
    text(p.text, "plan");
    ImGui::SameLine(0, ui.px(12));
    text(p.dream, "%d elites", static_cast<int>(elites));
    ImGui::SameLine(0, ui.px(12));
    text(p.grey, "candidates");
    const float wide = ImGui::CalcTextSize(best_score).x;
    ImGui::SameLine(0, ui.px(12));
    if (ImGui::GetCursorPosX() + wide <= right) {
      ImGui::SetCursorPosX(right - wide);
      text(p.muted, "%s", best_score);
    } else {
      ImGui::NewLine();
    }
    size.y -= ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  }
  const Well box = well(ui, "trajectories", size);
  float low = -1, high = 1;
  for (const float a : value.actions) {
    if (!std::isfinite(a)) continue;
    low = std::min(low, a);
    high = std::max(high, a);
  }
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(box.min, box.max, true);
  const float strip = box.height() / static_cast<float>(value.axes), pad = ui.px(4);
  const float step = (box.width() - 2 * pad) / static_cast<float>(std::max(value.steps - 1, 1));
  static thread_local std::vector<ImVec2> points;
  const auto line_of = [&](const float* actions, int axis, ImU32 colour, float width) {
    points.clear();
    const float top = box.min.y + strip * static_cast<float>(axis) + pad, room = strip - 2 * pad;
    for (int t = 0; t < value.steps; ++t) {
      const float a = actions[static_cast<std::size_t>(t) * value.axes + axis];
      const float share = std::isfinite(a) ? (a - low) / (high - low) : 0.5f;
      points.push_back({box.min.x + pad + step * static_cast<float>(t), top + room * (1 - share)});
    }
    if (points.size() == 1) points.push_back({points[0].x + ui.px(6), points[0].y});
    list->AddPolyline(points.data(), static_cast<int>(points.size()), colour, 0, width);
  };
  const std::size_t stride = (count + most_drawn - 1) / most_drawn;
  for (int axis = 0; axis < value.axes; ++axis) {
    for (const bool elite : {false, true}) {
      for (std::size_t i = 0; i < count; i += elite ? 1 : stride) {
        if ((value.elite[i] != 0) != elite) continue;
        line_of(value.actions.data() + i * length, axis, fade(elite ? p.dream : p.grey, elite ? 0.8f : 0.16f),
                ui.px(1));
      }
    }
    const float top = box.min.y + strip * static_cast<float>(axis);
    const float zero = top + pad + (strip - 2 * pad) * (1 - (0 - low) / (high - low));
    list->AddLine({box.min.x, zero}, {box.max.x, zero}, p.faint);
    if (!value.chosen.empty()) line_of(value.chosen.data(), axis, p.text, ui.px(2));
    if (axis > 0) list->AddLine({box.min.x, top}, {box.max.x, top}, p.border);
    const auto index = static_cast<std::size_t>(axis);
    if (index < value.labels.size()) {
      WithFont small(ui.fonts.text, 0.8f);
      list->AddText({box.min.x + pad, top + ui.px(2)}, p.muted, value.labels[index].c_str());
    }
  }
  list->PopClipRect();
  if (!box.hovered) return;
  char line[160];
  std::snprintf(line, sizeof line, "%d candidates of %d steps, %d elites; predicted return %.3f to %.3f", value.count,
                value.steps, static_cast<int>(elites), static_cast<double>(*worst), static_cast<double>(*best));
  tip(ui, probe.title.c_str(), (probe.caption + "\n" + line).c_str());
}

}  // namespace dream::ui
