#include "ui/lab.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/lesson/lesson_runner.h"
#include "ui/panel_list.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Where a dream would begin, in words.
std::string lab_place(const LabMoment& moment) {
  return "episode seed " + std::to_string(moment.seed) + ", step " + std::to_string(moment.step);
}

void begin_at(Ui& ui, const LabMoment& moment) {
  const bool held = ui.lessons && ui.lessons->holds(BeginAt{moment});
  ui.send(BeginAt{moment});  // a lesson that holds it still says so
  if (held) return;
  ui.want_workspace = "play";
  ui.say("Dreams of " + lab_run_name(ui, moment.run) + " begin at " + lab_place(moment) + ".");
}

/// The last part of a run's path.
std::string folder_of(const std::string& run) {
  const auto end = run.find_last_not_of('/');
  const auto slash = run.find_last_of('/', end);
  return end == std::string::npos ? run : run.substr(slash + 1, end - slash);
}

bool same_moment(const LabMoment& a, const LabMoment& b) {
  return a.run == b.run && a.seed == b.seed && a.step == b.step;
}

/// The first of two ends of a walk, the other, or the first taken back.
void choose_walk(Ui& ui, const LabAnswer& answer, const LabMoment& moment) {
  LabMoment& first = ui.lab.walk_from;
  if (first.known() && same_moment(first, moment)) return void(first = {});
  if (!first.known() || first.run != moment.run) {
    first = moment;
    return ui.say("A walk begins at " + lab_place(moment) + ": Shift-click where it leads.");
  }
  ui.send(WalkBetween{first, moment});
  ui.say("A walk from " + lab_place(first) + " to " + lab_place(moment) + ".");
  ui.lab.figure[answer.question] = answer.runs.size() > 1 ? "walk@" + folder_of(moment.run) : "walk";
  first = {};
}

/// A colour for how much a finding weighs.
ImU32 finding_colour(const Ui& ui, LabFinding::Weight weight) {
  const Palette& p = ui.color();
  return weight == LabFinding::Weight::fault ? p.fault : weight == LabFinding::Weight::warning ? p.warning : p.blue;
}

const char* finding_word(LabFinding::Weight weight) {
  return weight == LabFinding::Weight::fault ? "fault" : weight == LabFinding::Weight::warning ? "warning" : "note";
}

/// Brings a panel to the front, in a workspace that shows it.
void show_panel_somewhere(Ui& ui, const std::string& id) {
  const auto shows = [&](const Workspace& w) {
    return std::ranges::any_of(std::vector{&w.left_panels, &w.centre_panels, &w.right_panels, &w.bottom_panels},
                               [&](const auto* ids) { return std::ranges::find(*ids, id) != ids->end(); });
  };
  const auto found = std::ranges::find_if(workspaces(), shows);
  if (found != workspaces().end() && !shows(workspace(ui.settings.workspace))) ui.want_workspace = found->id;
  ui.want_panel = id;
}

/// A knob of the dream stands with the worlds, a setting among the settings.
void show_setting(Ui& ui, const std::string& name) {
  if (std::ranges::any_of(ui.dream().knobs, [&](const KnobView& k) { return k.knob.name == name; }))
    return show_panel_somewhere(ui, "worlds");
  ui.texts["fields/filter"] = name;
  show_panel_somewhere(ui, "fields");
}

void wrapped(ImU32 colour, const std::string& words) {
  ImGui::PushTextWrapPos(0);
  text(colour, "%s", words.c_str());
  ImGui::PopTextWrapPos();
}

}  // namespace

const LabView& lab_of(const Snapshot& snapshot) {
  static const LabView none;
  return snapshot.lab ? *snapshot.lab : none;
}

const LabQuestionView* lab_question(const Ui& ui) {
  const auto& all = lab_of(*ui.snapshot).questions;
  const auto found = std::ranges::find(all, ui.lab.question, &LabQuestionView::name);
  return found != all.end() ? &*found : all.empty() ? nullptr : &all.front();
}

std::vector<std::string> lab_runs(const Ui& ui) {
  std::vector<std::string> runs;
  for (const RunView& run : *ui.snapshot->runs)
    if (run.usable && std::ranges::find(ui.lab.runs, run.path) != ui.lab.runs.end()) runs.push_back(run.path);
  if (runs.empty() && !ui.dream().run.empty()) runs = {ui.dream().run};
  return runs;
}

