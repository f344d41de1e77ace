// The Lab's questions: which runs they are about, how each stands, and what is being answered now.
#include <algorithm>
#include <tuple>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/lab.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// One run of the list that is asked about, or no longer.
void draw_asked_run(Ui& ui, const RunView& run, const std::vector<std::string>& asked) {
  bool on = std::ranges::find(asked, run.path) != asked.end();
  const std::string name = run.name.empty() ? run.title : run.name;
  ImGui::BeginDisabled(!run.usable);
  if (ImGui::Checkbox((name + "##" + run.path).c_str(), &on)) {
    ui.lab.runs = asked;
    if (on)
      ui.lab.runs.push_back(run.path);
    else
      std::erase(ui.lab.runs, run.path);
  }
  ImGui::EndDisabled();
  tip(ui, run.path.c_str(), run.usable ? (run.environment + " · " + run.model + "\n" + run.detail).c_str() : run.detail.c_str());
  ImGui::SameLine(ui.px(180));
  text(ui.color().muted, "%s", (run.environment + " · " + (run.model.empty() ? run.recipe : run.model)).c_str());
}

void draw_run_choice_of_lab(Ui& ui, const Snapshot& snapshot) {
  const auto asked = lab_runs(ui);
  const bool by_itself = ui.lab.runs.empty();
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "about");
  ImGui::SameLine(0, ui.px(8));
  const float room = ImGui::GetContentRegionAvail().x - ImGui::GetFrameHeight() - 2 * ImGui::GetStyle().FramePadding.x;
  std::string label = asked.empty() ? "no run yet" : lab_names(ui, asked), whole = label + "  (dreamt with)";
  label = by_itself && !asked.empty() && ImGui::CalcTextSize(whole.c_str()).x < room ? whole : fitted(label, room);
  ImGui::SetNextItemWidth(-1);
  ImGui::SetNextWindowSizeConstraints({ui.px(380), 0}, {ui.px(560), ui.px(420)});
  if (!ImGui::BeginCombo("##runs", label.c_str(), ImGuiComboFlags_HeightLargest)) {
    tip(ui, "Asked about", "The run that is dreamt with, or those that are chosen here: several are answered side by side.");
    return;
  }
  std::string& search = ui.texts["lab/runs"];
  if (ImGui::IsWindowAppearing()) search.clear(), ImGui::SetKeyboardFocusHere();
  ImGui::SetNextItemWidth(-1);
  ImGui::InputTextWithHint("##search", "find a world, a model, a run …", &search, ImGuiInputTextFlags_EscapeClearsAll);
  ImGui::BeginDisabled(by_itself);
  if (ImGui::Selectable("only the run that is dreamt with", false, ImGuiSelectableFlags_NoAutoClosePopups)) ui.lab.runs.clear();
  ImGui::EndDisabled();
  ImGui::Separator();
  int shown = 0;
  for (const RunView& run : *snapshot.runs) {
    if (!holds(run.path + ' ' + run.title + ' ' + run.environment + ' ' + run.recipe + ' ' + run.model, search)) continue;
    draw_asked_run(ui, run, asked);
    ++shown;
  }
  if (shown == 0) text(ui.color().muted, "%s", snapshot.runs->empty() ? "No runs were found yet." : "No run holds these words.");
  ImGui::EndCombo();
}

void draw_ask_buttons(Ui& ui, const LabView& lab) {
  const LabQuestionView* question = lab_question(ui);
  const auto runs = lab_runs(ui);
  const LabStanding standing = question ? lab_standing(lab, question->name, runs) : LabStanding{};
  const float gap = ui.px(6), wide = (ImGui::GetContentRegionAvail().x - 2 * gap) / 3;
  const bool narrow = ImGui::CalcTextSize("ask anew").x + 2 * ImGui::GetStyle().FramePadding.x > wide;
  action_button(ui, "ask", "lab_ask", !standing.done() && standing.place < 0, wide);
  ImGui::SameLine(0, gap);
  action_button(ui, narrow ? "all" : "ask all", "lab_ask_all", false, wide);
  ImGui::SameLine(0, gap);
  action_button(ui, narrow ? "anew" : "ask anew", "lab_ask_anew", false, wide);
}

/// How a question stands, in a word and its colour.
std::pair<std::string, ImU32> standing_words(const Ui& ui, const LabView& lab, const LabStanding& standing) {
  const Palette& p = ui.color();
  if (standing.answering()) return {lab_progress(lab), p.dream};
  if (standing.waiting()) return {std::string(icon::clock) + "  waits", p.muted};
  if (!standing.answer) return {"", p.muted};
  if (!standing.answer->fault.empty()) return {std::string(icon::warning) + "  no answer", p.warning};
  return {std::string(icon::check) + (standing.answer->kept ? "  kept" : "  answered"), p.muted};
}

