// The settings of the run, made from the fields that the engine declares: live ones can be changed now.
#include <algorithm>
#include <cmath>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void change(Ui& ui, const Field& field, const FieldValue& from, const FieldValue& to) {
  ui.send(SetField{field.key, to});
  ui.undoable(field.key, SetField{field.key, from}, SetField{field.key, to});
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
  ViewState& state = ui.views["field/" + field.key];
  const bool bounded = std::isfinite(field.low) && std::isfinite(field.high) && field.high > field.low &&
                       (field.logarithmic ? field.low > 0 : field.high - field.low < 1e6);
  if (bounded) {
    const char* format = whole ? "%.0f" : field.logarithmic ? "%.2e" : "%.4g";
    const SliderResult moved = slider(ui, "##value", &shown, field.low, field.high, number(field.initial), format,
                                      width - ui.px(96), field.logarithmic);
    if (moved.began) state.before = static_cast<float>(number(field.value));
    if (whole) shown = std::round(shown);
    if (moved.changed) {
      ui.expect(field.key, shown);
      if (!moved.ended) ui.send(SetField{field.key, value_of(shown)});
    }
    if (moved.ended) change(ui, field, value_of(static_cast<double>(state.before)), value_of(shown));
    ImGui::SameLine(0, ui.px(6));
    ImGui::AlignTextToFramePadding();
    mono(ui, ui.color().text, "%9s", whole ? std::to_string(std::llround(shown)).c_str() : short_number(shown).c_str());
  } else {
    ImGui::SetNextItemWidth(width - ui.px(20));
    const double before = shown;
    if (ImGui::InputDouble("##value", &shown, 0, 0, whole ? "%.0f" : "%.6g", ImGuiInputTextFlags_EnterReturnsTrue)) {
      shown = std::clamp(shown, field.low, field.high);
      ui.expect(field.key, shown);
      change(ui, field, value_of(before), value_of(shown));
    }
  }
}

/// A row of the table; in a narrow one the control stands below its name.
void draw_field(Ui& ui, const Field& field, const std::string& why_not, bool narrow) {
  ImGui::PushID(field.key.c_str());
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  if (!narrow) ImGui::AlignTextToFramePadding();
  text(field.live ? ui.color().text : ui.color().muted, "%s", field.key.c_str());
  tip(ui, field.key.c_str(), (field.help + (field.unit.empty() ? "" : " [" + field.unit + "]")).c_str());
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
      if (ImGui::InputText("##value", &edited, ImGuiInputTextFlags_EnterReturnsTrue))
        change(ui, field, *string, edited);
    }
  } else {
    draw_number(ui, field, width);
  }
  ImGui::EndDisabled();
  tip(ui, field.key.c_str(), why_not.empty() ? field.help.c_str() : why_not.c_str());
  ImGui::TableNextColumn();
  if (narrow) ImGui::Dummy({0, ImGui::GetTextLineHeight()});
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "%s", field.unit.c_str());
  ImGui::PopID();
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
  {
    WithFont small(ui.fonts.text, 0.88f);
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted,
         "Live settings take effect with the next batch; grey ones when their phase starts. Ctrl-Z undoes.");
    ImGui::PopTextWrapPos();
  }
  const int columns = ImGui::GetContentRegionAvail().x > ui.px(900) ? 2 : 1;
  const bool busy = train.busy;
  ImGui::BeginChild("fields");
  std::vector<const Field*> order;
  for (const Field& field : train.fields)
    if (field.live) order.push_back(&field);
  for (const Field& field : train.fields)
    if (!field.live) order.push_back(&field);
  const std::size_t per = (order.size() + static_cast<std::size_t>(columns) - 1) / static_cast<std::size_t>(columns);
  const float width = ImGui::GetContentRegionAvail().x / static_cast<float>(columns) - ui.px(10);
  float units = ui.px(30);
  for (const Field* field : order) units = std::max(units, ImGui::CalcTextSize(field->unit.c_str()).x + ui.px(6));
  units = std::min(units, ui.px(110));
  for (int c = 0; c < columns; ++c) {
    if (c) ImGui::SameLine(0, ui.px(20));
    const bool narrow = width < ui.px(340);
    if (ImGui::BeginTable(c ? "right" : "left", narrow ? 2 : 3, ImGuiTableFlags_RowBg, {width, 0})) {
      if (!narrow) ImGui::TableSetupColumn("key", ImGuiTableColumnFlags_WidthStretch, 0.38f);
      ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch, 0.52f);
      ImGui::TableSetupColumn("unit", ImGuiTableColumnFlags_WidthFixed, units);
      const std::size_t from = per * static_cast<std::size_t>(c), to = std::min(order.size(), from + per);
      for (std::size_t i = from; i < to; ++i)
        draw_field(ui, *order[i],
                   !order[i]->live && busy ? "This one cannot change while a phase runs: pause first." : "", narrow);
      ImGui::EndTable();
    }
  }
  ImGui::EndChild();
}

}  // namespace dream::ui
