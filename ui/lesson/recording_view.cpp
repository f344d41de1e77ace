// The page of the Lesson panel while a teacher records one.
#include <algorithm>

#include "api/error.h"
#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

void field(Ui& ui, const char* key, const char* hint, const char* title, const char* sentence) {
  ImGui::SetNextItemWidth(-1);
  ImGui::InputTextWithHint(("###" + std::string(key)).c_str(), hint, &ui.texts[key]);
  tip(ui, title, sentence);
}

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\n") == std::string::npos;
}

}  // namespace

void draw_recording(Ui& ui) {
  const Palette& p = ui.color();
  Recorder& recorder = ui.lessons->recorder;
  const auto& steps = recorder.lesson().steps;
  header(ui, "Record a lesson", p.fault, counted(static_cast<std::int64_t>(steps.size()), "step"));
  field(ui, "record title", "title of the lesson", "Title", "What the lesson is called; its file is named after it.");
  field(ui, "record about", "what it is about, one sentence", "About", "Shown in the list of lessons.");
  ImGui::Dummy({0, ui.px(4)});

  header(ui, "Step " + std::to_string(steps.size() + 1), p.text, "");
  field(ui, "record step", "title of the step", "Title of the step", "A few words.");
  std::string& said = ui.texts["record text"];
  const float foot = 5 * ImGui::GetFrameHeightWithSpacing() + 3 * ImGui::GetTextLineHeight();
  ImGui::InputTextMultiline("###record text", &said,
                            {-1, std::clamp(ImGui::GetContentRegionAvail().y - foot, ui.px(70), ui.px(220))},
                            ImGuiInputTextFlags_WordWrap);
  tip(ui, "Text", "Markdown: **bold**, *italic*, `code`, # headings, - lists.");
  const std::string heard = recorder.heard();
  ImGui::PushTextWrapPos(0);
  text(heard.empty() ? p.muted : p.text, "%s",
       heard.empty() ? "Do something in the window: it is written down." : heard.c_str());
  ImGui::PopTextWrapPos();
  ViewState& state = ui.views["recording"];
  const int who = segmented(ui, "who", {"shown", "to be done"}, state.selected,
                            {"The lesson does by itself what you have just done, as the step begins.",
                             "What you have just done is what the learner must do; the program ticks it."});
  if (who >= 0) state.selected = who;
  const std::string lacks = blank(ui.texts["record step"]) ? "A step has a title."
                            : blank(said)                  ? "A step has a text."
                                                           : "";
  if (button(ui, "add step###add", "Add the step", "Text and deeds become a step; the next one begins.",
             {.accent = true, .why_not = lacks})) {
    recorder.add(ui.texts["record step"], said, state.selected == 1);
    ui.texts["record step"].clear(), said.clear(), ui.texts["record fault"].clear();
  }
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "remove last###remove", "Remove the last step", "It is forgotten.",
             {.why_not = steps.empty() ? "There is no step yet." : ""}))
    recorder.remove_last();

  const std::string unsaid = steps.empty()                     ? "Add a step first."
                             : blank(ui.texts["record title"]) ? "The lesson has no title yet."
                             : blank(ui.texts["record about"]) ? "Say in a sentence what it is about."
                                                               : "";
  if (button(ui, "save###save", "Save the lesson", "A file in your own folder of lessons; it opens at once.",
             {.accent = unsaid.empty(), .why_not = unsaid})) {
    try {
      const auto file = recorder.save(ui.texts["record title"], ui.texts["record about"], ui.lessons->own_folder());
      recorder.stop();
      for (const char* key : {"record title", "record about", "record step", "record text", "record fault"})
        ui.texts[key].clear();
      ui.note(0, "Lesson saved: " + file.string());
      ui.lessons->read();
      return ui.lessons->open(ui, file);
    } catch (const Error& error) {
      ui.texts["record fault"] = error.what();
    }
  }
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "throw away###away", "Throw away", "Stop recording; nothing is kept.")) {
    recorder.stop();
    ui.texts["record fault"].clear();
  }
  if (const std::string& fault = ui.texts["record fault"]; !fault.empty()) {
    ImGui::PushTextWrapPos(0);
    text(p.warning, "%s", fault.c_str());
    ImGui::PopTextWrapPos();
  }
}

}  // namespace dream::ui
