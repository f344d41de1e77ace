// What an answer rests on: what was found, every figure as a small multiple, and the numbers that had no room beside it.
#include <algorithm>
#include <cmath>

#include "ui/lab.h"
#include "ui/panel_list.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// A figure in little. A click makes it the large one; the mouse does nothing else here.
void draw_tile(Ui& ui, const LabAnswer& answer, const LabFigure& figure, bool large, ImVec2 size) {
  const Palette& p = ui.color();
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + size.x, min.y + size.y};
  ImGui::PushID(figure.name.c_str());
  if (ImGui::InvisibleButton("tile", size)) ui.lab.figure[answer.question] = figure.name;
  const bool hovered = ImGui::IsItemHovered();
  tip(ui, figure.title.c_str(), (figure.caption + (large ? "" : "\nClick: large, in the middle.")).c_str());
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float pad = ui.px(7);
  list->AddRectFilled(min, max, p.well, ui.px(6));
  {
    WithFont small(ui.fonts.text, 0.84f);
    list->AddText({min.x + pad, min.y + ui.px(4)}, large ? p.text : p.muted, fitted(figure.title, size.x - 2 * pad).c_str());
  }
  const float head = ui.px(23);
  ImGui::SetCursorScreenPos({min.x + pad, min.y + head});
  const ImVec2 room{size.x - 2 * pad, size.y - head - ui.px(5)};
  if (ImGui::BeginChild("value", room, 0, ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoScrollbar)) {
    ui.bare = true;
    draw_lab_figure(ui, answer, figure, room);
    ui.bare = false;
  }
  ImGui::EndChild();
  if (large || hovered) list->AddRect(min, max, large ? p.dream : fade(p.dream, 0.5f), ui.px(6), ui.px(1.5f));
  ImGui::PopID();
}

void draw_tiles(Ui& ui, const LabAnswer& answer) {
  const Palette& p = ui.color();
  const auto chosen = ui.lab.figure.find(answer.question);
  const auto is_large = [&](const LabFigure& figure) {
    const bool known = chosen != ui.lab.figure.end() && std::ranges::any_of(answer.figures, [&](const LabFigure& f) { return f.name == chosen->second; });
    return known ? figure.name == chosen->second : &figure == &answer.figures.front();
  };
  header(ui, "Figures", p.text, std::to_string(answer.figures.size()));
  const float width = ImGui::GetContentRegionAvail().x, gap = ui.px(8);
  const int most = answer.figures.size() < 4 ? 1 : width > ui.px(520) ? 3 : 2;
  const int columns = std::clamp(static_cast<int>((width + gap) / (ui.px(96) + gap)), 1, most);
  const float wide = std::floor((width - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns)), high = std::floor(std::min(wide * 0.72f, ui.px(190)));
  const ImVec2 from = ImGui::GetCursorScreenPos();
  for (std::size_t i = 0; i < answer.figures.size(); ++i) {
    const auto column = static_cast<float>(i % static_cast<std::size_t>(columns)), row = static_cast<float>(i / static_cast<std::size_t>(columns));
    ImGui::SetCursorScreenPos({from.x + column * (wide + gap), from.y + row * (high + gap)});
    draw_tile(ui, answer, answer.figures[i], is_large(answer.figures[i]), {wide, high});
  }
  const auto rows = static_cast<float>((answer.figures.size() + static_cast<std::size_t>(columns) - 1) / static_cast<std::size_t>(columns));
  ImGui::SetCursorScreenPos(from);
  ImGui::Dummy({width, rows * (high + gap) - gap});
}

