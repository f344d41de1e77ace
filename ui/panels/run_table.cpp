// The runs as a table.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "imgui.h"
#include "ui/panels/runs.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

enum Column { name_column, world_column, model_column, score_column, progress_column, changed_column, size_column };

std::string date_of(std::int64_t seconds) {
  if (seconds <= 0) return "";
  const std::time_t time = seconds;
  const std::tm* local = std::localtime(&time);
  char text[32] = "";
  if (local) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", local);
  return text;
}

std::string model_of(const RunView& run) {
  return run.model.empty() ? run.recipe : run.model;
}

std::string score_of(const RunView& run) {
  if (!run.score.known) return run.detail;
  const auto& [known, mean, deviation, of] = run.score;
  char text[64];
  const int digits = std::abs(mean) + deviation >= 100 ? 0 : 2;
  std::snprintf(text, sizeof text, "%.*f ± %.*f", digits, mean, digits, deviation);
  return text;
}

/// What there is no room for is in the row's tooltip.
void cell(ImU32 colour, const std::string& words) {
  text(colour, "%s", fitted(words, std::max(ImGui::GetContentRegionAvail().x, 1.0f)).c_str());
}

std::string progress_of(const RunView& run, const TrainView& train) {
  const std::string stands = run.training.substr(0, run.training.find(':'));  // "learn 9 %", as everywhere else
  if (run.path == train.run && train.busy) return "training";
  if (!run.trained_by.empty()) return stands.empty() ? "trained elsewhere" : stands + ", elsewhere";
  return run.progress >= 1 ? "100 %" : stands;
}

/// Negative, 0, positive, as the values of a column are ordered.
int compare(const RunView& a, const RunView& b, int column) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  switch (column) {
    case world_column: return a.environment.compare(b.environment);
    case model_column: return model_of(a).compare(model_of(b));
    case score_column: return sign(a.score.mean, b.score.mean);
    case progress_column: return sign(a.progress, b.progress);
    case changed_column: return sign(a.changed, b.changed);
    case size_column: return sign(a.bytes, b.bytes);
    default: return a.name.compare(b.name);
  }
}

void sort_runs(std::vector<const RunView*>& runs) {
  const ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
  if (!specs || specs->SpecsCount == 0) return;
  const int column = specs->Specs[0].ColumnIndex;
  const bool down = specs->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  std::stable_sort(runs.begin(), runs.end(), [&](const RunView* a, const RunView* b) {
    if (column == score_column) {  // scores compare within a world alone, and what has none comes last
      if (a->environment != b->environment) return a->environment < b->environment;
      if (a->score.known != b->score.known) return a->score.known;
    }
    const int order = compare(*a, *b, column);
    return down ? order > 0 : order < 0;
  });
}

void draw_row(Ui& ui, const RunView& run, const TrainView& train) {
  const Palette& p = ui.color();
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  const std::string id = "###" + run.path;
  if (ImGui::Selectable(id.c_str(), ui.runs.selected == run.path,
                        ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowDoubleClick)) {
    if (ui.runs.selected != run.path) ui.runs.ask = RunsPanel::Ask::nothing;
    ui.runs.selected = run.path;
    if (run.usable && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) ui.send(OpenRun{run.path});
  }
  std::string about = run.usable ? run.environment + " · " + model_of(run) + "\n" + run.detail : run.detail;
  if (!run.training.empty()) about += "\nTraining: " + run.training;
  if (run.changed > 0) about += "\nChanged " + date_of(run.changed) + ", " + short_bytes(run.bytes);
  if (!run.trained_by.empty()) about += "\nTrained by " + run.trained_by;
  tip(ui, run.path.c_str(), (about + "\nA double click or Enter dreams with it.").c_str());
  ImGui::SameLine(0, 0);
  if (run.shipped) {
    shipped_badge(ui);
    ImGui::SameLine(0, ui.px(7));
  }
  cell(run.usable ? p.text : p.muted, run.name.empty() ? run.title : run.name);
  ImGui::TableNextColumn();
  cell(p.muted, world_label(run.environment));
  ImGui::TableNextColumn();
  cell(p.muted, model_of(run));
  ImGui::TableNextColumn();
  cell(!run.usable ? p.warning : run.score.known ? p.text : p.muted, score_of(run));
  if (run.score.known) {
    ImGui::SameLine(0, ui.px(5));
    cell(p.muted, run.score.of);
  }
  if (ImGui::TableNextColumn() && run.progress >= 0) {
    progress_bar(ui, run.progress, p.grey, ui.px(40), ui.px(5));
    ImGui::SameLine(0, ui.px(7));
  }
  cell(p.muted, progress_of(run, train));
  ImGui::TableNextColumn();
  cell(p.muted, date_of(run.changed));
  ImGui::TableNextColumn();
  if (run.bytes > 0) cell(p.muted, short_bytes(run.bytes));
}

}  // namespace

