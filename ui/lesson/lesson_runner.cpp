#include "ui/coupling.h"
#include "ui/lesson/lesson_runner.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "api/error.h"
#include "imgui_internal.h"
#include "ui/lesson/quiz.h"
#include "ui/lesson/things.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

namespace fs = std::filesystem;

ImGuiTabBar* mind_tabs() {
  ImGuiWindow* mind = ImGui::FindWindowByName("Mind###mind");
  // Not mind->GetID(): a window that was long out of sight has given back the memory that this looks into.
  return mind ? ImGui::GetCurrentContext()->TabBars.GetByKey(ImHashStr("mind", 0, mind->ID)) : nullptr;
}

ImGuiID tab_id(const ImGuiTabBar& bar, const std::string& group) {
  return ImHashStr(("###" + group).c_str(), 0, bar.ID);
}

/// Which tab of Mind is in front; "all" is the one with everything.
std::string tab_in_front(const DreamView& dream) {
  const ImGuiTabBar* bar = mind_tabs();
  if (!bar) return "";
  if (bar->VisibleTabId == tab_id(*bar, "all")) return "all";
  for (const std::string& name : dream.probe_names)
    if (const std::string group = name.substr(0, name.find('/')); bar->VisibleTabId == tab_id(*bar, group))
      return group;
  return "";
}

/// Brings a tab to the front; false while there is none of this name.
bool show_tab(const std::string& group) {
  ImGuiTabBar* bar = mind_tabs();
  ImGuiTabItem* tab = bar ? ImGui::TabBarFindTabByID(bar, tab_id(*bar, group)) : nullptr;
  if (tab) ImGui::TabBarQueueFocus(bar, tab);
  return tab != nullptr;
}

/// What the steps up to this one have made of the stage; what is done and asked for is the last one's own.
LessonStep stage_after(const Lesson& lesson, int last) {
  LessonStep stage;
  for (int i = 0; i <= last; ++i) {
    const LessonStep& step = lesson.steps[static_cast<std::size_t>(i)];
    if (!step.run.empty() && step.run != stage.run) stage.run = step.run, stage.knobs.clear(), stage.hold.reset();
    if (step.train) stage.train = step.train;
    if (!step.workspace.empty()) stage.workspace = step.workspace;
    if (!step.tab.empty()) stage.tab = step.tab;
    if (step.play) stage.play = step.play;
    if (step.twin) stage.twin = step.twin;
    if (step.coupling) stage.coupling = step.coupling;
    if (step.speed) stage.speed = step.speed;
    if (!step.pilot.empty()) stage.pilot = step.pilot;
    for (const auto& [name, value] : step.knobs) stage.knobs[name] = value;
    if (step.hold) stage.hold = step.hold;
    stage.panels = step.panels, stage.start = step.start, stage.seed = step.seed;
    stage.actions = step.actions, stage.drive = step.drive;
  }
  return stage;
}

}  // namespace

Lessons::Lessons(fs::path shipped, fs::path own) : shipped_(std::move(shipped)), own_(std::move(own)) {
  read();
}

void Lessons::read() {
  files_.clear();
  at_ = -1;
  for (const fs::path& folder : {shipped_, own_}) {
    std::vector<fs::path> paths;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".toml") paths.push_back(entry.path());
    std::ranges::sort(paths);
    for (const fs::path& path : paths) {
      LessonFile file{.path = path, .own = folder == own_, .fault = {}, .lesson = {}};
      try {
        file.lesson = load_lesson(path);
      } catch (const Error& error) {
        file.fault = error.what();
      }
      files_.push_back(std::move(file));
    }
  }
  std::ifstream in(own_.empty() ? fs::path() : own_.parent_path() / "lessons.conf");
  for (std::string line; std::getline(in, line);) {
    const std::size_t equals = line.rfind('=');
    if (equals == std::string::npos) continue;
    for (LessonFile& file : files_)
      if (key_of(file) == line.substr(0, equals))
        file.passed = std::clamp(std::atoi(line.c_str() + equals + 1), 0, static_cast<int>(file.lesson.steps.size()));
  }
}

/// What a lesson is remembered by: shipped ones by name, wherever the program lies; two of one's own may have one name.
std::string Lessons::key_of(const LessonFile& file) {
  return file.own ? file.path.lexically_normal().string() : file.path.filename().string();
}

void Lessons::remember() const {
  if (own_.empty()) return;
  std::string text;
  for (const LessonFile& file : files_)
    if (file.passed > 0) text += key_of(file) + "=" + std::to_string(file.passed) + "\n";
  save_text(own_.parent_path() / "lessons.conf", text);
}

