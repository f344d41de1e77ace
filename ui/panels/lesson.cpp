// Lessons: the list of them, or the one that is open: its text, what is to be reached, where to go.
#include <algorithm>
#include <cmath>

#include "ui/chrome.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/quiz.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// One lesson of the list; true when it is to be opened.
bool draw_row(Ui& ui, const LessonFile& file) {
  const Palette& p = ui.color();
  const bool broken = !file.fault.empty();
  const std::string title = broken ? file.path.filename().string() : file.lesson.title;
  const float wide = ImGui::GetContentRegionAvail().x, pad = ui.px(9), side = ui.px(64);
  const std::string& note = broken ? file.fault : file.lesson.about;
  const auto height = [&](const std::string& words, float room) {
    return ImGui::CalcTextSize(words.c_str(), nullptr, false, room).y;
  };
  float title_height = 0, note_height = 0;
  {
    WithFont bold(ui.fonts.bold);
    title_height = height(title, wide - 2 * pad - side);
  }
  {
    WithFont small(ui.fonts.text, 0.88f);
    note_height = height(note, wide - 2 * pad);
  }
  const ImVec2 min = ImGui::GetCursorScreenPos(), size{wide, title_height + note_height + 2 * pad};
  ImGui::PushID(file.own ? file.path.parent_path().string().c_str() : "shipped");
  ImGui::BeginDisabled(broken);
  const bool clicked = ImGui::InvisibleButton(("###" + file.path.filename().string()).c_str(), size);
  ImGui::EndDisabled();
  ImGui::PopID();
  const ImVec2 max{min.x + size.x, min.y + size.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(min, max, ImGui::IsItemHovered() && !broken ? p.raised_hover : p.raised, ui.px(6));
  const int steps = static_cast<int>(file.lesson.steps.size());
  const bool done = !broken && file.passed >= steps;
  {
    WithFont bold(ui.fonts.bold);
    list->AddText(nullptr, 0, {min.x + pad, min.y + pad}, broken ? p.warning : p.text, title.c_str(), nullptr,
                  wide - 2 * pad - side);
  }
  WithFont small(ui.fonts.text, 0.88f);
  const std::string progress = broken ? icon::warning
                               : done ? std::string(icon::check) + " done"
                                      : std::to_string(file.passed) + " of " + std::to_string(steps);
  right_text(list, max.x - pad, min.y + pad, broken ? p.warning : done ? p.real : p.muted, progress.c_str());
  list->AddText(nullptr, 0, {min.x + pad, min.y + pad + title_height}, p.muted, note.c_str(), nullptr, wide - 2 * pad);
  if (file.passed > 0 && !broken) {
    const float share = static_cast<float>(file.passed) / static_cast<float>(steps);
    list->AddRectFilled({min.x + ui.px(6), max.y - ui.px(3)},
                        {min.x + ui.px(6) + (size.x - ui.px(12)) * share, max.y - ui.px(1)}, done ? p.real : p.dream);
  }
  return clicked;
}

void draw_list(Ui& ui) {
  const Palette& p = ui.color();
  Lessons& lessons = *ui.lessons;
  header(ui, "Lessons", p.text, "drop a .toml on the window");
  const float foot = 2 * ImGui::GetFrameHeightWithSpacing() + ui.px(4);
  ImGui::BeginChild("list", {0, -foot}, ImGuiChildFlags_NavFlattened);
  std::filesystem::path chosen;
  bool own = false;
  for (const LessonFile& file : lessons.files()) {
    if (file.own && !std::exchange(own, true)) text(p.muted, "yours");
    if (draw_row(ui, file)) chosen = file.path;
  }
  if (lessons.files().empty()) ImGui::TextWrapped("No lessons were found beside the program.");
  ImGui::EndChild();
  action_button(ui, "record a lesson", "lesson_record");
  ImGui::SameLine(0, ui.px(6));
  action_button(ui, "real or dream?", "quiz");
  if (button(ui, "read again###read", "Read again", "Look for lessons once more; a file that was mended opens.",
             {.small = true}))
    lessons.read();
  if (!chosen.empty()) lessons.open(ui, chosen);
}

void draw_question(Ui& ui, const Question& question) {
  const Palette& p = ui.color();
  Lessons& lessons = *ui.lessons;
  const int before = lessons.answered();
  ImGui::PushTextWrapPos(0);
  {
    WithFont bold(ui.fonts.bold);
    ImGui::TextUnformatted(question.text.c_str());
  }
  for (int i = 0; i < static_cast<int>(question.answers.size()); ++i) {
    const Answer& answer = question.answers[static_cast<std::size_t>(i)];
    const bool chosen = lessons.answered() == i;
    const ImU32 colour = !chosen ? p.muted : answer.right ? p.real : p.warning;
    ImGui::PushStyleColor(ImGuiCol_Text, chosen ? colour : p.text);
    ImGui::PushID(i);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float wide = ImGui::GetContentRegionAvail().x, inset = ui.px(30);
    const ImVec2 size = ImGui::CalcTextSize(answer.text.c_str(), nullptr, false, wide - inset - ui.px(6));
    const auto digit_key = static_cast<ImGuiKey>(ImGuiKey_1 + i);
    const bool key = !ImGui::GetIO().WantTextInput && !ui.show_palette && !ui.show_keys && !list_is_open() && !ui.quiz->takes_keys() &&
                     !ui.keymap.owns(digit_key) && ImGui::IsKeyPressed(digit_key, false);
    if (ImGui::InvisibleButton("###answer", {wide, size.y + ui.px(10)}) || key) lessons.answer(i);
    ImDrawList* list = ImGui::GetWindowDrawList();
    list->AddRectFilled(at, {at.x + wide, at.y + size.y + ui.px(10)},
                        ImGui::IsItemHovered() ? p.raised_hover : p.raised, ui.px(5));
    const ImVec2 dot{at.x + ui.px(14), at.y + ui.px(5) + ImGui::GetTextLineHeight() / 2};
    list->AddCircle(dot, ui.px(9), colour, 0, ui.px(1.4f));
    {
      WithFont small(ui.fonts.bold, 0.8f);
      const std::string digit = ui.keymap.owns(digit_key) ? "" : std::to_string(i + 1);  // there it drives
      const ImVec2 wanted = ImGui::CalcTextSize(digit.c_str());
      list->AddText({dot.x - wanted.x / 2, dot.y - wanted.y / 2}, colour, digit.c_str());
    }
    list->AddText(nullptr, 0, {at.x + inset, at.y + ui.px(5)}, ImGui::GetColorU32(ImGuiCol_Text), answer.text.c_str(),
                  nullptr, wide - inset - ui.px(6));
    ImGui::PopID();
    ImGui::PopStyleColor();
  }
  if (lessons.answered() >= 0) {
    const Answer& answer = question.answers[static_cast<std::size_t>(lessons.answered())];
    ImGui::PushStyleColor(ImGuiCol_Text, answer.right ? p.real : p.warning);
    ImGui::TextUnformatted(((answer.right ? "Right. " : "No. ") + answer.why).c_str());
    ImGui::PopStyleColor();
    if (lessons.answered() != before) ImGui::SetScrollHereY(1);
  }
  ImGui::PopTextWrapPos();
}

/// What is to be reached: a box that is ticked, a sentence, how it stands.
void draw_reach(Ui& ui, const LessonStep& step) {
  const Palette& p = ui.color();
  const Lessons& lessons = *ui.lessons;
  for (std::size_t i = 0; i < step.reach.size(); ++i) {
    const bool there = lessons.reached(i);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float box = ui.px(15), line = ImGui::GetTextLineHeight(), inset = ui.px(24);
    ImDrawList* list = ImGui::GetWindowDrawList();
    const ImVec2 min{at.x + ui.px(2), at.y + (line - box) / 2}, max{min.x + box, min.y + box};
    list->AddRect(min, max, there ? p.real : p.muted, ui.px(3), 0, ui.px(1.4f));
    if (there) {
      list->AddLine({min.x + box * 0.2f, min.y + box * 0.55f}, {min.x + box * 0.42f, min.y + box * 0.78f}, p.real,
                    ui.px(2));
      list->AddLine({min.x + box * 0.42f, min.y + box * 0.78f}, {min.x + box * 0.82f, min.y + box * 0.25f}, p.real,
                    ui.px(2));
    }
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + inset);
    ImGui::PushTextWrapPos(0);
    text(there ? p.muted : p.text, "%s", step.reach[i].that.c_str());
    ImGui::PopTextWrapPos();
    // A line of its own that is always there: nothing moves when the count ends.
    const std::string stands = lessons.stands(ui, step.reach[i]);
    if (stands.empty()) continue;
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + inset);
    mono(ui, p.muted, "%s", there ? "reached" : stands.c_str());
  }
}

