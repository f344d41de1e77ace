// Every curve of the run, large, grouped by the part of its name before the slash, with the shipped run's and those of
// other runs behind it. Wheel, drag and double click move the axes; a right click has the rest.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "ui/curve_files.h"
#include "ui/desktop.h"
#include "ui/panel_list.h"
#include "ui/plots.h"
#include "ui/slider.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr Scale smoothing_scale{0, 0.99};
constexpr const char* smoothing_help =
    "Weight of what came before in the running mean; 0 shows the bare line, which else stands faint behind. "
    "Double-click: 0.60.";

struct Group {
  std::string name;
  std::vector<const CurveView*> curves;
};

std::vector<Group> grouped(const std::vector<const CurveView*>& curves) {
  std::vector<Group> groups;
  for (const CurveView* curve : curves) {
    std::string name = curve->name.substr(0, curve->name.find('/'));
    auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) { return group.name == name; });
    if (found == groups.end()) found = groups.insert(groups.end(), {std::move(name), {}});
    found->curves.push_back(curve);
  }
  return groups;
}

bool shows_something(const CurveView& curve) {
  return !curve.y.empty() || !curve.reference_y.empty() || !curve.others.empty();
}

/// Of the n-th run that is laid over; the length of its dashes differs too.
ImU32 run_colour(const Ui& ui, std::size_t n) {
  const std::array<ImU32, 4> all{ui.color().blue, ui.color().pink, ui.color().warning, ui.color().real};
  return all[n % all.size()];
}

void save_csv(Ui& ui, const TrainView& train, const CurveView& curve, const PlotState& state) {
  const std::filesystem::path file = screenshot_path(curve.name, ".csv");
  const bool saved = save_text(file, csv_of(train.run, curve, state.smoothing));
  ui.note(saved ? 0 : 1, saved ? "Curve saved: " + file.string() : file.string() + " could not be written.");
}

void log_item(Ui& ui, const char* label, bool on, const std::string& why_not, const std::function<void()>& turn) {
  if (ImGui::MenuItem(label, nullptr, on && why_not.empty(), why_not.empty())) turn();
  tip(ui, label, why_not.empty() ? "Equal distances are equal factors." : why_not.c_str());
}

/// What a right click offers. `min`, `max`: of the plot with its heading, for the picture.
void draw_menu(Ui& ui, const TrainView& train, const CurveView& curve, PlotState& state, ImVec2 min, ImVec2 max) {
  if (!ImGui::BeginPopup("menu")) return;
  {
    WithFont bold(ui.fonts.bold, 1);
    ImGui::TextUnformatted(curve.title.c_str());
  }
  slider(ui, "##smoothing", &state.smoothing, smoothing_scale, PlotState().smoothing, ui.px(120));
  tip(ui, "Smoothing", smoothing_help);
  ImGui::SameLine();
  mono(ui, ui.color().text, "%.2f", state.smoothing);
  const auto refit = [&](auto& what, auto value) { what = value, state.follow = true; };
  if (ImGui::MenuItem("fit to this run", "double-click", false, !state.follow)) state.follow = true;
  tip(ui, "Fit",
      state.follow ? "The axes follow this run's points already." : "The axes follow this run's points again.");
  // A curve that counts from 0 still has a logarithmic axis: its first point is left out.
  const std::string no_x = curve.x.size() > 1 && curve.x.back() > 0 ? "" : "There are too few points yet.";
  log_item(ui, "logarithmic x", state.log_x, no_x, [&] { refit(state.log_x, !state.log_x); });
  const std::string no_y = why_no_log(curve.y);
  log_item(ui, "logarithmic y", state.log_y == 1, no_y, [&] { refit(state.log_y, state.log_y == 1 ? 0 : 1); });
  if (ImGui::MenuItem("shipped run", nullptr, state.reference && !curve.reference_y.empty(),
                      !curve.reference_y.empty()))
    state.reference = !state.reference;
  tip(ui, "Shipped run",
      curve.reference_y.empty() ? "No shipped run has this recipe in this world." : "In grey: what normal looks like.");
  ImGui::Separator();
  if (ImGui::MenuItem("save as PNG")) ui.want_cutout = Ui::Cutout{curve.name, min, max};
  tip(ui, "PNG", "The plot as it is seen now, as a picture beside the screenshots.");
  if (ImGui::MenuItem("save as CSV")) save_csv(ui, train, curve, state);
  tip(ui, "CSV", "All points of all lines as a table, beside the screenshots.");
  ImGui::EndPopup();
}