void Lessons::open(Ui& ui, const fs::path& path, int step) {
  leave(ui);
  auto found = std::ranges::find(files_, path, &LessonFile::path);
  if (found == files_.end()) {
    files_.push_back({.path = path, .own = true, .fault = {}, .lesson = {}});
    found = files_.end() - 1;
  }
  ui.want_panel = "lesson";
  if (ui.settings.workspace != "teach") ui.want_workspace = "teach";
  try {
    found->lesson = load_lesson(path);
    found->fault.clear();
  } catch (const Error& error) {
    found->fault = error.what();
    return;
  }
  at_ = static_cast<int>(found - files_.begin());
  const DreamView& dream = ui.dream();
  const auto quiz = ui.quiz->before().value_or(Quiz::Before{dream.human_pilot, dream.twin, {dream.coupling, dream.coupling_steps}});
  ui.quiz->stop(ui);  // before the stage is set, not after
  before_ = {quiz.human, quiz.twin, quiz.coupling, dream.steps_per_second / std::max(dream.natural_rate, 1.0f)};
  fresh_ = true;
  const int steps = static_cast<int>(found->lesson.steps.size());
  step_ = step >= 0 ? std::min(step, steps - 1) : found->passed < steps ? found->passed : 0;
  begin_step(ui, stage_after(found->lesson, step_));
}

void Lessons::leave(Ui& ui) {
  if (at_ < 0) return;
  if (hands_on_) ui.engine.send(Drive{});
  at_ = -1, hands_on_ = false, waits_for_.clear(), begins_.clear(), marks_.clear();
  stage_ = {};
  fresh_ = true;
  stage_.twin = before_.twin, stage_.pilot = before_.human ? "you" : "agent";
  set_stage(ui);
  ui.engine.send(before_.coupling);
  ui.engine.send(SetSpeed{before_.pace * ui.dream().natural_rate});
  if (!begun_.empty() && ui.train().busy && fs::path(ui.train().run).lexically_normal() == fs::path(begun_).lexically_normal())
    ui.say("The training that this lesson has begun goes on: stop & save (Train) ends it.");
  begun_.clear();
}

void Lessons::go(Ui& ui, int step) {
  const int last = static_cast<int>(current()->lesson.steps.size()) - 1;
  if (step == step_ + 1) {
    LessonFile& file = files_[static_cast<std::size_t>(at_)];
    file.passed = std::max(file.passed, step);
    remember();
  }
  if (step > last) return leave(ui);
  const bool onward = step == step_ + 1;
  step_ = std::clamp(step, 0, last);
  fresh_ = !onward;
  begin_step(ui, onward ? now() : stage_after(current()->lesson, step_));
}

void Lessons::begin_step(Ui& ui, const LessonStep& stage) {
  const LessonStep& step = now();
  if (hands_on_) ui.engine.send(Drive{});
  stage_ = stage;
  text_ = parse_markdown(step.text);
  reached_.assign(step.reach.size(), false);
  answered_ = -1, trouble_.clear(), waits_for_.clear(), begins_.clear(), hands_on_ = false, hand_ = 0;
  watch_ = {};
  marks_.clear();
  marks_[behind_more];
  for (const std::string& name : step.point) {
    const Thing* thing = find_thing(name);
    if (!thing) marks_[name].pointed = true;
    for (std::size_t i = 0; thing && i < thing->titles.size(); ++i) marks_[thing->titles[i]].pointed = true;
  }
  for (const Reach& reach : step.reach)  // what is to be watched or set is brought into sight
    if (reach.deed == "curve" || reach.deed == "setting" || reach.deed == "knob")
      marks_[reach.name.substr(0, reach.name.find('='))].pointed = true;
  for (const std::string& name : step.lock)
    if (const Thing* thing = find_thing(name))
      for (const std::string& title : thing->titles) marks_[title].locked = note_of(name);
  // The lesson's own page stays in sight wherever a step goes.
  const std::string workspace = stage.workspace.empty() ? ui.settings.workspace : stage.workspace;
  if (workspace != ui.settings.workspace) ui.want_workspace = workspace;
  ui.want_panel = "lesson";
  if (stage.train) {
    // The run that this lesson has begun before goes on; another one each time would fill the disk.
    const auto earlier = begun_by_.find(key_of(*current()) + "\n" + stage.train->recipe);
    const auto is_it = [&](const RunView& run) { return earlier != begun_by_.end() && run.path == earlier->second && run.usable; };
    const auto there = std::ranges::find_if(*ui.snapshot->runs, is_it);
    const bool known = there != ui.snapshot->runs->end(), learned = known && there->progress >= 1;
    if (learned && !step.train) {  // a later step speaks of what has been learned
      begun_ = earlier->second;
    } else if (known && !learned && (!ui.train().busy || ui.train().run == earlier->second)) {
      begins_ = begun_ = earlier->second;
      ui.engine.send(TrainRun{begins_, "", false, false});
    } else if (step.train || stage.run != begun_run) {
      begins_ = "?";
      for (std::string& setting : stage_.train->settings) setting = with_folder(ui, setting);
      ui.engine.send(DescribeRun{stage.train->recipe, stage.train->world, "", stage_.train->settings, ""});
    }
  }
  if (!stage.run.empty() && !run_is_open(ui, stage.run)) return open_run(ui, stage.run);
  set_stage(ui);
}