void shipped_badge(const Ui& ui) {
  WithFont small(ui.fonts.text, 0.8f);
  const char* label = "shipped";
  const ImVec2 at = ImGui::GetCursorScreenPos(), size = ImGui::CalcTextSize(label);
  const ImVec2 end{at.x + size.x + ui.px(10), at.y + size.y + ui.px(2)};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRect(at, end, ui.color().muted, ui.px(4));
  list->AddText({at.x + ui.px(5), at.y + ui.px(1)}, ui.color().muted, label);
  ImGui::Dummy({end.x - at.x, size.y});
}

void draw_run_table(const Snapshot& snapshot, Ui& ui, const std::string& filter, ImVec2 size) {
  std::vector<const RunView*> shown;
  for (const RunView& run : *snapshot.runs) {
    const std::string all = run.path + ' ' + (run.shipped ? "shipped" : "own") + ' ' + run.environment + ' ' +
                            run.recipe + ' ' + run.model + ' ' + run.detail + ' ' +
                            progress_of(run, *snapshot.train) + ' ' + date_of(run.changed);
    if (holds(all, filter)) shown.push_back(&run);
  }
  if (shown.empty()) {
    ImGui::BeginChild("none", size);
    ImGui::PushTextWrapPos(0);
    if (snapshot.runs->empty())
      text(ui.color().muted, "No runs found yet. Begin a new run, type a path, or drop a run's folder on the window.");
    else
      text(ui.color().muted, "No run holds “%s” in any column.", filter.c_str());
    ImGui::PopTextWrapPos();
    ImGui::EndChild();
    return;
  }
  if (!ImGui::BeginTable("runs", 7,
                         ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable |
                             ImGuiTableFlags_SortTristate | ImGuiTableFlags_Resizable |
                             ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_NoBordersInBodyUntilResize,
                         size))
    return;
  ImGui::TableSetupScrollFreeze(0, 1);
  constexpr ImGuiTableColumnFlags down = ImGuiTableColumnFlags_PreferSortDescending;
  struct Head {
    const char* name;
    float share;
    ImGuiTableColumnFlags flags;
    const char* help;
  };
  static constexpr Head heads[] = {
      {"name", 2.4f, 0, "The run's folder. A click selects, a double click or Enter dreams with it."},
      {"world", 1.5f, 0, "The environment that it learned."},
      {"model", 1.6f, 0, "The recipe: model, behaviour and phases."},
      {"score", 2.4f, down,
       "Mean return ± deviation of its agent, in its world's own reward: sorted within each world."},
      {"progress", 1.3f, down,
       "The share of its training's phases that is done; empty where there are weights alone."},
      {"changed", 1.5f, down, "When it was saved last."},
      {"size", 0.8f, down, "Of everything in its folder."}};
  for (int i = 0; i < 7; ++i) {  // where there is little room, the tooltip has the rest
    const bool room = i < progress_column || size.x > ui.px(i == progress_column ? 480.0f : 640.0f);
    ImGui::TableSetupColumn(heads[i].name, heads[i].flags | (room ? 0 : ImGuiTableColumnFlags_Disabled), heads[i].share);
  }
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  for (const Head& head : heads) {
    if (!ImGui::TableNextColumn()) continue;
    ImGui::TableHeader(head.name);
    tip(ui, head.name, head.help);
  }
  sort_runs(shown);
  for (const RunView* run : shown) draw_row(ui, *run, *snapshot.train);
  const bool enter = ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !ImGui::GetIO().WantTextInput &&
                     (ImGui::IsKeyPressed(ImGuiKey_Enter, false) || ImGui::IsKeyPressed(ImGuiKey_KeypadEnter, false));
  for (const RunView* run : shown)
    if (enter && run->usable && run->path == ui.runs.selected) ui.send(OpenRun{run->path});
  ImGui::EndTable();
}

}  // namespace dream::ui
