// Every curve of the run, large, grouped by the part of its name before the slash, each with the shipped run's behind
// it.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "ui/panel_list.h"
#include "ui/plots.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Group {
  std::string name;
  std::vector<const CurveView*> curves;
};

std::vector<Group> grouped(const std::vector<CurveView>& curves) {
  std::vector<Group> groups;
  for (const CurveView& curve : curves) {
    std::string name = curve.name.substr(0, curve.name.find('/'));
    auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) { return group.name == name; });
    if (found == groups.end()) found = groups.insert(groups.end(), {std::move(name), {}});
    found->curves.push_back(&curve);
  }
  return groups;
}

void draw_one(Ui& ui, const CurveView& curve, ImU32 colour, ImVec2 size) {
  ImGui::PushID(curve.name.c_str());
  ImGui::BeginGroup();
  // The figure stands whole; the title is cut first, and the tooltip has it.
  const std::string note = curve.y.empty() ? "not begun" : short_number(curve.y.back()) + " " + curve.unit;
  float figure = 0;
  {
    WithFont small(ui.fonts.text, 0.88f);
    figure = ImGui::CalcTextSize(note.c_str()).x + ui.px(14);
  }
  std::string title;
  {
    WithFont bold(ui.fonts.bold, 0.96f);
    title = fitted(curve.title, size.x - figure);
  }
  header(ui, title, ui.color().text, note, size.x);
  std::string meaning = curve.name + (curve.unit.empty() ? "" : ", " + curve.unit) + " over " + curve.x_unit + "s.";
  if (curve.has_floor)
    meaning += " Dashed: " + curve.floor_label + ", " + short_number(curve.floor) + " " + curve.unit + ".";
  if (!curve.reference_y.empty()) meaning += " Grey: the shipped run, what normal looks like.";
  tip(ui, curve.title.c_str(), meaning.c_str());
  if (curve.y.empty() && curve.reference_y.empty()) {
    const Well box = well(ui, "##none", size);
    centred_note(ui, box.min, box.max, "Not begun.");
  } else {
    CurveLook look;
    look.colour = colour;
    look.x_unit = curve.x_unit.c_str(), look.y_unit = curve.unit.c_str();
    look.reference_x = &curve.reference_x, look.reference_y = &curve.reference_y;
    look.has_floor = curve.has_floor, look.floor = curve.floor, look.floor_label = curve.floor_label.c_str();
    look.axes = look.may_log = true;
    draw_curve(ui, "##plot", curve.x, curve.y, size, look);
  }
  ImGui::Dummy({0, ui.px(4)});
  ImGui::EndGroup();
  ImGui::PopID();
}

}  // namespace

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
  // A few fill the panel; many scroll, under the headings of their groups.
  const int count = static_cast<int>(train.curves.size());
  std::vector<Group> groups = grouped(train.curves);
  const bool headings = count > 6 && groups.size() > 1;
  if (!headings) {
    for (std::size_t i = 1; i < groups.size(); ++i)
      groups[0].curves.insert(groups[0].curves.end(), groups[i].curves.begin(), groups[i].curves.end());
    groups.resize(1);
  }
  ImGui::BeginChild("curves", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
  const float wide = ImGui::GetContentRegionAvail().x, gap = ui.px(18);
  const int columns = count == 1 ? 1 : std::clamp(static_cast<int>(wide / ui.px(230)), 1, count > 6 ? 4 : 2);
  const float width = (wide - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  const float line = ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  const int rows = (count + columns - 1) / columns;
  const float height = std::max(ui.px(120), space.y / static_cast<float>(rows) - line - ui.px(20));
  const ImU32 colours[] = {ui.color().real, ui.color().dream, ui.color().blue};
  std::size_t drawn = 0;
  for (Group& group : groups) {
    if (headings) {
      group.name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(group.name[0])));
      header(ui, group.name, ui.color().muted, std::to_string(group.curves.size()) + " curves", wide);
    }
    for (std::size_t i = 0; i < group.curves.size(); ++i) {
      if (i % static_cast<std::size_t>(columns)) ImGui::SameLine(0, gap);
      draw_one(ui, *group.curves[i], colours[drawn++ % 3], {width, height});
    }
  }
  ImGui::EndChild();
}

}  // namespace dream::ui