/// The notes of the numbers, each once: numbers of one name, or measured alike, have one.
void draw_notes(Ui& ui, const LabAnswer& answer) {
  const Palette& p = ui.color();
  std::vector<std::string> told;
  for (const LabNumber& number : answer.numbers) {
    if (number.note.empty() || std::ranges::find(told, number.name) != told.end() || std::ranges::find(told, number.note) != told.end()) continue;
    if (told.empty() && ImGui::GetCursorPosY() > ui.px(20)) ImGui::Dummy({0, ui.px(4)});
    if (told.empty()) header(ui, "How it is measured", p.text, "");
    told.insert(told.end(), {number.name, number.note});
    std::string titles = number.title;
    for (const LabNumber& other : answer.numbers)
      if (other.note == number.note && other.name != number.name) titles += " · " + other.title;
    WithFont small(ui.fonts.text, 0.86f);
    ImGui::PushTextWrapPos(0);
    text(p.text, "%s", titles.c_str());
    ImGui::SetCursorPosY(ImGui::GetCursorPosY() - ui.px(4));
    text(p.muted, "%s", number.note.c_str());
    ImGui::PopTextWrapPos();
  }
}

/// Numbers that have no card, a line each.
void draw_further_numbers(Ui& ui, const LabAnswer& answer) {
  const Palette& p = ui.color();
  std::vector<const LabNumber*> carded, rest;
  // Cards hold groups of one name: the same order here.
  std::vector<std::string> names;
  for (const LabNumber& number : answer.numbers)
    if (number.run.empty() || std::ranges::find(names, number.name) == names.end()) names.push_back(number.name);
  for (const std::string& name : names)
    for (const LabNumber& number : answer.numbers)
      if (number.name == name && std::ranges::find(carded, &number) == carded.end()) carded.push_back(&number);
  rest.assign(carded.begin() + static_cast<std::ptrdiff_t>(std::min(ui.lab.cards, carded.size())), carded.end());
  if (rest.empty()) return;
  header(ui, "Further numbers", p.text, std::to_string(rest.size()));
  const float width = ImGui::GetContentRegionAvail().x;
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const LabNumber& number = *rest[i];
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const std::string title = number.title + (number.run.empty() ? "" : " · " + number.run);
    const std::string value = lab_value(number.value) + (number.unit.empty() || std::isnan(number.value) ? "" : " " + number.unit);
    const std::string interval = lab_interval(number);
    ImGui::PushID(static_cast<int>(i));
    ImGui::InvisibleButton("number", {width, ImGui::GetTextLineHeight() + ui.px(3)});
    tip(ui, title.c_str(), lab_explanation(number).c_str());
    ImGui::PopID();
    float left = 0;
    {
      WithFont small(ui.fonts.mono, 0.84f);
      left = ImGui::CalcTextSize(value.c_str()).x;
      const ImU32 colour = std::isnan(number.value) ? p.muted : number.verdict == LabNumber::Verdict::bad ? p.warning : p.text;
      right_text(list, at.x + width, at.y + ui.px(1), colour, value.c_str());
    }
    WithFont small(ui.fonts.text, 0.88f);
    list->AddText(at, p.muted, fitted(title, width - left - ui.px(10)).c_str());
  }
}

}  // namespace

void draw_evidence(const Snapshot& snapshot, Ui& ui) {
  const LabView& lab = lab_of(snapshot);
  const LabQuestionView* question = lab_question(ui);
  const LabStanding standing = question ? lab_standing(lab, question->name, lab_runs(ui)) : LabStanding{};
  const LabAnswer* answer = standing.answer && standing.answer->fault.empty() ? standing.answer : nullptr;
  if (!answer) {
    const ImVec2 at = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
    return centred_note(ui, at, {at.x + space.x, at.y + space.y * 0.7f},
                        "What an answer rests on stands here: its further figures, its numbers, and what was found. A click on a "
                        "figure's point begins a dream at that very moment.");
  }
  ImGui::BeginChild("evidence", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
  const bool findings = !answer->findings.empty() && !answer->figures.empty();  // else they stand in the middle
  if (findings) {
    const std::size_t count = answer->findings.size();
    header(ui, "Findings", ui.color().text, std::to_string(count));
    draw_lab_findings(ui, *answer, ImGui::GetContentRegionAvail().x);
    ImGui::Dummy({0, ui.px(4)});
  }
  if (answer->figures.size() > 1) {  // a single one is the large one
    draw_tiles(ui, *answer);
    ImGui::Dummy({0, ui.px(4)});
  }
  draw_further_numbers(ui, *answer);
  draw_notes(ui, *answer);
  ImGui::EndChild();
}

}  // namespace dream::ui
