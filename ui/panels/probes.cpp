// Every probe that the model offers, side by side, for whoever looks for what went wrong.
#include <algorithm>
#include <cmath>

#include "ui/panel_list.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Cell {
  const Probe* probe = nullptr;
  int column = 0;
  float height = 0;  // of the viewer, at its least
};

}  // namespace

void draw_probes(const Snapshot& snapshot, Ui& ui) {
  const DreamView& dream = *snapshot.dream;
  const TrainView& train = *snapshot.train;
  std::vector<Cell> cells;
  for (const std::string& name : dream.probe_names)
    if (const Probe* there = wanted_probe(ui, dream, name)) cells.push_back({there});
  ui.wanted_probes.insert(train.probe_names.begin(), train.probe_names.end());
  for (const Probe& probe : train.probes)
    if (probe.value) cells.push_back({&probe});
  header(ui, "Probes", ui.color().text,
         std::to_string(cells.size()) + " values: of the dream" + (train.probes.empty() ? "" : ", of the batch"));
  const ImVec2 space = ImGui::GetContentRegionAvail();
  if (cells.empty()) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    centred_note(ui, at, {at.x + space.x, at.y + std::min(space.y, ui.px(120))},
                 dream.ready ? "Waiting for the next step of the dream." : "No dream yet: open a run (Ctrl-O).");
    return;
  }
  ImGui::BeginChild("grid", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
  const float wide = ImGui::GetContentRegionAvail().x, gap = ui.px(18);
  const float above = ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y, below = ui.px(12);
  const int columns = std::clamp(static_cast<int>(wide / ui.px(300)), 1, static_cast<int>(cells.size()));
  const float width = (wide - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  // Each into the column that is shortest so far; then all grow by one factor while there is room.
  std::vector<float> filled(static_cast<std::size_t>(columns), 0), fixed(filled);
  for (Cell& cell : cells) {
    const auto shortest = std::min_element(filled.begin(), filled.end());
    cell.column = static_cast<int>(shortest - filled.begin());
    cell.height = height_wish(ui, *cell.probe, width).least;
    *shortest += cell.height + above + below;
    fixed[static_cast<std::size_t>(cell.column)] += above + below;
  }
  float growth = 2.5f;
  for (std::size_t i = 0; i < filled.size(); ++i)
    if (filled[i] > fixed[i]) growth = std::min(growth, (space.y - fixed[i] - ui.px(2)) / (filled[i] - fixed[i]));
  growth = std::max(growth, 1.0f);
  const ImVec2 origin = ImGui::GetCursorPos();
  std::fill(filled.begin(), filled.end(), 0.0f);
  for (const Cell& cell : cells) {
    float& top = filled[static_cast<std::size_t>(cell.column)];
    ImGui::SetCursorPos({origin.x + static_cast<float>(cell.column) * (width + gap), origin.y + top});
    const float height = std::floor(cell.height * growth);
    ImGui::BeginGroup();
    header(ui, cell.probe->title, ui.color().text, note_of(*cell.probe), width);
    tip(ui, cell.probe->title.c_str(), (cell.probe->name + "\n" + cell.probe->caption).c_str());
    draw_value(ui, *cell.probe, {width, height});
    ImGui::EndGroup();
    top += height + above + below;
  }
  ImGui::SetCursorPos({origin.x, origin.y + *std::max_element(filled.begin(), filled.end())});
  ImGui::Dummy({1, 1});
  ImGui::EndChild();
}

}  // namespace dream::ui
