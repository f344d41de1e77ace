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

std::string group_of(const std::string& name) {
  return name.substr(0, name.find('/'));
}

std::string group_title(std::string group) {
  if (!group.empty()) group[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(group[0])));
  return group;
}

void draw_group(const Snapshot& snapshot, Ui& ui, const std::string& group) {
  const DreamView& dream = *snapshot.dream;
  for (const std::string& name : dream.probe_names)
    if (group.empty() || group_of(name) == group) ui.wanted_probes.insert(name);

  std::vector<const Probe*> shown;
  for (const Probe& probe : dream.probes)
    if (probe.value && (group.empty() || group_of(probe.name) == group)) shown.push_back(&probe);
  const ImVec2 space = ImGui::GetContentRegionAvail();
  if (shown.empty()) {
    centred_note(
        ui, ImGui::GetCursorScreenPos(),
        {ImGui::GetCursorScreenPos().x + space.x, ImGui::GetCursorScreenPos().y + ui.px(120)},
        dream.ready ? "Waiting for the next step of the dream." : "The mind of the model appears here once it dreams.");
    return;
  }
  const float line = ImGui::GetTextLineHeight() + 2 * ImGui::GetStyle().ItemSpacing.y;
  float least = 0, weight = 0;
  const auto hunger_of = [&](const Probe& probe) {
    Appetite hunger = appetite(*probe.value);
    if (probe.editable && ui.settings.sliders) hunger.least += 110;
    return hunger;
  };
  for (const Probe* probe : shown) {
    const Appetite hunger = hunger_of(*probe);
    least += ui.px(hunger.least) + line + ui.px(6);
    weight += hunger.weight;
  }
  const float spare = std::max(space.y - least, 0.0f);
  for (const Probe* probe : shown) {
    const Appetite hunger = hunger_of(*probe);
    float height = ui.px(hunger.least) + (weight > 0 ? spare * hunger.weight / weight : 0);
    height = std::min(
        height, std::max(ui.px(hunger.least) * 2.4f, ui.px(hunger.least) + space.y * (group.empty() ? 0.12f : 1)));
    header(ui, probe->title, ui.color().text, note_of(*probe));
    tip(ui, probe->title.c_str(), probe->caption.c_str());
    draw_value(ui, *probe, {ImGui::GetContentRegionAvail().x, std::floor(height)});
    ImGui::Dummy({0, ui.px(2)});
  }
}

}  // namespace

void draw_mind(const Snapshot& snapshot, Ui& ui) {
  std::vector<std::string> groups;
  for (const std::string& name : snapshot.dream->probe_names)
    if (std::find(groups.begin(), groups.end(), group_of(name)) == groups.end()) groups.push_back(group_of(name));
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
