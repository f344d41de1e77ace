// Real or dream?: two clips, keys 1 and 2, and how often the class was right over the length of the clip.
#include "ui/lesson/quiz.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "implot.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

/// A clip of some steps plays in at least a second, then rests on its last picture, then begins again.
int shown_step(const Ui& ui, int horizon) {
  const double natural = std::max(static_cast<double>(ui.dream().natural_rate), 1.0);
  const double lasts = std::max(1.0, horizon / natural), rests = 1.2;
  const double at = std::fmod(ui.time, lasts + rests);
  return std::min(horizon, static_cast<int>(at / lasts * (horizon + 1)));
}

void draw_clip(Ui& ui, const Quiz& quiz, bool left, ImVec2 size) {
  const Palette& p = ui.color();
  const bool told = quiz.state() == Quiz::State::told, real = left == quiz.real_left();
  const char* name = !told ? (left ? "1" : "2") : real ? "REAL" : "DREAM";
  const ImU32 colour = !told ? p.muted : real ? p.real : p.dream;
  const int horizon = told ? quiz.answers().back().horizon : quiz.horizon();
  const std::string length = counted(horizon, told && real ? "real step" : told ? "imagined step" : "step");
  header(ui, name, colour, quiz.state() == Quiz::State::idle ? "" : length, size.x);
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + size.x, min.y + size.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const auto picture = quiz.state() == Quiz::State::making || quiz.state() == Quiz::State::idle
                           ? nullptr
                           : quiz.picture(left, shown_step(ui, horizon));
  if (!draw_image(ui, left ? "quiz left" : "quiz right", picture, min, max))
    list->AddRectFilled(min, max, p.well, ui.px(4));
  list->AddRectFilled({min.x, min.y - ui.px(2)}, {max.x, min.y}, colour);
  ImGui::Dummy(size);
}

/// Share of right answers over the horizon, with its interval; chance is the dashed line.
void draw_accuracy(Ui& ui, const Quiz& quiz, ImVec2 size) {
  const Palette& p = ui.color();
  std::vector<double> x, y, down, up;
  for (const int horizon : Quiz::horizons) {
    const Quiz::Accuracy each = quiz.accuracy(horizon);
    if (each.asked == 0) continue;
    x.push_back(horizon), y.push_back(each.share());
    down.push_back(each.share() - each.low()), up.push_back(each.high() - each.share());
  }
  WithFont figures(ui.fonts.mono, 0.82f);
  ImPlot::PushStyleColor(ImPlotCol_FrameBg, IM_COL32_BLACK_TRANS);
  if (ImPlot::BeginPlot("##accuracy", size,
                        ImPlotFlags_NoLegend | ImPlotFlags_NoMenus | ImPlotFlags_NoBoxSelect | ImPlotFlags_NoTitle |
                            ImPlotFlags_NoMouseText | ImPlotFlags_NoInputs)) {
    ImPlot::SetupAxes("imagined steps", "right", ImPlotAxisFlags_NoHighlight, ImPlotAxisFlags_NoHighlight);
    ImPlot::SetupAxisScale(ImAxis_X1, ImPlotScale_Log10);
    ImPlot::SetupAxesLimits(0.8, 160, 0, 1.05, ImPlotCond_Always);
    static constexpr double across[] = {1, 2, 5, 10, 20, 50}, upright[] = {0, 0.5, 1};
    static constexpr const char *steps[] = {"1", "2", "5", "10", "20", "50"}, *shares[] = {"0 %", "50 %", "100 %"};
    ImPlot::SetupAxisTicks(ImAxis_X1, across, 6, steps);
    ImPlot::SetupAxisTicks(ImAxis_Y1, upright, 3, shares);
    const ImVec2 left = ImPlot::PlotToPixels(0.8, 0.5), right = ImPlot::PlotToPixels(160, 0.5);
    ImDrawList* list = ImPlot::GetPlotDrawList();
    for (float dash = left.x; dash < right.x; dash += ui.px(9))
      list->AddLine({dash, left.y}, {dash + ui.px(5), left.y}, p.warning, ui.px(1.2f));
    right_text(list, right.x - ui.px(6), left.y + ui.px(2), p.warning, "guessing");
    if (!x.empty()) {
      ImPlotSpec spec;
      spec.LineColor = to_vec(p.dream);
      spec.LineWeight = ui.px(1.6f);
      const int count = static_cast<int>(x.size());
      ImPlot::PlotLine("accuracy", x.data(), y.data(), count, spec);
      ImPlot::PlotErrorBars("interval", x.data(), y.data(), down.data(), up.data(), count, spec);
      for (std::size_t i = 0; i < x.size(); ++i)
        list->AddCircleFilled(ImPlot::PlotToPixels(x[i], y[i]), ui.px(4), p.dream);
    }
    ImPlot::EndPlot();
  }
  ImPlot::PopStyleColor();
  tip(ui, "Right answers",
      "How often the real clip was found, over the number of imagined steps. Bars: Wilson's interval of a share, one "
      "standard error. At the dashed line the class only guesses: the dream passes for the world.");
}