LabStanding lab_standing(const LabView& lab, const std::string& question, const std::vector<std::string>& runs) {
  LabStanding standing;
  for (const auto& answer : lab.answers)
    if (!standing.answer && answer && answer->question == question && answer->runs == runs) standing.answer = answer.get();
  for (std::size_t i = 0; i < lab.queue.size() && standing.place < 0; ++i)
    if (lab.queue[i].question == question && lab.queue[i].runs == runs) standing.place = static_cast<int>(i);
  return standing;
}

std::string why_not_ask(const Ui& ui) {
  if (!lab_question(ui)) return "The laboratory has no question yet.";
  return lab_runs(ui).empty() ? "No run is dreamt with yet: open one (File, Open run), or choose some to ask about." : "";
}

void ask_lab(Ui& ui, bool anew) {
  if (!why_not_ask(ui).empty()) return;
  ui.send(AskLab{lab_question(ui)->name, lab_runs(ui), anew});
}

void ask_whole_lab(Ui& ui) {
  if (!why_not_ask(ui).empty()) return;
  const LabView& lab = lab_of(*ui.snapshot);
  const auto runs = lab_runs(ui);
  for (const LabQuestionView& question : lab.questions) {
    const LabStanding standing = lab_standing(lab, question.name, runs);
    if (!standing.done() && standing.place < 0) ui.send(AskLab{question.name, runs, false});
  }
}

void add_lab_actions(std::vector<Action>& all) {
  const auto busy = [](const Ui& ui) { return std::string(lab_of(*ui.snapshot).queue.empty() ? "Nothing is being asked." : ""); };
  const auto standing = [](const Ui& ui) { return lab_standing(lab_of(*ui.snapshot), lab_question(ui)->name, lab_runs(ui)); };
  const auto add = [&](const char* id, const char* title, const char* help, auto run, auto why_not) -> Action& {
    return all.emplace_back(Action{id, "Lab", title, 0, "", help, run, why_not});
  };
  Action& ask = add(
      "lab_ask", "Ask the question", "Measures the answer to the Lab's question, in the background.",
      [](Ui& ui) {
        if (ui.settings.workspace != "lab") ui.want_workspace = "lab";
        ask_lab(ui, false);
      },
      [standing](const Ui& ui) {
        if (const std::string none = why_not_ask(ui); !none.empty()) return none;
        const LabStanding now = standing(ui);
        return std::string(now.place >= 0 ? "It is asked already." : now.done() ? "It is answered: ask anew to measure it again." : "");
      });
  ask.chord = ImGuiMod_Ctrl | ImGuiKey_Enter, ask.keys = "Ctrl-Enter", ask.also = {ImGuiMod_Ctrl | ImGuiKey_KeypadEnter};
  add("lab_ask_all", "Ask all questions", "Every question that has no answer yet, one after the other.",
      [](Ui& ui) {
        if (ui.settings.workspace != "lab") ui.want_workspace = "lab";
        ask_whole_lab(ui);
      },
      why_not_ask);
  add("lab_ask_anew", "Ask anew", "Measures again, even what is answered and kept with the run.", [](Ui& ui) { ask_lab(ui, true); },
      [standing](const Ui& ui) {
        if (const std::string none = why_not_ask(ui); !none.empty()) return none;
        const LabStanding now = standing(ui);
        return std::string(now.place >= 0 ? "It is asked already." : !now.answer ? "It has not been asked yet." : "");
      });
  add("lab_cancel", "Cancel the question", "Ends the one under way; what was measured of it is lost.", [](Ui& ui) { ui.send(CancelLab{false}); }, busy)
      .parted = true;
  add("lab_cancel_all", "Cancel all questions", "Ends the one under way and all that wait.", [](Ui& ui) { ui.send(CancelLab{true}); }, busy);
}

std::string lab_run_name(const Ui& ui, const std::string& run) {
  const auto& runs = *ui.snapshot->runs;
  const auto found = std::ranges::find(runs, run, &RunView::path);
  if (found != runs.end() && !found->name.empty())  // two folders may be called alike
    return std::ranges::count(runs, found->name, &RunView::name) > 1 ? run : found->name;
  return folder_of(run);
}

