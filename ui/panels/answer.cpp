// The Lab's answer: a sentence, its key numbers and one large picture.
#include <algorithm>
#include <cmath>

#include "answers/answer_text.h"
#include "ui/desktop.h"
#include "ui/lab.h"
#include "ui/panel_list.h"
#include "ui/panel_picture.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

/// The figure that is large: the one that was chosen, else the first.
const LabFigure* large_figure(const Ui& ui, const LabAnswer& answer) {
  const auto chosen = ui.lab.figure.find(answer.question);
  if (chosen != ui.lab.figure.end())
    for (const LabFigure& figure : answer.figures)
      if (figure.name == chosen->second) return &figure;
  return answer.figures.empty() ? nullptr : &answer.figures.front();
}

void write_down(Ui& ui, const std::string& what, const char* extension, const std::string& content) {
  const std::filesystem::path file = screenshot_path(what, extension);
  ui.say(save_text(file, content) ? "Saved: " + file.string() : file.string() + " could not be written.");
}

/// What can be written down. `min`, `max`: of the large figure as it stands.
void draw_save_menu(Ui& ui, const LabAnswer& answer, const LabFigure* figure, ImVec2 min, ImVec2 max) {
  const std::string name = "lab " + answer.question;
  if (figure) {
    const std::string of = name + " " + figure->name, table = figure_as_csv(*figure);
    {
      WithFont bold(ui.fonts.bold, 0.9f);
      text(ui.color().muted, "%s", fitted(figure->title, ui.px(260)).c_str());
    }
    if (ImGui::MenuItem("copy as CSV", nullptr, false, !table.empty())) {
      ImGui::SetClipboardText(table.c_str());
      ui.say(figure->title + " was copied as CSV.");
    }
    tip(ui, "Copy", table.empty() ? "A picture is no table: save it as a PNG." : "The figure's numbers, for a spreadsheet.");
    if (ImGui::MenuItem("save as CSV", nullptr, false, !table.empty())) write_down(ui, of, ".csv", table);
    tip(ui, "CSV", table.empty() ? "A picture is no table: save it as a PNG." : "The figure's numbers as a table, beside the screenshots.");
    if (ImGui::MenuItem("save as PNG")) ui.want_cutout = Ui::Cutout{of, min, max};
    tip(ui, "PNG", "The figure as it is seen now, beside the screenshots.");
    ImGui::Separator();
  }
  {
    WithFont bold(ui.fonts.bold, 0.9f);
    text(ui.color().muted, "the whole answer");
  }
  if (ImGui::MenuItem("answer as JSON")) write_down(ui, name, ".json", answers_as_json({answer}));
  tip(ui, "JSON", "Sentence, numbers, figures and findings, as dreamscope-cli lab --json writes them.");
  if (ImGui::MenuItem("numbers as CSV")) write_down(ui, name, ".csv", answers_as_csv({answer}));
  tip(ui, "CSV", "The numbers with their intervals, a line each.");
  if (ImGui::MenuItem("answer as PNG", ui.keys_of(*ui.action("panel_picture")).c_str())) save_panel(ui, "answer");
  tip(ui, "PNG", "The answer as it is seen now: sentence, numbers and the large figure.");
}

/// "about car · 24 unseen episodes, 4,800 steps · measured in 12 s"
std::string rests_on(const Ui& ui, const LabAnswer& answer) {
  std::string words = lab_names(ui, answer.runs);
  if (answer.episodes > 0) words += " · " + counted(answer.episodes, "unseen episode");
  if (answer.steps > 0) words += ", " + counted(answer.steps, "step");
  if (answer.seconds > 0) words += (answer.kept ? " · kept from before, then measured in " : " · measured in ") + short_time(std::ceil(answer.seconds));
  return words;
}