void draw_answers(Ui& ui, const Quiz& quiz, ImVec2 size) {
  const Palette& p = ui.color();
  if (!ImGui::BeginTable("answers", 4,
                         ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_PadOuterX, size))
    return;
  for (const char* title : {"steps", "asked", "right", "MSE"}) ImGui::TableSetupColumn(title);
  ImGui::TableSetupScrollFreeze(0, 1);
  ImGui::TableHeadersRow();
  for (const int horizon : Quiz::horizons) {
    const Quiz::Accuracy each = quiz.accuracy(horizon);
    double error = -1;
    for (const Quiz::Answered& answer : quiz.answers())
      if (answer.horizon == horizon) error = answer.error;
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    mono(ui, p.text, "%d", horizon);
    ImGui::TableNextColumn();
    mono(ui, p.muted, "%d", each.asked);
    ImGui::TableNextColumn();
    each.asked > 0 ? mono(ui, p.text, "%.0f %%", 100 * each.share()) : mono(ui, p.muted, "·");
    ImGui::TableNextColumn();
    error >= 0 ? mono(ui, p.muted, "%.4f", error) : mono(ui, p.muted, "·");
  }
  ImGui::EndTable();
}

/// Beside the user's lessons, under a name of its own; where nothing is remembered, onto the clipboard.
void save_answers(Ui& ui, const Quiz& quiz) {
  const std::filesystem::path folder = ui.lessons->own_folder();
  std::string& said = ui.texts["quiz saved"];
  if (folder.empty()) {
    ImGui::SetClipboardText(quiz.csv().c_str());
    said = "Copied to the clipboard.";
    return;
  }
  std::filesystem::path file;
  std::error_code ignored;
  for (int i = 1; file.empty() || std::filesystem::exists(file, ignored); ++i)
    file = folder / ("real_or_dream_" + std::to_string(i) + ".csv");
  said = save_text(file, quiz.csv()) ? "Saved: " + file.string() : file.string() + " could not be written.";
  ui.note(0, said);
}

void draw_question(Ui& ui, Quiz& quiz) {
  const Palette& p = ui.color();
  const bool keys = !ImGui::GetIO().WantTextInput && !ui.show_palette;
  const auto pressed = [&](ImGuiKey a, ImGuiKey b, ImGuiKey c) {
    return keys && (ImGui::IsKeyPressed(a, false) || ImGui::IsKeyPressed(b, false) || ImGui::IsKeyPressed(c, false));
  };
  const std::string why_not = Quiz::why_not(ui);
  const float wide = ui.px(118);
  switch (quiz.state()) {
    case Quiz::State::idle:
      if (button(ui, quiz.answers().empty() ? "begin###begin" : "go on###begin", "Real or dream?",
                 "Two clips are made from a new start: one real, one dreamt under the same actions.",
                 {.accent = true, .why_not = why_not, .width = wide}))
        quiz.begin(ui);
      ImGui::SameLine(0, ui.px(12));
      ImGui::AlignTextToFramePadding();
      text(quiz.trouble().empty() ? p.muted : p.warning, "%s",
           !quiz.trouble().empty() ? quiz.trouble().c_str()
           : !why_not.empty()      ? why_not.c_str()
                                   : "Which clip is the real one? They grow from 1 step to 50.");
      return;
    case Quiz::State::making:
      progress_bar(ui, quiz.made(), p.dream, wide, ui.px(6));
      ImGui::SameLine(0, ui.px(12));
      text(p.muted, "a clip of %s is being made", counted(quiz.horizon(), "imagined step").c_str());
      break;
    case Quiz::State::asking: {
      int chosen = -1;
      if (button(ui, "1 is real###left", "The left one is real", "Say so.", {.keys = "1 or ←", .width = wide}) ||
          pressed(ImGuiKey_1, ImGuiKey_Keypad1, ImGuiKey_LeftArrow))
        chosen = 0;
      ImGui::SameLine(0, ui.px(6));
      if (button(ui, "2 is real###right", "The right one is real", "Say so.", {.keys = "2 or →", .width = wide}) ||
          pressed(ImGuiKey_2, ImGuiKey_Keypad2, ImGuiKey_RightArrow))
        chosen = 1;
      ImGui::SameLine(0, ui.px(12));
      ImGui::AlignTextToFramePadding();
      text(p.text, "Which one is real?");
      if (chosen >= 0) quiz.answer(chosen == 0);
      return;
    }
    case Quiz::State::told: {
      const bool right = quiz.answers().back().right;
      if (button(ui, "next###next", "The next clip", "From a new start.",
                 {.accent = true, .keys = "Enter", .width = wide}) ||
          pressed(ImGuiKey_Enter, ImGuiKey_KeypadEnter, ImGuiKey_KeypadEnter))
        quiz.begin(ui);
      ImGui::SameLine(0, ui.px(12));
      ImGui::AlignTextToFramePadding();
      text(right ? p.text : p.warning, "%s The %s one is real.", right ? "Yes." : "No.",
           quiz.real_left() ? "left" : "right");
      break;
    }
  }
}

}  // namespace