void draw_one(Ui& ui, const TrainView& train, const CurveView& curve, ImVec2 size) {
  PlotState& state = ui.plots.try_emplace(curve.name, ui.plots[""]).first->second;
  ImGui::PushID(curve.name.c_str());
  ImGui::BeginGroup();
  const ImVec2 min = ImGui::GetCursorScreenPos();
  // The figure stands whole; the title is cut first, and the tooltip has it.
  const std::string note = curve.y.empty() ? "not begun" : short_number(curve.y.back()) + " " + curve.unit;
  float figure = 0;
  {
    WithFont small(ui.fonts.text, 0.88f);
    figure = ImGui::CalcTextSize(note.c_str()).x + ui.px(14);
  }
  std::string title;
  {
    WithFont bold(ui.fonts.bold, 0.96f);
    title = fitted(curve.title, size.x - figure);
  }
  header(ui, title, ui.color().text, note, size.x);
  std::string meaning = curve.name + (curve.unit.empty() ? "" : ", " + curve.unit) + " over " + curve.x_unit + "s.";
  if (curve.has_floor)
    meaning += " Dashed: " + curve.floor_label + ", " + short_number(curve.floor) + " " + curve.unit + ".";
  if (!curve.reference_y.empty()) meaning += " Grey: the shipped run, what normal looks like.";
  tip(ui, curve.title.c_str(), (meaning + " Wheel, drag, double-click: zoom, move, fit; right-click: more.").c_str());
  std::vector<PlotLine> others;
  for (std::size_t i = 0; i < curve.others.size(); ++i) {
    const RunLine& other = curve.others[i];
    others.push_back({&other.y, run_colour(ui, i), other.run.c_str(), &other.x, static_cast<float>(4 + 3 * (i % 4))});
  }
  CurveLook look;
  look.colour = ui.color().dream;
  look.x_unit = curve.x_unit.c_str(), look.y_unit = curve.unit.c_str();
  look.reference_x = &curve.reference_x, look.reference_y = &curve.reference_y;
  look.others = &others;
  look.has_floor = curve.has_floor, look.floor = curve.floor, look.floor_label = curve.floor_label.c_str();
  look.axes = look.may_log = true;
  look.state = &state;
  draw_curve(ui, "##plot", curve.x, curve.y, size, look);
  const ImVec2 max{min.x + size.x, ImGui::GetCursorScreenPos().y};
  if (ImGui::IsMouseReleased(ImGuiMouseButton_Right) && ImGui::IsMouseHoveringRect(min, max) &&
      ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows))
    ImGui::OpenPopup("menu");
  draw_menu(ui, train, curve, state, min, max);
  ImGui::Dummy({0, ui.px(4)});
  ImGui::EndGroup();
  mark(ui, curve.name);
  ImGui::PopID();
}

void draw_run_choice(Ui& ui, const Snapshot& snapshot) {
  const TrainView& train = *snapshot.train;
  std::vector<const RunView*> runs;
  for (const RunView& run : *snapshot.runs)
    if (run.usable && run.path != train.run) runs.push_back(&run);
  const std::size_t chosen = train.compared.size();
  const std::string label = chosen > 0 ? "other runs: " + std::to_string(chosen) : "other runs";
  if (button(ui, (label + "###compare").c_str(), "Other runs", "Lays their curves over these, as they were saved last.",
             {.small = true, .why_not = runs.empty() ? "There is no other run to compare with." : ""}))
    ImGui::OpenPopup("runs");
  if (!ImGui::BeginPopup("runs")) return;
  for (const RunView* run : runs) {
    const auto found = std::find(train.compared.begin(), train.compared.end(), run->path);
    bool on = found != train.compared.end();
    if (on) {
      const auto n = static_cast<std::size_t>(found - train.compared.begin());
      ImGui::PushStyleColor(ImGuiCol_Text, run_colour(ui, n));
    }
    const bool was = on;
    if (ImGui::Checkbox((run->title + "##" + run->path).c_str(), &on)) {
      CompareCurves wanted{train.compared};
      if (on)
        wanted.runs.push_back(run->path);
      else
        std::erase(wanted.runs, run->path);
      ui.send(std::move(wanted));
    }
    if (was) ImGui::PopStyleColor();
    tip(ui, run->title.c_str(),
        (run->environment + " · " + run->recipe + ". Curves of the same name are laid over.").c_str());
  }
  ImGui::EndPopup();
}

