// What goes on inside: one tab per group of probes (the part of the name before the slash), and a first tab with
// everything. Only the probes of the visible tab are asked for.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "ui/panel_list.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

std::string probe_group(const std::string& name) {
  return name.substr(0, name.find('/'));
}

std::string group_title(std::string group) {
  if (!group.empty()) group[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(group[0])));
  return group;
}

void draw_group(const Snapshot& snapshot, Ui& ui, const std::string& group) {
  const DreamView& dream = *snapshot.dream;
  std::vector<const Probe*> shown;
  for (const std::string& name : dream.probe_names) {
    if (!group.empty() && probe_group(name) != group) continue;
    if (const Probe* there = wanted_probe(ui, dream, name)) shown.push_back(there);
  }
  const ImVec2 space = ImGui::GetContentRegionAvail();
  if (shown.empty()) {
    centred_note(
        ui, ImGui::GetCursorScreenPos(),
        {ImGui::GetCursorScreenPos().x + space.x, ImGui::GetCursorScreenPos().y + ui.px(120)},
        dream.ready ? "Waiting for the next step of the dream." : "The mind of the model appears here once it dreams.");
    return;
  }
  // Two that need half of the width each share a row; all then share what height is left.
  struct Row {
    std::vector<const Probe*> probes;
    HeightWish wish;
  };
  std::vector<Row> rows;
  for (const Probe* probe : shown) {
    const HeightWish wish = height_wish(ui, *probe, space.x);
    if (!rows.empty() && wish.half && rows.back().wish.half && rows.back().probes.size() == 1) {
      Row& last = rows.back();
      last.probes.push_back(probe);
      last.wish.least = std::max(last.wish.least, wish.least);
    } else {
      rows.push_back({{probe}, wish});
    }
  }
  const float line = ImGui::GetTextLineHeight() + 2 * ImGui::GetStyle().ItemSpacing.y, gap = ui.px(14);
  float least = 0, weight = 0;
  for (const Row& row : rows) {
    least += row.wish.least + line + ui.px(6);
    weight += row.wish.weight;
  }
  const float spare = std::max(space.y - least, 0.0f), wide = ImGui::GetContentRegionAvail().x;
  for (const Row& row : rows) {
    const float needed = row.wish.least;
    float height = needed + (weight > 0 ? spare * row.wish.weight / weight : 0);
    height = std::min(height, std::max(needed * 2.4f, needed + space.y * (group.empty() ? 0.12f : 1)));
    const float width = row.probes.size() == 1 ? wide : (wide - gap) / 2;
    for (std::size_t i = 0; i < row.probes.size(); ++i) {
      const Probe& probe = *row.probes[i];
      if (i > 0) ImGui::SameLine(0, gap);
      ImGui::BeginGroup();
      header(ui, probe.title, ui.color().text, note_of(probe), width);
      tip(ui, probe.title.c_str(), probe.caption.c_str());
      draw_value(ui, probe, {width, std::floor(height)});
      ImGui::EndGroup();
    }
    ImGui::Dummy({0, ui.px(2)});
  }
}

}  // namespace

void draw_mind(const Snapshot& snapshot, Ui& ui) {
  std::vector<std::string> groups;
  for (const std::string& name : snapshot.dream->probe_names)
    if (std::find(groups.begin(), groups.end(), probe_group(name)) == groups.end()) groups.push_back(probe_group(name));
  if (!ImGui::BeginTabBar("mind")) return;
  const auto tab = [&](const std::string& title, const std::string& group) {
    if (!ImGui::BeginTabItem(title.c_str())) return;
    ImGui::BeginChild("content", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
    draw_group(snapshot, ui, group);
    ImGui::EndChild();
    ImGui::EndTabItem();
  };
  tab("Mind###all", "");
  for (const std::string& group : groups) tab(group_title(group) + "###" + group, group);
  ImGui::EndTabBar();
}

}  // namespace dream::ui