/// Title, how far it is, and what can be done with it.
void draw_answer_title(Ui& ui, const LabView& lab, const LabQuestionView& question, const LabStanding& standing) {
  const Palette& p = ui.color();
  const float width = ImGui::GetContentRegionAvail().x, left = ImGui::GetCursorPosX(), top = ImGui::GetCursorPosY();
  const float buttons = ui.px(176);
  float height = 0;
  {
    WithFont bold(ui.fonts.bold, 1.4f);
    text(p.text, "%s", fitted(question.title, width - buttons).c_str());
    height = ImGui::GetTextLineHeight();
  }
  const bool busy = standing.answering(), told = standing.answer && standing.answer->fault.empty();
  const float wide = ui.px(84), gap = ui.px(6);
  ImGui::SetCursorPos({left + width - 2 * wide - gap, top});
  if (busy || told)  // else it is asked in the middle
    action_button(ui, busy ? "cancel" : "ask anew", busy ? "lab_cancel" : "lab_ask_anew", false, wide);
  ImGui::SetCursorPos({left + width - wide, top});
  if (button(ui, (std::string(icon::save) + "  save###save").c_str(), "Save", "This answer or its large figure, as a table, as text or as a picture.",
             {.why_not = told ? "" : "There is no answer yet.", .width = wide}))
    ImGui::OpenPopup("save");
  ImGui::SetCursorPos({left, top + height + ui.px(7)});
  // A line that is there in every state.
  WithFont small(ui.fonts.text, 0.9f);
  if (standing.answering()) {
    progress_bar(ui, lab.progress, p.dream, ui.px(120), ui.px(4));
    ImGui::SameLine(0, ui.px(10));
    const std::string words = (standing.answer ? "first figures, being refined · " : "") + lab_progress(lab) + " · " + lab.doing;
    text(p.dream, "%s", fitted(words, ImGui::GetContentRegionAvail().x).c_str());
  } else if (standing.waiting()) {
    text(p.muted, "waits: %d before it", standing.place);
  } else {
    const std::string words = standing.answer ? rests_on(ui, *standing.answer) : "about " + lab_names(ui, lab_runs(ui));
    text(p.muted, "%s", fitted(words, width).c_str());
    if (standing.answer) tip(ui, "What it rests on", (words + ". Unseen: episodes that no training has had.").c_str());
  }
  ImGui::Dummy({0, 0});
}

/// The sentence, in a place that only grows while it is refined.
void draw_sentence(Ui& ui, const LabAnswer& answer, float most) {
  const bool several = answer.runs.size() > 1;
  WithFont font(ui.fonts.text, several ? 1.02f : 1.22f);
  const float width = ImGui::GetContentRegionAvail().x;
  float& kept = ui.lab.sentence[answer.question];
  std::string sentence = answer.sentence;  // a percent sign stays with its number
  for (std::size_t at = 0; (at = sentence.find(" %", at)) != std::string::npos;) sentence.replace(at, 1, "\u00a0");
  const float needed = ImGui::CalcTextSize(sentence.c_str(), nullptr, false, width).y;
  const float least = (several ? 1 : 2) * ImGui::GetTextLineHeight();
  kept = answer.complete ? std::max(needed, least) : std::max({kept, needed, least});
  ImGui::BeginChild("sentence", {0, std::min(kept, most) + ui.px(4)}, 0, ImGuiWindowFlags_NoBackground);
  ImGui::PushTextWrapPos(0);
  text(ui.color().text, "%s", sentence.c_str());
  ImGui::PopTextWrapPos();
  ImGui::EndChild();
}

/// Numbers of one name: of one run, or of several.
std::vector<std::vector<const LabNumber*>> card_groups(const LabAnswer& answer) {
  std::vector<std::vector<const LabNumber*>> groups;
  for (const LabNumber& number : answer.numbers) {
    const auto same = std::ranges::find_if(groups, [&](const auto& group) { return !number.run.empty() && group.front()->name == number.name; });
    if (same == groups.end())
      groups.push_back({&number});
    else
      same->push_back(&number);
  }
  return groups;
}

ImU32 verdict_colour(const Ui& ui, LabNumber::Verdict verdict) {
  const Palette& p = ui.color();
  return verdict == LabNumber::Verdict::good ? p.real : verdict == LabNumber::Verdict::bad ? p.warning : p.faint;
}