void draw_question(Ui& ui, const LabView& lab, const LabQuestionView& question, bool chosen) {
  const Palette& p = ui.color();
  const LabStanding standing = lab_standing(lab, question.name, lab_runs(ui));
  const float width = ImGui::GetContentRegionAvail().x, pad = ui.px(10), inner = width - 2 * pad;
  float help_height = 0;
  {
    WithFont small(ui.fonts.text, 0.86f);
    help_height = ImGui::CalcTextSize(question.help.c_str(), nullptr, false, inner).y;
  }
  // Where title and standing have no room side by side: the sign or the share alone, and the title in two lines.
  std::string words;
  ImU32 colour = 0;
  std::tie(words, colour) = standing_words(ui, lab, standing);
  ImFont* words_font = standing.answering() ? ui.fonts.mono : ui.fonts.text;
  const auto words_width = [&] {
    WithFont small(words_font, 0.82f);
    return words.empty() ? 0 : ImGui::CalcTextSize(words.c_str()).x + ui.px(10);
  };
  float title_height = 0, used = words_width();
  {
    WithFont bold(ui.fonts.bold, 0.98f);
    const float wide = ImGui::CalcTextSize(question.title.c_str()).x;
    title_height = ImGui::GetTextLineHeight();
    if (wide + used > inner) words = words.substr(0, words.find(standing.answering() ? " ·" : "  "));
  }
  used = words_width();
  {
    WithFont bold(ui.fonts.bold, 0.98f);
    title_height = std::max(title_height, ImGui::CalcTextSize(question.title.c_str(), nullptr, false, inner - used).y);
  }
  const float height = title_height + help_height + ui.px(14);
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + width, min.y + height};
  ImGui::PushID(question.name.c_str());
  if (ImGui::InvisibleButton("question", {width, height})) ui.lab.question = question.name;
  const bool hovered = ImGui::IsItemHovered();
  if (hovered && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left) && !standing.done() && standing.place < 0) ui.run("lab_ask");
  ImGui::PopID();
  ImDrawList* list = ImGui::GetWindowDrawList();
  if (chosen || hovered) list->AddRectFilled(min, max, chosen ? p.dream_soft : fade(p.raised, 0.6f), ui.px(6));
  if (!words.empty()) {
    WithFont small(words_font, 0.82f);
    right_text(list, max.x - pad, min.y + ui.px(6), colour, words.c_str());
  }
  {
    WithFont bold(ui.fonts.bold, 0.98f);
    list->AddText(nullptr, 0, {min.x + pad, min.y + ui.px(5)}, p.text, question.title.c_str(), nullptr, inner - used);
  }
  {
    WithFont small(ui.fonts.text, 0.86f);
    const ImVec2 at{min.x + pad, min.y + ui.px(6) + title_height};
    list->AddText(nullptr, 0, at, p.muted, question.help.c_str(), nullptr, inner);
  }
  if (standing.answering()) {
    const float y = max.y - ui.px(3), part = static_cast<float>(std::clamp(lab.progress, 0.0, 1.0));
    list->AddRectFilled({min.x + pad, y}, {max.x - pad, y + ui.px(2)}, p.raised, ui.px(1));
    list->AddRectFilled({min.x + pad, y}, {min.x + pad + inner * part, y + ui.px(2)}, p.dream, ui.px(1));
  }
}

float under_way_height(const Ui& ui) {
  return 2 * ImGui::GetTextLineHeightWithSpacing() + ImGui::GetFrameHeight() + ui.px(14);
}

/// What is being answered, for whichever runs; the place is kept where nothing is.
void draw_under_way(Ui& ui, const LabView& lab) {
  const Palette& p = ui.color();
  ImGui::Separator();
  ImGui::Dummy({0, ui.px(1)});
  if (lab.queue.empty()) {
    WithFont small(ui.fonts.text, 0.88f);
    ImGui::PushTextWrapPos(0);
    text(p.muted, "Answers are measured in the background, beside dream and training, and are kept with the run.");
    ImGui::PopTextWrapPos();
    return;
  }
  const auto& now = lab.queue.front();
  const auto found = std::ranges::find(lab.questions, now.question, &LabQuestionView::name);
  header(ui, found == lab.questions.end() ? now.question : found->title, p.text, lab_names(ui, now.runs));
  {
    WithFont small(ui.fonts.text, 0.88f);
    text(p.muted, "%s", fitted(lab.doing.empty() ? "is asked" : lab.doing, ImGui::GetContentRegionAvail().x).c_str());
  }
  const std::size_t waiting = lab.queue.size() - 1;
  action_button(ui, "cancel", "lab_cancel", false);
  if (waiting == 0) return;
  ImGui::SameLine(0, ui.px(6));
  const std::string all = "and the " + std::to_string(waiting) + " that wait";
  const bool fits = ImGui::CalcTextSize(all.c_str()).x + 2 * ImGui::GetStyle().FramePadding.x < ImGui::GetContentRegionAvail().x;
  action_button(ui, fits ? all.c_str() : "all", "lab_cancel_all", false);
}

}  // namespace

void draw_questions(const Snapshot& snapshot, Ui& ui) {
  const LabView& lab = lab_of(snapshot);
  draw_run_choice_of_lab(ui, snapshot);
  draw_ask_buttons(ui, lab);
  ImGui::Dummy({0, ui.px(2)});
  ImGui::BeginChild("list", {0, -under_way_height(ui)}, 0, ImGuiWindowFlags_NoBackground);
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {0, ui.px(2)});
  const LabQuestionView* chosen = lab_question(ui);
  for (const LabQuestionView& question : lab.questions) draw_question(ui, lab, question, &question == chosen);
  ImGui::PopStyleVar();
  if (lab.questions.empty()) {
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted, "The laboratory has no question yet.");
    ImGui::PopTextWrapPos();
  }
  ImGui::EndChild();
  draw_under_way(ui, lab);
}

}  // namespace dream::ui
