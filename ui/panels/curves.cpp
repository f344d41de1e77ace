// Every curve of the run, large, each with the shipped run's behind it.
#include <algorithm>
#include <cmath>

#include "ui/panel_list.h"
#include "ui/plots.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_curves(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  const ImVec2 space = ImGui::GetContentRegionAvail();
  if (train.curves.empty()) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    centred_note(ui, at, {at.x + space.x, at.y + space.y},
                 train.open ? "Curves appear with the first steps of training (F5)."
                            : "Open a run for training, or start a new one in the Runs panel.");
    return;
  }
  const int count = static_cast<int>(train.curves.size());
  const int columns = count == 1 || space.x < ui.px(400) ? 1 : count > 6 && space.x > ui.px(1100) ? 3 : 2;
  const int rows = (count + columns - 1) / columns;
  const float gap = ui.px(18), width = (space.x - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  const float line = ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  const float height = std::max(ui.px(120), space.y / static_cast<float>(rows) - line - ui.px(12));
  const ImU32 colours[] = {ui.color().real, ui.color().dream, ui.color().blue};
  for (int i = 0; i < count; ++i) {
    const CurveView& curve = train.curves[static_cast<std::size_t>(i)];
    if (i % columns) ImGui::SameLine(0, gap);
    ImGui::PushID(curve.name.c_str());
    ImGui::BeginGroup();
    std::string note = curve.y.empty() ? "not begun" : short_number(curve.y.back()) + " " + curve.unit;
    header(ui, curve.title, ui.color().text, note, width);
    CurveLook look;
    look.colour = colours[i % 3];
    look.x_unit = curve.x_unit.c_str(), look.y_unit = curve.unit.c_str();
    look.reference_x = &curve.reference_x, look.reference_y = &curve.reference_y;
    look.has_floor = curve.has_floor, look.floor = curve.floor, look.floor_label = curve.floor_label.c_str();
    look.axes = true;
    draw_curve(ui, "##plot", curve.x, curve.y, {width, height}, look);
    ImGui::Dummy({0, ui.px(4)});
    ImGui::EndGroup();
    ImGui::PopID();
  }
}

}  // namespace dream::ui