void Lessons::set_stage(Ui& ui) {
  const DreamView& dream = ui.dream();
  const auto send = [&](Command command) { ui.engine.send(std::move(command)); };
  std::map<std::string, double> knobs = stage_.knobs;
  if (std::exchange(fresh_, false)) {
    for (const KnobView& k : dream.knobs)
      if (!knobs.contains(k.knob.name) && k.value != k.knob.default_value) knobs[k.knob.name] = k.knob.default_value;
    if (!stage_.hold) stage_.hold.emplace();
  }
  if (stage_.twin && *stage_.twin != dream.twin) send(SetTwin{*stage_.twin});
  for (const auto& [name, value] : knobs) {
    const auto known = std::ranges::find(dream.knobs, name, [](const KnobView& k) { return k.knob.name; });
    if (known == dream.knobs.end())
      trouble_ = "This run has no slider '" + name + "'.";
    else
      send(SetKnob{name, std::clamp(value, known->knob.minimum, known->knob.maximum)});
  }
  if (stage_.coupling) send(SetCoupling{stage_.coupling->first, stage_.coupling->second});
  if (stage_.hold) {
    for (const HeldLatent& h : dream.held) send(HoldLatent{h.probe, h.index, h.value, false});
    for (const LatentHold& h : *stage_.hold) send(HoldLatent{h.probe, h.index, static_cast<float>(h.value), true});
  }
  if (stage_.seed) send(StartAt{static_cast<std::uint64_t>(*stage_.seed)});
  if (!stage_.start.empty())
    send(DreamControl{stage_.start == "new" ? DreamControl::Do::new_start : DreamControl::Do::restart});
  if (!stage_.pilot.empty()) send(SetPilot{stage_.pilot == "you"});
  if (stage_.speed) send(SetSpeed{static_cast<float>(*stage_.speed) * dream.natural_rate});
  if (stage_.play) send(DreamControl{*stage_.play ? DreamControl::Do::play : DreamControl::Do::pause});
  if (!stage_.panels.empty()) ui.want_panel = stage_.panels.back();
  // In Teach the quiz may lie over what a step speaks of; elsewhere the lesson itself stands among the worlds' tabs.
  worlds_wanted_ = stage_.panels.empty() && (ui.want_workspace.empty() ? ui.settings.workspace : ui.want_workspace) == "teach";
  for (const std::string& id : stage_.actions) ui.run(id);
  tab_wanted_ = !stage_.tab.empty();
  hand_ = 0, hand_left_ = 0;
  for (const Scripted& hands : stage_.drive)
    if (hands.action.size() != dream.spaces.action.size()) {
      trouble_ = "The lesson drives with " + std::to_string(hands.action.size()) + " numbers; this world takes " +
                 std::to_string(dream.spaces.action.size()) + ".";
      stage_.drive.clear();
      break;
    }
  watch_ = {};
}

void Lessons::frame(Ui& ui) {
  const std::string tab = tab_in_front(ui.dream());
  recorder.frame(ui, tab);
  if (at_ < 0) return;
  if (!waits_for_.empty()) {
    if (!run_is_open(ui, waits_for_)) return;
    waits_for_.clear();
    set_stage(ui);
  }
  if (!begins_.empty()) return begin_training(ui);
  if (tab_wanted_ && show_tab(stage_.tab)) tab_wanted_ = false;
  if (ui.want_panel.empty() && std::exchange(worlds_wanted_, false)) ui.want_panel = "worlds";
  follow(ui);
  watch_.tab = tab;
  const LessonStep& step = now();
  for (std::size_t i = 0; i < step.reach.size(); ++i) {
    const Reach& reach = step.reach[i];
    const Deed& deed = *find_deed(reach.deed);
    if (reach.deed == "probe") ui.wanted_probes.insert(reach.name);
    const double value = deed.measure(ui, watch_, reach.name);
    bool there = false;  // what is not known is not reached
    switch (deed.kind) {
      case Deed::Kind::count:
        there = value >= reach.value;
        break;
      case Deed::Kind::flag:
      case Deed::Kind::exact:
        there = value == reach.value;
        break;
      case Deed::Kind::word:
        there = value > 0;
        break;
      case Deed::Kind::named:
        there = reach.below ? value <= reach.value : value >= reach.value;
        break;
    }
    if (there) reached_[i] = true;
  }
}