/// One mark for each step: passed, here, still to come.
void draw_dots(Ui& ui, int here, int steps) {
  const Palette& p = ui.color();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float gap = ui.px(4), wide = ImGui::GetContentRegionAvail().x;
  const float each = std::min((wide - gap * static_cast<float>(steps - 1)) / static_cast<float>(steps), ui.px(34));
  for (int i = 0; i < steps; ++i) {
    const float x = at.x + static_cast<float>(i) * (each + gap);
    ImGui::GetWindowDrawList()->AddRectFilled({x, at.y}, {x + each, at.y + ui.px(4)}, i <= here ? p.dream : p.raised,
                                              ui.px(2));
  }
  ImGui::Dummy({wide, ui.px(4)});
}

void draw_open(Ui& ui) {
  const Palette& p = ui.color();
  Lessons& lessons = *ui.lessons;
  const LessonFile& file = *lessons.current();
  const int at = lessons.step(), steps = static_cast<int>(file.lesson.steps.size());
  const LessonStep& step = lessons.now();
  const std::string where = std::to_string(at + 1) + "/" + std::to_string(steps);
  const float room = ImGui::GetContentRegionAvail().x - ImGui::CalcTextSize(where.c_str()).x - ui.px(12);
  header(ui, fitted(file.lesson.title, room), p.dream, where);
  tip(ui, file.lesson.title.c_str(), file.lesson.about.c_str());
  draw_dots(ui, at, steps);
  const float foot = 2 * ImGui::GetFrameHeightWithSpacing() + ui.px(4);
  ImGui::BeginChild("step", {0, -foot}, ImGuiChildFlags_NavFlattened);
  if (ui.views["lesson"].selected != at) ui.views["lesson"].selected = at, ImGui::SetScrollY(0);
  ImGui::PushTextWrapPos(0);
  {
    WithFont bold(ui.fonts.bold, 1.25f);
    ImGui::TextUnformatted(step.title.c_str());
  }
  ImGui::PopTextWrapPos();
  ImGui::Dummy({0, ui.px(2)});
  draw_markdown(ui, lessons.text());
  if (!lessons.trouble().empty()) {
    ImGui::PushTextWrapPos(0);
    text(p.warning, "%s", lessons.trouble().c_str());
    ImGui::PopTextWrapPos();
  }
  draw_reach(ui, step);
  if (step.question) {
    ImGui::Dummy({0, ui.px(4)});
    draw_question(ui, *step.question);
  }
  ImGui::EndChild();
  const float half = (ImGui::GetContentRegionAvail().x - ui.px(12)) / 2;
  const std::string missing = lessons.missing();
  if (button(ui, "← back###back", "Back", "The step before, as it was.",
             {.keys = "PgUp", .why_not = at == 0 ? "This is the first step." : "", .width = half}))
    ui.run("lesson_back");
  ImGui::SameLine(0, ui.px(12));
  const bool last = at + 1 == steps;
  if (button(ui, last ? "done###next" : "next →###next", last ? "Done" : "Next",
             last ? "Back to the list." : "The next step.",
             {.accent = true, .keys = "PgDn", .why_not = missing, .width = half}))
    ui.run("lesson_next");
  if (button(ui, "all lessons###leave", "Leave the lesson", "Sliders and holds go back; what was passed is kept.",
             {.small = true}))
    return ui.run("lesson_leave");
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "skip###skip", "Skip this step", "Go on without having done it.",
             {.small = true, .why_not = missing.empty() ? "Nothing is left to do here: go on." : ""}))
    lessons.go(ui, at + 1);
}

}  // namespace

void draw_lesson(const Snapshot&, Ui& ui) {
  if (ui.lessons->recorder.on()) return draw_recording(ui);
  ui.lessons->current() ? draw_open(ui) : draw_list(ui);
}

}  // namespace dream::ui