constexpr int most_card_runs = 4;

float card_height(const Ui& ui, const std::vector<std::vector<const LabNumber*>>& groups) {
  std::size_t rows = 1;
  bool beside = false;
  for (const auto& group : groups) rows = std::max(rows, group.size()), beside |= !group.front()->beside.empty();
  if (rows > 1) return ui.px(34) + ui.px(21) * static_cast<float>(std::min<std::size_t>(rows, most_card_runs));
  return ui.px(beside ? 98 : 80);
}

void draw_card_of_one(Ui& ui, const LabNumber& number, ImVec2 min, ImVec2 max) {
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float x = min.x + ui.px(12), room = max.x - x - ui.px(8);
  float y = min.y + ui.px(28);
  const bool told = !std::isnan(number.value);
  if (!told) {
    {
      WithFont font(ui.fonts.text, 1.1f);
      list->AddText({x, y}, p.muted, "cannot tell");
      y += ImGui::GetTextLineHeight() + ui.px(2);
    }
    WithFont small(ui.fonts.text, 0.8f);
    list->PushClipRect({x, y}, {max.x - ui.px(6), max.y - ui.px(4)}, true);
    list->AddText(nullptr, 0, {x, y}, p.muted, number.note.c_str(), nullptr, room);
    list->PopClipRect();
    return;
  }
  float used = 0;
  {
    WithFont large(ui.fonts.mono, 1.45f);
    const std::string value = lab_value(number.value);
    list->AddText({x, y - ui.px(2)}, p.text, value.c_str());
    used = ImGui::CalcTextSize(value.c_str()).x + ui.px(6);
  }
  {
    WithFont small(ui.fonts.text, 0.86f);
    if (room - used > ui.px(10)) list->AddText({x + used, y + ui.px(8)}, p.muted, fitted(number.unit, room - used).c_str());
  }
  y += ui.px(27);
  WithFont small(ui.fonts.text, 0.82f);
  if (const std::string interval = lab_interval(number); !interval.empty()) {
    list->AddText({x, y}, p.muted, fitted(interval, room).c_str());
    y += ui.px(18);
  }
  std::string beside;
  for (const auto& other : number.beside) beside += (beside.empty() ? "" : " · ") + other.label + " " + lab_value(other.value);
  list->AddText({x, y}, p.muted, fitted(beside, room).c_str());
}

void draw_card_of_several(Ui& ui, const std::vector<const LabNumber*>& group, ImVec2 min, ImVec2 max) {
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float x = min.x + ui.px(12), right = max.x - ui.px(10);
  float y = min.y + ui.px(28);
  for (std::size_t i = 0; i < std::min<std::size_t>(group.size(), most_card_runs); ++i, y += ui.px(21)) {
    const LabNumber& number = *group[i];
    float wide = 0;
    {
      WithFont figures(ui.fonts.mono, 0.92f);
      const std::string value = std::isnan(number.value) ? "·" : lab_value(number.value);
      wide = ImGui::CalcTextSize(value.c_str()).x;
      right_text(list, right, y, number.verdict == LabNumber::Verdict::none ? p.text : verdict_colour(ui, number.verdict), value.c_str());
    }
    WithFont small(ui.fonts.text, 0.86f);
    list->AddText({x, y + ui.px(1)}, p.muted, fitted(number.run, right - x - wide - ui.px(8)).c_str());
  }
}

