// What a lesson points at, and what it holds still.
#include <algorithm>
#include <cmath>

#include "imgui_internal.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/things.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {

const std::string& Lessons::mark(const Ui& ui, const std::string& title) {
  static const std::string none;
  if (marks_.empty()) return none;
  const auto found = marks_.find(title);
  if (found == marks_.end() || ImGui::GetCurrentWindow()->SkipItems) return none;
  Mark& mark = found->second;
  constexpr int tries = 30;  // what stands above it may still grow
  if (mark.pointed && mark.brought < tries && !ImGui::IsItemVisible()) ++mark.brought, ImGui::ScrollToItem(ImGuiScrollFlags_KeepVisibleCenterY);
  if (!ImGui::IsItemVisible()) return none;
  ImRect seen(ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
  seen.ClipWith(ImGui::GetCurrentWindow()->ClipRect);  // and not what scrolled out below another panel
  mark.min = seen.Min, mark.max = seen.Max;
  mark.seen = ImGui::GetFrameCount();
  if (!mark.locked.empty())
    ImGui::GetWindowDrawList()->AddRectFilled(mark.min, mark.max, fade(ui.color().panel, 0.65f), ui.px(4));
  return mark.locked;
}

bool Lessons::seen(const std::string& title) const {
  const auto found = marks_.find(title);
  return found != marks_.end() && found->second.seen >= ImGui::GetFrameCount() - 1;
}

ImVec2 Lessons::middle_of(const std::string& title) const {
  const Mark& mark = marks_.at(title);
  return {(mark.min.x + mark.max.x) / 2, (mark.min.y + mark.max.y) / 2};
}

/// Whether a control that the step points at has no room on the screen: it is behind the button with the dots.
bool Lessons::points_behind() const {
  return std::ranges::any_of(now().point, [&](const std::string& name) {
    const Thing* thing = find_thing(name);
    return thing && !thing->titles.empty() &&
           std::ranges::none_of(thing->titles, [&](const std::string& title) { return seen(title); });
  });
}

void Lessons::draw_marks(Ui& ui) const {
  if (at_ < 0 || missing().empty()) return;
  const float pulse = 0.5f + 0.5f * static_cast<float>(std::sin(ui.time * 3.5));
  ImDrawList* list = ImGui::GetForegroundDrawList();
  const auto outline = [&](ImVec2 min, ImVec2 max) {
    const float out = ui.px(3 + 2 * pulse);
    list->AddRect({min.x - out, min.y - out}, {max.x + out, max.y + out}, fade(ui.color().pink, 0.45f + 0.55f * pulse),
                  ui.px(6), 0, ui.px(2.5f));
  };
  for (const auto& [title, mark] : marks_) {
    if (!mark.pointed && !(title == behind_more && points_behind())) continue;
    if (seen(title)) outline(mark.min, mark.max);
    const Panel* panel = find_panel(title);
    const ImGuiWindow* window = panel ? ImGui::FindWindowByName(window_name(*panel).c_str()) : nullptr;
    if (!window || !window->WasActive || window->Hidden) continue;
    const float in = ui.px(7);
    outline({window->Pos.x + in, window->Pos.y + in},
            {window->Pos.x + window->Size.x - in, window->Pos.y + window->Size.y - in});
  }
}

}  // namespace dream::ui