/// Counts the dream's steps, and moves the lesson's own hands.
void Lessons::follow(Ui& ui) {
  const DreamView& dream = ui.dream();
  const std::int64_t since = dream.run == last_run_ ? dream.dreamt - last_dreamt_ : 0;
  last_run_ = dream.run, last_dreamt_ = dream.dreamt;
  const auto lived = static_cast<double>(std::max<std::int64_t>(since, 0));  // a run that is opened again counts anew
  watch_.steps += lived;
  if (dream.hands_on && !hands_on_) watch_.driven += lived;
  if (hands_on_) hand_left_ -= lived;
  play_hands(ui);
}

void Lessons::play_hands(Ui& ui) {
  if (hand_left_ > 0 && !ui.keymap.engaged()) return;
  if (hands_on_ && (ui.keymap.engaged() || hand_ >= stage_.drive.size())) {
    hands_on_ = false, hand_ = stage_.drive.size(), hand_left_ = 0;
    if (!ui.keymap.engaged()) ui.engine.send(Drive{});
  }
  if (hand_ >= stage_.drive.size() || ui.keymap.engaged()) return;
  const Scripted& next = stage_.drive[hand_++];
  hands_on_ = true, hand_left_ = next.steps;
  ui.engine.send(Drive{true, {next.action.begin(), next.action.end()}, 0});
}

void Lessons::answer(int choice) {
  if (at_ >= 0 && now().question && choice >= 0 && choice < static_cast<int>(now().question->answers.size()))
    answered_ = choice;
}

std::string Lessons::stands(const Ui& ui, const Reach& reach) const {
  const Deed& deed = *find_deed(reach.deed);
  if (deed.kind != Deed::Kind::count || deed.unit.empty() || reach.value == 1) return "";
  const double value = deed.measure(ui, watch_, reach.name);
  if (!std::isfinite(value)) return "";
  const auto said = [&](double number) {  // steps are counted, errors measured
    return deed.high > 1 ? with_separators(std::llround(number)) : short_number(number);
  };
  return said(value) + " of " + said(reach.value) + " " + deed.unit;
}

std::string Lessons::missing() const {
  if (at_ < 0) return "";
  if (!waits_for_.empty()) return "The run is being opened.";
  if (!begins_.empty()) return "The run is being begun.";
  for (std::size_t i = 0; i < reached_.size(); ++i)
    if (!reached_[i]) return "First: " + now().reach[i].that;
  if (now().question && (answered_ < 0 || !now().question->answers[static_cast<std::size_t>(answered_)].right))
    return "First: answer the question.";
  return "";
}

bool Lessons::take(const Ui& ui, const Command& command) {
  if (holds(command)) return false;
  recorder.take(ui, command);
  if (at_ < 0) return true;
  watch_.pills += std::holds_alternative<RealityPill>(command);
  watch_.goals += std::holds_alternative<SetGoal>(command);
  if (const auto* edit = std::get_if<EditLatent>(&command)) watch_.edited.emplace(edit->probe, edit->index);
  watch_.rolls += std::holds_alternative<RandomiseLatent>(command);
  watch_.visited += std::holds_alternative<GoTo>(command);
  if (const auto* hold = std::get_if<HoldLatent>(&command)) watch_.released += !hold->on;
  if (const auto* control = std::get_if<DreamControl>(&command)) {
    watch_.starts += control->what == DreamControl::Do::restart || control->what == DreamControl::Do::new_start;
    watch_.visited += control->what == DreamControl::Do::back;
  }
  return true;
}

bool Lessons::holds(const Command& command) const {
  if (at_ < 0) return false;
  return std::ranges::any_of(now().lock, [&](const std::string& name) { return find_thing(name)->does(command); });
}

std::string Lessons::note_of(const std::string& thing) const {
  return "This step of the lesson keeps " + find_thing(thing)->what + " as it is. Leave the lesson to have it back.";
}

std::string Lessons::why_locked(const std::string& action) const {
  if (at_ < 0) return "";
  for (const std::string& name : now().lock)
    if (std::ranges::find(find_thing(name)->actions, action) != find_thing(name)->actions.end()) return note_of(name);
  return "";
}

bool Lessons::hides(const std::string& what) const {
  return at_ >= 0 && std::ranges::find(now().hide, what) != now().hide.end();
}

}  // namespace dream::ui
