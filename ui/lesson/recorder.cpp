#include "ui/lesson/recorder.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "api/error.h"
#include "ui/coupling.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// "Why a dream drifts" → "why_a_dream_drifts".
std::string file_name_of(const std::string& title) {
  std::string name;
  for (const char c : title) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80 && std::isalnum(code))
      name += static_cast<char>(std::tolower(code));
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name.substr(0, 60).empty() ? "lesson" : name.substr(0, 60);
}

std::string how_often(int count, const std::string& once, const std::string& often) {
  return count == 1 ? once : once + ", " + std::to_string(count) + " " + often;
}

}  // namespace

void Recorder::begin(const Ui& ui) {
  *this = {};
  on_ = true;
  workspace_ = ui.settings.workspace;
  for (const HeldLatent& h : ui.dream().held) held_.push_back({h.probe, h.index, static_cast<double>(h.value)});
  // The first step begins where the teacher stands.
  const std::string run = std::filesystem::path(ui.dream().run).filename().string();
  if (is_run_name(run)) done_.run = run;
}

void Recorder::frame(const Ui& ui, const std::string& tab) {
  if (!on_) return;
  if (ui.settings.workspace != workspace_) workspace_ = done_.workspace = ui.settings.workspace;
  if (!tab.empty() && !tab_.empty() && tab != tab_) done_.tab = tab;
  if (!tab.empty()) tab_ = tab;
}

void Recorder::take(const Ui& ui, const Command& command) {
  if (!on_) return;
  if (const auto* open = std::get_if<OpenRun>(&command)) {
    const std::string run = std::filesystem::path(open->path).filename().string();
    if (!is_run_name(run)) return;
    done_.run = run, done_.knobs.clear(), done_.hold.reset(), held_.clear();
  } else if (const auto* knob = std::get_if<SetKnob>(&command)) {
    for (const KnobView& k : ui.dream().knobs)
      if (k.knob.name == knob->name) before_.emplace(knob->name, k.value);
    done_.knobs[knob->name] = knob->value;
  } else if (const auto* tie = std::get_if<SetCoupling>(&command)) {
    done_.coupling.emplace(tie->how, tie->steps);
  } else if (const auto* twin = std::get_if<SetTwin>(&command)) {
    done_.twin = twin->on;
  } else if (const auto* pilot = std::get_if<SetPilot>(&command)) {
    done_.pilot = pilot->human ? "you" : "agent";
  } else if (const auto* speed = std::get_if<SetSpeed>(&command)) {
    if (speed->steps_per_second > 0) done_.speed = speed->steps_per_second / std::max(ui.dream().natural_rate, 1.0f);
  } else if (const auto* hold = std::get_if<HoldLatent>(&command)) {
    std::erase_if(held_, [&](const LatentHold& h) { return h.probe == hold->probe && h.index == hold->index; });
    if (hold->on) held_.push_back({hold->probe, hold->index, static_cast<double>(hold->value)});
    counts_.released += !hold->on;
    done_.hold = held_;
  } else if (std::holds_alternative<RealityPill>(command)) {
    ++counts_.pills;
    done_.actions.push_back("pill");
  } else if (std::holds_alternative<SetGoal>(command)) {
    ++counts_.goals;
  } else if (const auto* edit = std::get_if<EditLatent>(&command)) {
    counts_.edited.emplace(edit->probe, edit->index);
  } else if (std::holds_alternative<RandomiseLatent>(command)) {
    ++counts_.rolls;
  } else if (std::holds_alternative<GoTo>(command)) {
    ++counts_.visited;
  } else if (const auto* drive = std::get_if<Drive>(&command)) {
    counts_.driven += drive->engaged;
  } else if (const auto* control = std::get_if<DreamControl>(&command)) {
    using Do = DreamControl::Do;
    if (control->what == Do::play || control->what == Do::pause) done_.play = control->what == Do::play;
    if (control->what == Do::new_start || control->what == Do::restart)
      done_.start = control->what == Do::new_start ? "new" : "same", ++counts_.starts;
    if (control->what == Do::step) done_.actions.push_back("step"), done_.play = false;
    if (control->what == Do::back) ++counts_.visited, done_.actions.push_back("back");
  }
  if (done_.actions.size() > 60) done_.actions.erase(done_.actions.begin());
}

