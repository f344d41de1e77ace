#include "ui/control_row.h"

#include <algorithm>

#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr const char* dots = "…";

float dots_width() {
  return ImGui::CalcTextSize(dots).x + 2 * ImGui::GetStyle().FramePadding.x;
}

float space_between(const Ui& ui) {
  return ui.px(8);
}

/// How many of them stand in each row; the last one ends `kept` before the others.
std::vector<std::size_t> break_up(const Ui& ui, const std::vector<Control>& controls, float width, int rows,
                                  float kept) {
  std::vector<std::size_t> counts;
  std::size_t next = 0;
  for (int row = 0; row < rows; ++row) {
    float used = row == rows - 1 ? kept : 0;
    const std::size_t first = next;
    for (; next < controls.size(); ++next) {
      const float wide = controls[next].least + (used > 0 ? space_between(ui) : 0);
      if (used + wide > width) break;
      used += wide;
    }
    counts.push_back(next - first);
  }
  return counts;
}

std::size_t sum(const std::vector<std::size_t>& counts) {
  std::size_t all = 0;
  for (const std::size_t count : counts) all += count;
  return all;
}

}  // namespace

int rows_for(const Ui& ui, const std::vector<Control>& controls, float width, int most) {
  int rows = 1;
  while (rows < most && sum(break_up(ui, controls, width, rows, 0)) < controls.size()) ++rows;
  return rows;
}

void control_row(Ui& ui, const char* id, const std::vector<Control>& controls, float width, int rows,
                 const std::function<void()>& more) {
  std::vector<std::size_t> counts = break_up(ui, controls, width, rows, 0);
  const bool hides = more || sum(counts) < controls.size();
  if (hides) counts = break_up(ui, controls, width, rows, dots_width());
  const ImVec2 from = ImGui::GetCursorScreenPos();
  float x = from.x, y = from.y;
  std::size_t next = 0;
  for (std::size_t row = 0; row < counts.size(); ++row) {
    const bool last = row + 1 == counts.size();
    float spare = width - (last && hides ? dots_width() + space_between(ui) : 0), flexible = 0;
    for (std::size_t i = next; i < next + counts[row]; ++i) {
      spare -= controls[i].least + (i > next ? space_between(ui) : 0);
      flexible += controls[i].most - controls[i].least;
    }
    x = from.x, y = from.y + static_cast<float>(row) * (ImGui::GetFrameHeight() + space_between(ui));
    for (const std::size_t end = next + counts[row]; next < end; ++next) {
      const Control& control = controls[next];
      const float grows = control.most - control.least;
      const float wide = control.least + (grows > 0 ? grows * std::clamp(spare / flexible, 0.0f, 1.0f) : 0);
      ImGui::SetCursorScreenPos({x, y});
      control.draw(wide);
      x += wide + space_between(ui);
    }
  }
  if (!hides) return;
  ImGui::SetCursorScreenPos({x, y});
  const std::string popup = std::string("more ") + id;
  if (button(ui, (std::string(dots) + "###" + popup).c_str(), "More", "What has no room here."))
    ImGui::OpenPopup(popup.c_str());
  if (!ImGui::BeginPopup(popup.c_str())) return;
  for (; next < controls.size(); ++next) controls[next].draw(std::min(controls[next].most, ui.px(360)));
  if (more) more();
  ImGui::EndPopup();
}

}  // namespace dream::ui