std::string lab_names(const Ui& ui, const std::vector<std::string>& runs) {
  std::string names;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i == 2 && runs.size() > 3) return names + " and " + std::to_string(runs.size() - i) + " more";
    names += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + lab_run_name(ui, runs[i]);
  }
  return names;
}

std::string lab_value(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "cannot tell" : value > 0 ? "∞" : "−∞";
  if (value == 0) value = 0;  // and not -0
  const double size = std::abs(value);
  char out[32];
  if (size >= 999.5 && size < 1e15) {
    const std::string grouped = with_separators(std::llround(size));
    return value < 0 ? "−" + grouped : grouped;
  }
  const bool whole = value == std::round(value);
  std::snprintf(out, sizeof out, size >= 100 || whole ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : size >= 0.01 ? "%.3f" : size >= 0.001 ? "%.4f" : "%.1e", value);
  std::string words = out;
  if (words[0] == '-') words.replace(0, 1, "−");
  return words;
}

std::string lab_interval(const LabNumber& number) {
  if (!std::isfinite(number.low) || !std::isfinite(number.high)) return "";
  return lab_value(number.low) + " … " + lab_value(number.high);
}

std::string lab_explanation(const LabNumber& number) {
  std::string words = number.note;
  if (!words.empty()) words[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(words[0])));
  if (!words.empty() && words.back() != '.') words += '.';
  if (number.verdict != LabNumber::Verdict::none)
    words += number.verdict == LabNumber::Verdict::good ? "\nIn the good band." : "\nIn the bad band.";
  if (const std::string interval = lab_interval(number); !interval.empty()) words += "\n95 % interval over episodes: " + interval + ".";
  for (const auto& other : number.beside) words += "\nBeside it: " + other.label + " " + lab_value(other.value) + ".";
  return words;
}

std::string lab_progress(const LabView& lab) {
  std::string words = std::to_string(std::lround(100 * std::clamp(lab.progress, 0.0, 1.0))) + " %";
  if (lab.eta_seconds >= 0) words += " · " + short_time(std::ceil(lab.eta_seconds)) + " left";
  return words;
}

void draw_lab_figure(Ui& ui, const LabAnswer& answer, const LabFigure& figure, ImVec2 size) {
  if (!figure.value) {
    const Well box = well(ui, "figure", size);
    return centred_note(ui, box.min, box.max, "Nothing was measured here.");
  }
  const auto moment = [&](int element) -> const LabMoment* {
    const bool there = element >= 0 && static_cast<std::size_t>(element) < figure.moments.size();
    return there && figure.moments[static_cast<std::size_t>(element)].known() ? &figure.moments[static_cast<std::size_t>(element)] : nullptr;
  };
  ui.elements = {};
  ui.figure = true;
  if (std::ranges::any_of(figure.moments, &LabMoment::known))
    ui.elements.says = [&](int element) {
      const LabMoment* from = moment(element);
      return from ? "click: dream from here: " + lab_place(*from) : std::string();
    };
  if (std::holds_alternative<Points>(*figure.value) && ui.elements.says) {
    ui.elements.pairs = true;
    const auto first = std::ranges::find_if(figure.moments, [&](const LabMoment& m) { return m.known() && same_moment(m, ui.lab.walk_from); });
    if (first != figure.moments.end()) ui.elements.first = static_cast<int>(first - figure.moments.begin());
  }
  Probe probe{"lab/" + answer.question + "/" + figure.name, figure.title, figure.caption, false, figure.value};
  const auto* image = std::get_if<Image>(figure.value.get());
  if (image && figure.columns > 0 && figure.rows > 0) {
    ImGui::PushID(probe.name.c_str());
    ImGui::BeginGroup();
    draw_sheet(ui, probe, *image, {figure.columns, figure.rows, figure.row_labels, figure.column_labels, figure.film}, size);
    ImGui::EndGroup();
    ImGui::PopID();
  } else if (const auto* map = std::get_if<Heatmap>(figure.value.get()); map && !ui.bare) {
    const float bar = ui.px(76);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImVec2 room{size.x - bar, size.y};
    if (map->rows <= 2 * map->cols && map->cols <= 2 * map->rows && map->rows > 0) {  // a picture, or all against all
      const float side = std::min(room.x / static_cast<float>(map->cols), room.y / static_cast<float>(map->rows));
      room = {side * static_cast<float>(map->cols), side * static_cast<float>(map->rows)};
    }
    draw_value(ui, probe, room);
    WithFont small(ui.fonts.mono, 0.78f);
    const double most = map->diverging ? static_cast<double>(std::max(std::abs(map->low), std::abs(map->high))) : static_cast<double>(map->high);
    draw_colour_bar(ui, {at.x + room.x + ui.px(12), at.y}, {bar - ui.px(12), room.y}, map->diverging ? -most : static_cast<double>(map->low), most, "",
                    [&](float t) { return map->diverging ? signed_colour(2 * t - 1, ui.dark()) : magnitude_colour(t); });
  } else {
    draw_value(ui, probe, size);
  }
  const LabMoment* from = moment(ui.elements.clicked);
  const bool walks = ui.elements.with_shift;
  ui.elements = {};
  ui.figure = false;
  if (from) walks ? choose_walk(ui, answer, *from) : begin_at(ui, *from);
}