void draw_card(Ui& ui, const std::vector<const LabNumber*>& group, ImVec2 size) {
  const Palette& p = ui.color();
  const LabNumber& first = *group.front();
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + size.x, min.y + size.y};
  ImGui::PushID(first.name.c_str());
  ImGui::InvisibleButton("card", size);
  std::string says;
  for (const LabNumber* number : group) {
    if (group.size() > 1) says += (says.empty() ? "" : "\n") + number->run + ": " + lab_value(number->value) + " " + number->unit + (lab_interval(*number).empty() ? "" : " (" + lab_interval(*number) + ")");
  }
  tip(ui, (first.title + (first.unit.empty() ? "" : " [" + first.unit + "]")).c_str(), ((says.empty() ? "" : says + "\n") + (group.size() > 1 ? first.note : lab_explanation(first))).c_str());
  ImGui::PopID();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(min, max, p.panel, ui.px(7));
  const bool judged = group.size() == 1 && first.verdict != LabNumber::Verdict::none;
  if (judged) list->AddRectFilled(min, {min.x + ui.px(3), max.y}, verdict_colour(ui, first.verdict), ui.px(7), ImDrawFlags_RoundCornersLeft);
  float mark_width = 0;
  if (judged) {
    WithFont small(ui.fonts.text, 0.8f);
    const char* mark = first.verdict == LabNumber::Verdict::good ? icon::check : icon::warning;
    mark_width = ImGui::CalcTextSize(mark).x + ui.px(6);
    right_text(list, max.x - ui.px(9), min.y + ui.px(8), verdict_colour(ui, first.verdict), mark);
  }
  {
    WithFont small(ui.fonts.text, 0.86f);
    list->AddText({min.x + ui.px(12), min.y + ui.px(7)}, p.muted, fitted(first.title, size.x - ui.px(20) - mark_width).c_str());
  }
  group.size() > 1 ? draw_card_of_several(ui, group, min, max) : draw_card_of_one(ui, first, min, max);
}

/// As many cards as stand in a row, or all where no picture wants the room; the evidence lists the rest.
void draw_cards(Ui& ui, const LabAnswer& answer) {
  const auto groups = card_groups(answer);
  ui.lab.cards = 0;
  if (groups.empty()) return;
  const float width = ImGui::GetContentRegionAvail().x, gap = ui.px(10);
  const auto fits = static_cast<std::size_t>(std::max(1.0f, std::floor((width + gap) / (ui.px(158) + gap))));
  const std::size_t across = std::min(groups.size(), fits), count = answer.figures.empty() ? groups.size() : across;
  const float each = std::min((width - gap * static_cast<float>(across - 1)) / static_cast<float>(across), ui.px(300));
  const float height = card_height(ui, {groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(count)});
  for (std::size_t i = 0; i < count; ++i) {
    if (i % across > 0) ImGui::SameLine(0, gap);
    draw_card(ui, groups[i], {each, height});
    ui.lab.cards += groups[i].size();
  }
}

/// "1,200 points", "6 rows", "7 × 3 pictures of 64 × 64 px"
std::string figure_note(const LabFigure& figure) {
  if (!figure.value) return "";
  const auto* image = std::get_if<Image>(figure.value.get());
  if (image && figure.columns > 0 && figure.rows > 0)
    return std::to_string(figure.columns) + " × " + std::to_string(figure.rows) + " pictures of " + std::to_string(image->width / figure.columns) + " × " +
           std::to_string(image->height / figure.rows) + " px";
  const bool counted = image || std::holds_alternative<Points>(*figure.value) || std::holds_alternative<Table>(*figure.value);
  return counted ? note_of({"", figure.title, figure.caption, false, figure.value}) : "";
}

void draw_large_figure(Ui& ui, const LabAnswer& answer, const LabFigure& figure, ImVec2* from, ImVec2* to) {
  *from = ImGui::GetCursorScreenPos();
  header(ui, figure.title, ui.color().text, figure_note(figure));
  if (!figure.caption.empty()) {
    WithFont small(ui.fonts.text, 0.88f);
    text(ui.color().muted, "%s", fitted(figure.caption, ImGui::GetContentRegionAvail().x).c_str());
    tip(ui, figure.title.c_str(), figure.caption.c_str());
  }
  ImVec2 size = ImGui::GetContentRegionAvail();
  size.y = std::max(size.y - ui.px(2), ui.px(80));
  size.y = lab_figure_height(ui, figure, size);
  *to = {from->x + size.x, ImGui::GetCursorScreenPos().y + size.y};
  const ImVec2 below{from->x, to->y};
  draw_lab_figure(ui, answer, figure, size);
  ImGui::SetCursorScreenPos(below);
  ImGui::Dummy({size.x, 0});
}

