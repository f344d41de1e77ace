// The settings of the run, made from the fields that the engine declares: live ones can be changed now.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/slider.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void change(Ui& ui, const Field& field, const FieldValue& from, const FieldValue& to) {
  const std::string& run = ui.train().run;
  ui.send(SetField{field.key, to, run});
  ui.undoable(field.key, SetField{field.key, from, run}, SetField{field.key, to, run});
}

/// What was typed counts by Enter, and when one goes on to something else.
bool taken(bool entered) {
  return entered || ImGui::IsItemDeactivatedAfterEdit();
}

void draw_number(Ui& ui, const Field& field, float width) {
  const bool whole = std::holds_alternative<std::int64_t>(field.value);
  const auto number = [&](const FieldValue& v) {
    return whole ? static_cast<double>(std::get<std::int64_t>(v)) : std::get<double>(v);
  };
  const auto value_of = [&](double v) -> FieldValue {
    if (whole) return static_cast<std::int64_t>(std::llround(v));
    return v;
  };
  double shown = ui.settle(field.key, number(field.value));
  const bool bounded = std::isfinite(field.low) && std::isfinite(field.high) && field.high > field.low &&
                       (field.logarithmic || field.high - field.low < 1e6);
  if (bounded) {
    const Scale scale{field.low, field.high, field.logarithmic, whole};
    const SliderResult moved = slider(ui, "##value", &shown, scale, number(field.initial), width - ui.px(82));
    if (moved.changed) {
      ui.expect(field.key, shown);
      if (!moved.ended) ui.send(SetField{field.key, value_of(shown), ui.train().run});
    }
    if (moved.ended) change(ui, field, value_of(moved.before), value_of(shown));
    ImGui::SameLine(0, ui.px(6));
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().text, "%7s", whole ? std::to_string(std::llround(shown)).c_str() : short_number(shown).c_str());
  } else {
    ImGui::SetNextItemWidth(width - ui.px(20));
    char text[32];
    std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", shown);
    std::string edited = text;
    constexpr ImGuiInputTextFlags flags = ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CharsScientific;
    if (!taken(ImGui::InputText("##value", &edited, flags)) || edited == text) return;
    char* end = nullptr;
    const double typed = std::strtod(edited.c_str(), &end);
    if (end == edited.c_str() || *end != 0 || !std::isfinite(typed)) return;
    const double wanted = std::clamp(typed, field.low, field.high);
    ui.expect(field.key, wanted);
    change(ui, field, value_of(shown), value_of(wanted));
  }
}

/// What a setting means, and what the recipe has it at where that is something else.
std::string meaning(const Field& field) {
  if (field.value == field.initial) return field.help;
  std::string own;
  if (const bool* on = std::get_if<bool>(&field.initial)) own = *on ? "on" : "off";
  if (const std::string* text = std::get_if<std::string>(&field.initial)) own = *text;
  if (const double* real = std::get_if<double>(&field.initial)) own = short_number(*real);
  if (const std::int64_t* whole = std::get_if<std::int64_t>(&field.initial)) own = std::to_string(*whole);
  return field.help + "\nThe recipe has " + own + " here.";
}

/// A row of the table; in a narrow one the control stands below its name.
void draw_field(Ui& ui, const Field& field, const std::string& why_not, bool narrow, bool under_heading) {
  ImGui::PushID(field.key.c_str());
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  if (!narrow) ImGui::AlignTextToFramePadding();
  const std::string name = under_heading ? field.title : setting_name(field);
  text(field.live ? ui.color().text : ui.color().muted, "%s", name.c_str());
  tip(ui, field.key.c_str(), (meaning(field) + (field.unit.empty() ? "" : " [" + field.unit + "]")).c_str());
  if (!narrow) ImGui::TableNextColumn();
  ImGui::BeginDisabled(!why_not.empty());
  const float width = ImGui::GetContentRegionAvail().x;
  if (const bool* on = std::get_if<bool>(&field.value)) {
    bool value = ui.settle(field.key, *on) > 0.5;
    if (ImGui::Checkbox("##value", &value)) ui.expect(field.key, value), change(ui, field, *on, value);
  } else if (const std::string* string = std::get_if<std::string>(&field.value)) {
    ImGui::SetNextItemWidth(width - ui.px(20));
    if (!field.choices.empty()) {
      if (ImGui::BeginCombo("##value", string->c_str())) {
        for (const std::string& choice : field.choices)
          if (ImGui::Selectable(choice.c_str(), choice == *string)) change(ui, field, *string, choice);
        ImGui::EndCombo();
      }
    } else {
      std::string edited = *string;
      if (taken(ImGui::InputText("##value", &edited, ImGuiInputTextFlags_EnterReturnsTrue)) && edited != *string)
        change(ui, field, *string, edited);
    }
  } else {
    draw_number(ui, field, width);
  }
  ImGui::EndDisabled();
  tip(ui, field.key.c_str(), why_not.empty() ? meaning(field).c_str() : why_not.c_str());
  ImGui::TableNextColumn();
  if (narrow) ImGui::Dummy({0, ImGui::GetTextLineHeight()});
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "%s", field.unit.c_str());
  ImGui::PopID();
}