float lab_figure_height(const Ui& ui, const LabFigure& figure, ImVec2 most) {
  if (!figure.value) return most.y;
  const auto* image = std::get_if<Image>(figure.value.get());
  if (image && figure.columns > 0 && figure.rows > 0)
    return sheet_height(ui, *image, {figure.columns, figure.rows, figure.row_labels, figure.column_labels, figure.film}, most);
  return figure_height(ui, *figure.value, most.y);
}

void draw_lab_findings(Ui& ui, const LabAnswer& answer, float width) {
  const Palette& p = ui.color();
  int index = 0;
  for (const LabFinding& finding : answer.findings) {
    ImGui::PushID(index++);
    const ImU32 colour = finding_colour(ui, finding.weight);
    const ImVec2 from = ImGui::GetCursorScreenPos();
    const float inset = ui.px(14), above = ui.px(9);
    ImDrawList* list = ImGui::GetWindowDrawList();
    list->ChannelsSplit(2);
    list->ChannelsSetCurrent(1);
    ImGui::SetCursorScreenPos({from.x + inset, from.y + above});
    ImGui::BeginGroup();
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width - 2 * inset);
    {
      WithFont small(ui.fonts.bold, 0.84f);
      const bool note = finding.weight == LabFinding::Weight::note;
      text(colour, "%s  %s%s", note ? icon::note : icon::warning, finding_word(finding.weight),
           finding.run.empty() ? "" : (" · " + finding.run).c_str());
      ImGui::SameLine(0, ui.px(8));
      text(p.muted, "%s", finding.rule.c_str());
    }
    text(p.text, "%s", finding.sentence.c_str());
    {
      WithFont small(ui.fonts.text, 0.9f);
      if (!finding.evidence.empty()) text(p.muted, "Seen: %s", finding.evidence.c_str());
      if (!finding.advice.empty()) text(p.text, "Try: %s", finding.advice.c_str());
    }
    ImGui::PopTextWrapPos();
    const Panel* panel = find_panel(finding.panel);
    if (panel && button(ui, (panel->title + "###show_panel").c_str(), ("Show " + panel->title).c_str(), "Where it can be seen.", {.small = true}))
      show_panel_somewhere(ui, finding.panel);
    if (!finding.setting.empty()) {
      if (panel) ImGui::SameLine(0, ui.px(6));
      if (button(ui, (std::string(icon::sliders) + "  " + finding.setting + "###show_setting").c_str(), finding.setting.c_str(), "Where it can be turned.", {.small = true}))
        show_setting(ui, finding.setting);
    }
    ImGui::EndGroup();
    const ImVec2 to{from.x + width, ImGui::GetItemRectMax().y + above};
    list->ChannelsSetCurrent(0);
    list->AddRectFilled(from, to, p.well, ui.px(6));
    list->AddRectFilled(from, {from.x + ui.px(3), to.y}, colour, ui.px(6), ImDrawFlags_RoundCornersLeft);
    list->ChannelsMerge();
    ImGui::SetCursorScreenPos(from);
    ImGui::Dummy({width, to.y - from.y + ui.px(2)});
    ImGui::PopID();
  }
  if (answer.findings.empty() && answer.complete) wrapped(p.muted, "Nothing was found that a colleague would warn of.");
}

}  // namespace dream::ui