std::string Recorder::heard() const {
  std::string all;
  const auto say = [&](const std::string& what) { all += (all.empty() ? "" : " · ") + what; };
  if (!done_.run.empty()) say("run " + done_.run);
  if (!done_.workspace.empty()) say("workspace " + done_.workspace);
  if (!done_.tab.empty()) say("tab " + done_.tab);
  if (done_.twin) say(*done_.twin ? "twin on" : "twin off");
  if (done_.coupling) say(coupling_text(done_.coupling->first, done_.coupling->second));
  if (!done_.pilot.empty()) say(done_.pilot + " drives");
  if (done_.speed) say("speed " + short_number(*done_.speed) + "×");
  for (const auto& [name, value] : done_.knobs) say(name + " " + short_number(value));
  if (done_.hold) say(std::to_string(done_.hold->size()) + " held");
  if (!done_.start.empty()) say(done_.start == "new" ? "new start" : "same start");
  if (done_.play) say(*done_.play ? "play" : "pause");
  if (counts_.pills > 0) say(how_often(counts_.pills, "pill", "times"));
  if (counts_.goals > 0) say(how_often(counts_.goals, "goal", "times"));
  if (!counts_.edited.empty()) say("a latent was dragged");
  if (counts_.rolls > 0) say("the dice were thrown");
  if (counts_.driven > 0) say("driven");
  if (counts_.visited > 0) say("gone back");
  return all;
}

void Recorder::add(const std::string& title, const std::string& text, bool learner) {
  LessonStep step;
  if (learner) {
    step.run = done_.run;
    const auto ask = [&](const std::string& that, const std::string& deed, double value, const std::string& name = "",
                         bool below = false) { step.reach.push_back({that, deed, name, value, below}); };
    if (!done_.workspace.empty()) ask("Go to the workspace " + done_.workspace + ".", "workspace", 0, done_.workspace);
    if (!done_.tab.empty()) ask("Open the tab " + done_.tab + " of Mind.", "tab", 0, done_.tab);
    if (done_.twin) ask(*done_.twin ? "Show the real world." : "Leave the real world.", "twin", *done_.twin);
    if (done_.coupling && done_.coupling->first == Coupling::anchored)
      ask("Re-anchor every " + std::to_string(done_.coupling->second) + " steps.", "anchor", done_.coupling->second);
    else if (done_.coupling)
      ask("Choose “" + coupling_text(done_.coupling->first, done_.coupling->second) + "” beside the pill.", "coupling", 0,
          coupling_word(done_.coupling->first));
    if (!done_.pilot.empty()) ask("Let " + done_.pilot + " drive.", "pilot", 0, done_.pilot);
    for (const auto& [name, value] : done_.knobs) {
      const auto was = before_.find(name);
      const bool down = was != before_.end() && value < was->second;
      ask("Set " + name + " to " + short_number(value) + (down ? " or less." : " or more."), "knob", value, name, down);
    }
    if (done_.hold && !done_.hold->empty())
      ask("Hold part of the latent.", "held", static_cast<double>(done_.hold->size()));
    else if (counts_.released > 0)
      ask("Let go of what is held.", "released", 1);
    if (counts_.starts > 0) ask("Begin anew.", "starts", counts_.starts);
    if (done_.play && !*done_.play) ask("Hold the dream still.", "playing", 0);
    if (counts_.pills > 0) ask("Press the reality pill.", "pills", counts_.pills);
    if (counts_.goals > 0) ask("Click where it shall go.", "goals", counts_.goals);
    if (!counts_.edited.empty()) ask("Drag a bar of the latent.", "edits", 1);
    if (counts_.rolls > 0) ask("Throw the dice.", "rolls", 1);
    if (counts_.driven > 0) ask("Drive for 30 steps.", "driven", 30);
    if (counts_.visited > 0) ask("Go back in time.", "visits", 1);
  } else {
    step = done_;
  }
  step.title = title, step.text = text;
  lesson_.steps.push_back(std::move(step));
  done_ = {}, counts_ = {};
  before_.clear();
}

void Recorder::remove_last() {
  if (!lesson_.steps.empty()) lesson_.steps.pop_back();
}

std::filesystem::path Recorder::save(const std::string& title, const std::string& about,
                                     const std::filesystem::path& folder) const {
  if (lesson_.steps.empty()) throw Error("The lesson has no step yet: do something, write a sentence, add a step.");
  if (folder.empty()) throw Error("There is no place for it: this window remembers nothing.");
  Lesson lesson = lesson_;
  lesson.title = title, lesson.about = about;
  const std::string text = to_toml(lesson), name = file_name_of(title);
  parse_lesson(text, name + ".toml");  // what cannot be opened is not saved; it says what is wrong
  std::filesystem::path file;
  std::error_code ignored;
  for (int i = 1; file.empty() || std::filesystem::exists(file, ignored); ++i)
    file = folder / (name + (i > 1 ? "_" + std::to_string(i) : "") + ".toml");
  if (!save_text(file, text)) throw Error(file.string() + " could not be written; is its folder yours to write to?");
  return file;
}

}  // namespace dream::ui