struct Table {
  const char* id;
  float width, units;
  bool narrow;
  bool under_heading = false;  // which says the part of the key before the dot
};

void draw_table(Ui& ui, const std::vector<const Field*>& fields, const Table& table) {
  if (!ImGui::BeginTable(table.id, table.narrow ? 2 : 3, ImGuiTableFlags_RowBg, {table.width, 0})) return;
  if (!table.narrow) ImGui::TableSetupColumn("key", ImGuiTableColumnFlags_WidthStretch, 0.42f);
  ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch, 0.52f);
  ImGui::TableSetupColumn("unit", ImGuiTableColumnFlags_WidthFixed, table.units);
  const auto why_not = [&](const Field& field) {
    if (field.live) return "";
    if (field.fixed) return "Fixed once the run has begun: a new run can have another value.";
    return ui.train().busy ? "This one cannot change while a phase runs: pause first." : "";
  };
  for (const Field* field : fields) draw_field(ui, *field, why_not(*field), table.narrow, table.under_heading);
  ImGui::EndTable();
}

}  // namespace

void draw_fields(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  if (train.fields.empty()) {
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted, "The settings of a run appear here when it is open for training.");
    ImGui::PopTextWrapPos();
    return;
  }
  std::string& filter = ui.texts["fields/filter"];
  ImGui::SetNextItemWidth(std::min(ImGui::GetContentRegionAvail().x, ui.px(320)));
  ImGui::InputTextWithHint("##filter", ("filter " + std::to_string(train.fields.size()) + " settings …").c_str(),
                           &filter, ImGuiInputTextFlags_EscapeClearsAll);
  tip(ui, "Filter", "Shows the settings whose name or meaning holds this text. Esc empties it.");
  const char* legend =
      "Live ones take effect with the next batch; grey ones are fixed, or change while paused. Ctrl-Z undoes.";
  {
    WithFont small(ui.fonts.text, 0.88f);
    if (ImGui::GetContentRegionAvail().x > ui.px(330) + ImGui::CalcTextSize(legend).x) {
      ImGui::SameLine(0, ui.px(12));
      ImGui::AlignTextToFramePadding();
    }
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted, "%s", legend);
    ImGui::PopTextWrapPos();
  }
  // Live ones first, each group under its heading; then the fixed ones, folded where there are many.
  struct Group {
    std::string name;
    bool live;
    std::vector<const Field*> fields;
  };
  const bool many = train.fields.size() > 16;
  std::vector<Group> groups;
  std::size_t shown = 0;
  for (const bool live : {true, false}) {
    for (const Field& field : train.fields) {
      if (field.live != live || !holds(field.key + " " + field.title + " " + field.help, filter)) continue;
      ++shown;
      const std::string name = many ? group_of(field.key) : "";
      auto found = std::find_if(groups.begin(), groups.end(),
                                [&](const Group& group) { return group.live == live && group.name == name; });
      if (found == groups.end()) found = groups.insert(groups.end(), {name, live, {}});
      found->fields.push_back(&field);
    }
  }
  ImGui::BeginChild("fields");
  if (shown == 0) text(ui.color().muted, "No setting's name or meaning holds “%s”.", filter.c_str());
  const int columns = ImGui::GetContentRegionAvail().x > ui.px(900) ? 2 : 1;
  const float width = ImGui::GetContentRegionAvail().x / static_cast<float>(columns) - ui.px(10);
  float units = ui.px(30);
  for (const Field& field : train.fields) units = std::max(units, ImGui::CalcTextSize(field.unit.c_str()).x + ui.px(6));
  units = std::min(units, ui.px(110));
  const Table look{"", width, units, width < ui.px(340)};
  // Whole groups go into the left column until it holds half of the rows.
  std::size_t placed = 0;
  int column = 0;
  ImGui::BeginGroup();
  for (const Group& group : groups) {
    if (column + 1 < columns && placed * 2 >= shown) {
      ImGui::EndGroup();
      ImGui::SameLine(0, ui.px(20));
      ImGui::BeginGroup();
      ++column;
    }
    placed += group.fields.size();
    const std::string id = (group.live ? "live/" : "fixed/") + group.name;
    Table table = look;
    table.id = id.c_str();
    if (!many) {
      draw_table(ui, group.fields, table);
      continue;
    }
    const std::string title = (group.name.empty() ? "run" : group.name) + (group.live ? "" : " · fixed") + "   " +
                              std::to_string(group.fields.size()) + "###" + id;
    if (!filter.empty()) ImGui::SetNextItemOpen(true);
    ImGui::PushStyleColor(ImGuiCol_Text, group.live ? ui.color().text : ui.color().muted);
    const bool open =
        ImGui::TreeNodeEx(title.c_str(), ImGuiTreeNodeFlags_NoTreePushOnOpen | ImGuiTreeNodeFlags_FramePadding |
                                             (group.live ? ImGuiTreeNodeFlags_DefaultOpen : 0));
    ImGui::PopStyleColor();
    table.under_heading = !group.name.empty();
    if (open) draw_table(ui, group.fields, table);
  }
  ImGui::EndGroup();
  ImGui::EndChild();
}

}  // namespace dream::ui
