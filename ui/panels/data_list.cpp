// The episodes of a dataset as a table.
#include <algorithm>
#include <cmath>

#include "imgui.h"
#include "ui/panels/data.h"
#include "ui/pictures.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

enum DataColumn { picture_column, episode_column, steps_column, return_column, cost_column, notes_column, end_column, data_columns };

/// What is to be known of an episode, in few words.
std::string notes_of(const DataEpisode& e) {
  std::string all;
  const auto say = [&](const std::string& what) { all += (all.empty() ? "" : " · ") + what; };
  if (e.held_out) say("held out");
  if (!e.damage.empty()) say("damaged");
  if (!e.twin.empty()) say("twin of " + e.twin);
  if (e.still > 0) say(e.still == e.steps ? "nothing moves" : counted(e.still, "step stands still", "steps stand still"));
  return all;
}

int compare_episodes(const DataEpisode& a, const DataEpisode& b, std::size_t i, std::size_t j, int column) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  switch (column) {
    case steps_column: return sign(a.steps, b.steps);
    case return_column: return sign(a.reward, b.reward);
    case cost_column: return sign(a.cost, b.cost);
    case end_column: return a.end.compare(b.end);
    case notes_column: return notes_of(a).compare(notes_of(b));
    default: return sign(i, j);
  }
}

/// Sorted anew where the episodes or the column are others.
void sort_episodes(const DataView& data, DataPanel& panel) {
  ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
  const bool resorted = specs && specs->SpecsDirty;
  if (panel.ordered == data.episodes && !resorted) return;
  if (specs) specs->SpecsDirty = false;
  panel.ordered = data.episodes;
  const auto& all = *data.episodes;
  panel.order.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) panel.order[i] = i;
  if (!specs || specs->SpecsCount == 0) return;
  const int column = specs->Specs[0].ColumnIndex;
  const bool down = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  std::stable_sort(panel.order.begin(), panel.order.end(), [&](std::size_t i, std::size_t j) {
    const int order = compare_episodes(all[i], all[j], i, j, column);
    return down ? order > 0 : order < 0;
  });
}

std::size_t place_of(const DataPanel& panel, const std::string& name) {
  const auto& all = *panel.ordered;
  const auto found = std::find_if(panel.order.begin(), panel.order.end(), [&](std::size_t i) { return all[i].name == name; });
  return static_cast<std::size_t>(found - panel.order.begin());
}

/// As everywhere: a click chooses one, Ctrl adds one or takes it away, Shift takes all from where one stood.
void choose(Ui& ui, std::size_t row, bool add, bool range) {
  DataPanel& panel = ui.data;
  const auto& all = *panel.ordered;
  const std::string name = all[panel.order[row]].name;
  if (range && !panel.anchor.empty()) {
    const auto from = place_of(panel, panel.anchor);
    if (!add) panel.selected.clear();
    for (auto i = std::min(from, row); i <= std::max(from, row) && i < panel.order.size(); ++i) panel.selected.insert(all[panel.order[i]].name);
  } else if (add) {
    if (panel.selected.erase(name) == 0) panel.selected.insert(name);
    panel.anchor = name;
  } else {
    panel.selected = {name};
    panel.anchor = name;
  }
  if (panel.current != name) look_at_data(ui, name);
}

/// Arrows, Home and End go from one episode to another; Ctrl-A, Esc and Del.
void take_keys(const DataView& data, Ui& ui) {
  DataPanel& panel = ui.data;
  const ImGuiIO& io = ImGui::GetIO();
  if (!data_takes_keys(ui) || io.WantTextInput || panel.order.empty()) return;
  const auto pressed = [](ImGuiKey key) { return ImGui::IsKeyPressed(key); };
  const auto last = panel.order.size() - 1;
  const auto now = std::min(place_of(panel, panel.current), last);
  auto next = now;
  if (pressed(ImGuiKey_DownArrow)) next = std::min(now + 1, last);
  if (pressed(ImGuiKey_UpArrow)) next = now - std::min<std::size_t>(now, 1);
  if (pressed(ImGuiKey_Home)) next = 0;
  if (pressed(ImGuiKey_End)) next = last;
  if (next != now) choose(ui, next, false, io.KeyShift), panel.scroll = true;
  if (pressed(ImGuiKey_Enter) || pressed(ImGuiKey_KeypadEnter)) panel.view = DataPanel::View::episode;
  if (pressed(ImGuiKey_A) && io.KeyCtrl)
    for (const auto& e : *data.episodes) panel.selected.insert(e.name);
  if (pressed(ImGuiKey_Escape)) panel.selected.clear(), panel.ask = DataPanel::Ask::nothing;
  if (pressed(ImGuiKey_Delete) && !panel.selected.empty() && data.fixed.empty() && why_no_edit(data).empty()) panel.ask = DataPanel::Ask::remove;
}

void cell_text(ImU32 colour, const std::string& words) {
  text(colour, "%s", fitted(words, std::max(ImGui::GetContentRegionAvail().x, 1.0f)).c_str());
}

std::string about(const DataEpisode& e, bool costs) {
  if (!e.damage.empty()) return e.damage;
  if (!e.read) return "It has not been read yet.";
  std::string all = counted(e.steps, "step") + ", return " + short_number(e.reward);
  if (costs) all += ", cost " + short_number(e.cost);
  if (!e.end.empty()) all += ", " + e.end;
  if (e.held_out) all += "\nHeld out: nobody learns from it.";
  if (!e.twin.empty()) all += "\nThe same observations and actions as " + e.twin + ".";
  if (e.still > 0) all += "\n" + counted(e.still, "step changes", "steps change") + " nothing that is seen.";
  return all;
}