void draw_quiz(const Snapshot&, Ui& ui) {
  Quiz& quiz = *ui.quiz;
  quiz.shown();
  const Palette& p = ui.color();
  const ImVec2 space = ImGui::GetContentRegionAvail();
  header(ui, "Real or dream?", p.text, "same start, same actions · the dream is never corrected", space.x);
  int width = std::max(ui.dream().spaces.image_width, 1), height = std::max(ui.dream().spaces.image_height, 1);
  if (ui.dream().spaces.image_width == 0) width = height = 64;
  const float gap = ui.px(16), caption = ImGui::GetTextLineHeight() + ui.px(6);
  const float rows = 2 * ImGui::GetFrameHeightWithSpacing() + caption + ui.px(24);
  const float below = std::clamp(space.y * 0.3f, ui.px(120), ui.px(260));
  const float scale = std::min((space.x - gap) / 2 / static_cast<float>(width),
                               (space.y - below - rows - caption) / static_cast<float>(height));
  const float whole = std::max(scale >= 1 ? std::floor(scale) : scale, 0.3f);
  const ImVec2 size{whole * static_cast<float>(width), whole * static_cast<float>(height)};
  const ImVec2 origin = ImGui::GetCursorPos();
  const float left = origin.x + std::max((space.x - 2 * size.x - gap) / 2, 0.0f);
  for (const bool first : {true, false}) {
    ImGui::SetCursorPos({left + (first ? 0 : size.x + gap), origin.y + ui.px(4)});
    ImGui::BeginGroup();
    draw_clip(ui, quiz, first, size);
    ImGui::EndGroup();
  }
  ImGui::SetCursorPos({origin.x, ImGui::GetCursorPosY() + ui.px(6)});
  draw_question(ui, quiz);

  ImGui::SetCursorPosX(origin.x);
  const int shown =
      segmented(ui, "real clip", {"as the model paints", "camera"}, quiz.painted() ? 0 : 1,
                {"The real clip as the model paints what it sees: both are equally blurred, and only what "
                 "happens can tell them apart. From the next clip on.",
                 "The real clip as it is. A decoder's blur may give the dream away from the first step."});
  if (shown >= 0) quiz.show_painted(shown == 0);
  ImGui::SameLine(0, ui.px(12));
  const std::string none = quiz.answers().empty() ? "Nothing has been answered yet." : "";
  if (button(ui, "reset###reset", "Reset", "Forget all answers.", {.why_not = none})) quiz.reset();
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "CSV###csv", "Save the answers", "One line per answer: steps, side, right, kind, MSE.",
             {.why_not = none}))
    save_answers(ui, quiz);
  if (quiz.state() != Quiz::State::idle) {
    ImGui::SameLine(0, ui.px(6));
    if (button(ui, "stop###stop", "Stop", "The dream goes on as it was.")) quiz.stop(ui);
  }
  if (const std::string& said = ui.texts["quiz saved"]; !said.empty()) {
    ImGui::SameLine(0, ui.px(10));
    text(p.muted, "%s", fitted(said, ImGui::GetContentRegionAvail().x).c_str());
  }
  const ImVec2 rest{ImGui::GetContentRegionAvail().x, std::max(ImGui::GetContentRegionAvail().y, ui.px(80))};
  draw_accuracy(ui, quiz, {rest.x * 0.5f - gap, rest.y});
  ImGui::SameLine(0, gap);
  draw_answers(ui, quiz, {rest.x * 0.5f, rest.y});
}

}  // namespace dream::ui