/// Where the large figure leaves half of the panel free, the next one stands below it.
void draw_next_figure(Ui& ui, const LabAnswer& answer, const LabFigure& large) {
  if (answer.figures.size() < 2 || ImGui::GetContentRegionAvail().y < ui.px(230)) return;
  const auto at = static_cast<std::size_t>(&large - answer.figures.data());
  ImGui::Dummy({0, ui.px(2)});
  ImVec2 from, to;
  draw_large_figure(ui, answer, answer.figures[(at + 1) % answer.figures.size()], &from, &to);
}

/// In the place of an answer: why there is none, and what can be done.
void draw_no_answer(Ui& ui, const LabQuestionView& question, const LabStanding& standing) {
  const Palette& p = ui.color();
  const ImVec2 at = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
  const bool failed = standing.answer && !standing.answer->fault.empty() && standing.place < 0;
  const std::string none = why_not_ask(ui);
  std::string words = failed                ? "No answer: " + standing.answer->fault
                      : standing.answering() ? "The first figures come within some seconds, and are then refined."
                      : standing.waiting()   ? "It waits for its turn."
                      : !none.empty()        ? none
                                             : question.help;
  const float wide = std::min(space.x - ui.px(40), ui.px(520)), middle = at.y + space.y * 0.36f;
  WithFont font(ui.fonts.text, 1.1f);
  const ImVec2 needed = ImGui::CalcTextSize(words.c_str(), nullptr, false, wide);
  ImGui::GetWindowDrawList()->AddText(nullptr, 0, {at.x + (space.x - needed.x) / 2, middle - needed.y}, failed ? p.warning : p.muted, words.c_str(), nullptr, wide);
  if (standing.place >= 0 || !none.empty()) return;
  const float button_width = ui.px(190);
  ImGui::SetCursorScreenPos({at.x + (space.x - button_width) / 2, middle + ui.px(18)});
  action_button(ui, failed ? "ask anew" : "ask  Ctrl-Enter", failed ? "lab_ask_anew" : "lab_ask", true, button_width);
}

}  // namespace

void draw_answer(const Snapshot& snapshot, Ui& ui) {
  const LabView& lab = lab_of(snapshot);
  const LabQuestionView* question = lab_question(ui);
  if (!question) {
    const ImVec2 at = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
    return centred_note(ui, at, {at.x + space.x, at.y + space.y}, "The laboratory opens with the first run.");
  }
  const LabStanding standing = lab_standing(lab, question->name, lab_runs(ui));
  draw_answer_title(ui, lab, *question, standing);
  const LabAnswer* answer = standing.answer;
  if (!answer || !answer->fault.empty()) {
    ui.lab.cards = 0;
    return draw_no_answer(ui, *question, standing);
  }
  draw_sentence(ui, *answer, ImGui::GetContentRegionAvail().y * 0.3f);
  draw_cards(ui, *answer);
  ImGui::Dummy({0, ui.px(4)});
  const LabFigure* figure = large_figure(ui, *answer);
  ImVec2 from, to;
  if (figure) {
    draw_large_figure(ui, *answer, *figure, &from, &to);
    draw_next_figure(ui, *answer, *figure);
  } else if (!answer->findings.empty() || answer->question == "diagnose") {
    ImGui::BeginChild("findings", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
    draw_lab_findings(ui, *answer, ImGui::GetContentRegionAvail().x);
    ImGui::EndChild();
  }
  if (figure && figure->value && ImGui::IsMouseReleased(ImGuiMouseButton_Right) && ImGui::IsMouseHoveringRect(from, to) && ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows) &&
      !std::holds_alternative<Points>(*figure->value))  // there it moves the map
    ImGui::OpenPopup("save");
  if (!ImGui::BeginPopup("save")) return;
  draw_save_menu(ui, *answer, figure, from, to);
  ImGui::EndPopup();
}

}  // namespace dream::ui