/// What holds for all curves at once; each has its own on a right click.
void draw_controls(Ui& ui, const Snapshot& snapshot, float width) {
  PlotState& all = ui.plots[""];
  const auto each = [&](auto change) {
    for (auto& [name, state] : ui.plots) change(state);
  };
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(7), ui.px(2)});
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "smoothing");
  ImGui::SameLine();
  double smoothing = all.smoothing;
  slider(ui, "##smoothing", &smoothing, smoothing_scale, PlotState().smoothing,
         std::clamp(width - ui.px(390), ui.px(70), ui.px(150)));
  tip(ui, "Smoothing", smoothing_help);
  if (smoothing != all.smoothing) each([&](PlotState& state) { state.smoothing = smoothing; });
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  mono(ui, ui.color().text, "%.2f", smoothing);
  if (width > ui.px(440)) ImGui::SameLine(0, ui.px(16));
  bool reference = all.reference;
  if (ImGui::Checkbox("shipped run", &reference)) each([&](PlotState& state) { state.reference = reference; });
  tip(ui, "Shipped run", "In grey behind every curve that it has: what normal looks like.");
  ImGui::SameLine(0, ui.px(16));
  draw_run_choice(ui, snapshot);
  ImGui::PopStyleVar();
  // Whose line is which, where there are more than two.
  const std::vector<std::string>& compared = snapshot.train->compared;
  float used = 0;
  WithFont small(ui.fonts.text, 0.88f);
  for (std::size_t i = 0; i < compared.size(); ++i) {
    const std::string name = fitted("- - " + compared[i], width);
    const float wide = ImGui::CalcTextSize(name.c_str()).x + ui.px(14);
    if (i > 0 && used + wide < width)
      ImGui::SameLine(0, ui.px(14));
    else
      used = 0;
    used += wide;
    text(run_colour(ui, i), "%s", name.c_str());
  }
}

/// Nothing to draw: what can be done about it.
void draw_invitation(Ui& ui, const TrainView& train) {
  const ImVec2 at = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
  const float middle = space.y / 2, wide = ui.px(170);
  centred_note(ui, at, {at.x + space.x, at.y + middle},
               !train.open  ? "Open a run for training, or start a new one."
               : train.busy ? "The first points come with the first steps of this phase."
                            : "Curves appear with the first steps of training.");
  ImGui::SetCursorScreenPos({at.x + (space.x - wide) / 2, at.y + middle / 2 + ui.px(24)});
  if (train.open && !train.busy) {
    action_button(ui, "start training  F5", "train_start", true, wide);
  } else if (!train.open && button(ui, "choose a run…###choose_run", "Runs",
                                   "The list of runs, and the form of a new one.", {.accent = true, .width = wide})) {
    ui.want_panel = "runs";
  }
}

}  // namespace

void draw_curves(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  std::vector<const CurveView*> shown;
  std::string waiting;
  for (const CurveView& curve : train.curves) {  // of the run that is open for training, else of the shipped one that dreams
    if (shows_something(curve))
      shown.push_back(&curve);
    else
      waiting += (waiting.empty() ? "Not begun: " : " · ") + curve.title;
  }
  if (shown.empty()) return draw_invitation(ui, train);
  if (!train.open) {
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted, "How this run was trained. It is shipped and stays as it is: a copy of it can be trained on (Runs).");
    ImGui::PopTextWrapPos();
    waiting.clear();
  }
  if (train.open && train.run != snapshot.dream->run && snapshot.dream->ready) {
    WithFont small(ui.fonts.text, 0.88f);
    text(ui.color().muted, "%s", fitted("Of " + train.run + ", which is open for training; the dream is another run's.", ImGui::GetContentRegionAvail().x).c_str());
  }
  draw_controls(ui, snapshot, ImGui::GetContentRegionAvail().x);
  // A few fill the panel; many scroll, under the headings of their groups. What has no point yet leaves its place.
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const int count = static_cast<int>(shown.size());
  std::vector<Group> groups = grouped(shown);
  const bool headings = count > 6 && groups.size() > 1;
  if (!headings) groups = {{"", shown}};
  ImGui::BeginChild("curves", {0, 0}, 0, ImGuiWindowFlags_NoBackground);
  const float wide = ImGui::GetContentRegionAvail().x, gap = ui.px(18);
  const int columns = count == 1 ? 1 : std::clamp(static_cast<int>(wide / ui.px(230)), 1, count > 6 ? 4 : 2);
  const float width = (wide - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  const float line = ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
  const float below = waiting.empty() ? 0 : ImGui::CalcTextSize(waiting.c_str(), nullptr, false, wide).y + ui.px(6);
  const int rows = (count + columns - 1) / columns;
  const float height = std::max(ui.px(120), (space.y - below) / static_cast<float>(rows) - line - ui.px(20));
  for (Group& group : groups) {
    if (headings) {
      group.name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(group.name[0])));
      const std::size_t size = group.curves.size();
      header(ui, group.name, ui.color().muted, counted(static_cast<std::int64_t>(size), "curve"), wide);
    }
    for (std::size_t i = 0; i < group.curves.size(); ++i) {
      if (i % static_cast<std::size_t>(columns)) ImGui::SameLine(0, gap);
      draw_one(ui, train, *group.curves[i], {width, height});
    }
  }
  if (!waiting.empty()) {
    ImGui::PushTextWrapPos(0);
    WithFont small(ui.fonts.text, 0.88f);
    text(ui.color().muted, "%s", waiting.c_str());
    ImGui::PopTextWrapPos();
  }
  ImGui::EndChild();
}

}  // namespace dream::ui