void draw_episode_row(const DataView& data, Ui& ui, std::size_t row, float high) {
  const Palette& p = ui.color();
  DataPanel& panel = ui.data;
  const DataEpisode& e = (*data.episodes)[panel.order[row]];
  const float down = (high - ImGui::GetTextLineHeight()) / 2;
  ImGui::TableNextRow(0, high);
  const auto next = [&] {
    const bool seen = ImGui::TableNextColumn();
    ImGui::SetCursorPosY(ImGui::GetCursorPosY() + down);
    return seen;
  };
  ImGui::TableNextColumn();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float room = ImGui::GetContentRegionAvail().x;
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ImGui::GetStyle().ItemSpacing.x, 0});
  const ImGuiIO& io = ImGui::GetIO();
  constexpr auto whole_row = ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowDoubleClick;
  if (ImGui::Selectable(("###" + e.name).c_str(), panel.selected.contains(e.name), whole_row, {0, high})) {
    choose(ui, row, io.KeyCtrl, io.KeyShift);
    if (ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left) && !io.KeyCtrl && !io.KeyShift) panel.view = DataPanel::View::episode;
  }
  ImGui::PopStyleVar();
  tip(ui, e.name.c_str(), about(e, data.costs).c_str());
  if (e.name == panel.current) ImGui::GetWindowDrawList()->AddRectFilled(at, {at.x + ui.px(3), at.y + high}, p.dream);
  if (e.thumbnail) {
    const float scale = std::min((room - ui.px(6)) / static_cast<float>(e.thumbnail->width), (high - ui.px(2)) / static_cast<float>(e.thumbnail->height));
    const ImVec2 size{static_cast<float>(e.thumbnail->width) * scale, static_cast<float>(e.thumbnail->height) * scale};
    const ImVec2 from{at.x + room - size.x, at.y + (high - size.y) / 2};
    draw_image(ui, "data/thumb/" + e.name, e.thumbnail, from, {from.x + size.x, from.y + size.y});
  }
  next();
  const bool warned = !e.twin.empty() || !e.damage.empty() || (e.still > 0 && e.still == e.steps);
  const bool noted = ImGui::TableGetColumnFlags(notes_column) & ImGuiTableColumnFlags_IsEnabled;  // else the name warns
  cell_text(warned && !noted ? p.warning : e.held_out ? p.muted : p.text, e.name);
  next();
  cell_text(p.text, e.read ? with_separators(e.steps) : "…");
  next();
  cell_text(p.text, e.read ? short_number(e.reward) : "…");
  if (next()) cell_text(p.text, e.read ? short_number(e.cost) : "…");
  if (next()) cell_text(warned ? p.warning : p.muted, notes_of(e));
  if (next()) cell_text(p.muted, e.end);
}

}  // namespace

void draw_data_list(const DataView& data, Ui& ui, ImVec2 size) {
  DataPanel& panel = ui.data;
  ImGui::PushStyleVar(ImGuiStyleVar_CellPadding, {ui.px(4), ui.px(1)});
  if (ImGui::BeginTable("episodes", data_columns,
                        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable | ImGuiTableFlags_SortTristate |
                            ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_NoBordersInBody,
                        size)) {
    ImGui::TableSetupScrollFreeze(0, 1);
    struct Head {
      const char *name, *help;
      float share;
      ImGuiTableColumnFlags flags;
    };
    constexpr ImGuiTableColumnFlags down = ImGuiTableColumnFlags_PreferSortDescending;
    const bool pictures = data.spaces.image_bytes() > 0;
    const auto shown_if = [](bool so) { return so ? 0 : ImGuiTableColumnFlags_Disabled; };
    const Head heads[] = {
        {"##picture", "A frame from its middle.", ui.px(pictures ? 44.0f : 6.0f), ImGuiTableColumnFlags_WidthFixed | ImGuiTableColumnFlags_NoSort},
        {"episode", "As its file calls it. A click shows it; Ctrl and Shift choose several.", 1.5f, 0},
        {"steps", "How long it is.", 0.9f, down},
        {"return", "The sum of its rewards.", 1, down},
        {"cost", "The sum of its costs.", 0.9f, down | shown_if(data.costs)},
        {"notes", "Held out; a twin of an earlier episode; steps that change nothing that is seen.", 2.2f, down | shown_if(size.x > ui.px(330))},
        {"end", "Terminated: the world ended it. Truncated: it was cut.", 1.1f, shown_if(size.x > ui.px(440))}};
    for (const Head& head : heads) ImGui::TableSetupColumn(head.name, head.flags, head.share);
    ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
    for (const Head& head : heads) {
      if (!ImGui::TableNextColumn()) continue;
      ImGui::TableHeader(head.name);
      tip(ui, head.name[0] == '#' ? "picture" : head.name, head.help);
    }
    sort_episodes(data, panel);
    const float high = pictures ? ui.px(36) : ImGui::GetTextLineHeight() + ui.px(4), whole = high + 2 * ImGui::GetStyle().CellPadding.y;
    if (std::exchange(panel.scroll, false)) {
      const float top = static_cast<float>(place_of(panel, panel.current)) * whole, room = size.y - 2 * whole, at = ImGui::GetScrollY();
      if (top < at) ImGui::SetScrollY(top);
      if (top > at + room) ImGui::SetScrollY(top - room);
    }
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(panel.order.size()), whole);
    while (clipper.Step())
      for (int row = clipper.DisplayStart; row < clipper.DisplayEnd; ++row) draw_episode_row(data, ui, static_cast<std::size_t>(row), high);
    ImGui::EndTable();
    take_keys(data, ui);
  }
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
