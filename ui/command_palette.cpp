#include "ui/command_palette.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "ui/chrome.h"
#include "ui/lab.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

std::vector<Finding> everything(const Ui& ui) {
  std::vector<Finding> all;
  for (const Action& action : ui.actions)
    all.push_back({action.group, action.title, action.help, ui.keys_of(action),
                   action.why_not ? action.why_not(ui) : "", action.run});
  std::map<std::string, std::string> worlds;  // and a run to enter them with; empty where there is none yet
  for (const Choice& world : ui.train().environments) worlds[world.name] = "";
  for (const RunView& run : *ui.snapshot->runs) {
    const std::string path = run.path;
    if (run.usable && worlds[run.environment].empty()) worlds[run.environment] = path;
    all.push_back({"Run", run.title,
                   (run.shipped ? "shipped · " : "") + run.environment + " · " + (run.model.empty() ? run.recipe : run.model) + " · " + run.detail, "",
                   run.usable ? "" : run.detail, [path](Ui& to) { to.send(OpenRun{path}); }});
  }
  for (const auto& [world, path] : worlds) {
    if (world.empty()) continue;
    all.push_back({"World", world, path.empty() ? "No run is in this world yet: begin one." : "Dream in it.", "", "",
                   [world = world, path = path](Ui& to) {
                     if (!path.empty()) return to.send(OpenRun{path});
                     to.settings.new_run.environment = world;
                     to.run("new_run");
                   }});
  }
  for (const LabQuestionView& question : lab_of(*ui.snapshot).questions)
    all.push_back({"Question", question.title, question.help, "", "", [name = question.name](Ui& to) {
                     to.lab.question = name;
                     to.want_workspace = "lab";
                   }});
  for (const Panel& panel : panel_list())
    all.push_back(
        {"Panel", panel.title, "Bring it to the front.", "", "", [id = panel.id](Ui& to) { to.want_panel = id; }});
  for (const Field& field : ui.train().fields)
    all.push_back({"Setting", field.key, field.help, "", "", [key = field.key](Ui& to) {
                     to.texts["fields/filter"] = key;
                     to.want_panel = "fields";
                   }});
  return all;
}

/// How well it fits: 0 not at all.
int rank(const Finding& finding, const std::vector<std::string>& words) {
  int score = 1;
  for (const std::string& word : words) {
    const int here = holds(finding.title, word) ? 4 : holds(finding.kind, word) ? 2 : holds(finding.help, word) ? 1 : 0;
    if (here == 0) return 0;
    score += here;
  }
  return score;
}

void draw_finding(Ui& ui, const Finding& finding, int index, bool selected, bool& clicked) {
  ImGui::BeginDisabled(!finding.why_not.empty());
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float wide = ImGui::GetContentRegionAvail().x;
  const std::string label = fitted(finding.kind + ": " + finding.title, wide - ui.px(120));
  clicked = ImGui::Selectable((label + "##" + std::to_string(index)).c_str(), selected);
  right_text(ImGui::GetWindowDrawList(), at.x + wide - ui.px(6), at.y, ui.color().muted, finding.keys.c_str());
  ImGui::EndDisabled();
  tip(ui, finding.title.c_str(), finding.why_not.empty() ? finding.help.c_str() : finding.why_not.c_str());
}

}  // namespace

std::vector<Finding> find(const Ui& ui, const std::string& query) {
  std::istringstream in(query);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  std::vector<std::pair<int, Finding>> fitting;
  for (Finding& finding : everything(ui))
    if (const int score = rank(finding, words); score > 0) fitting.emplace_back(score, std::move(finding));
  std::stable_sort(fitting.begin(), fitting.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Finding> all;
  for (auto& [score, finding] : fitting) all.push_back(std::move(finding));
  return all;
}

void draw_palette(Ui& ui) {
  give_focus_back(ui, "###palette", ui.show_palette);
  if (!ui.show_palette) return;
  const ImVec2 screen = ImGui::GetMainViewport()->Size;
  ImGui::SetNextWindowPos({screen.x / 2, screen.y * 0.16f}, ImGuiCond_Always, {0.5f, 0});
  ImGui::SetNextWindowSize({std::min(ui.px(560), screen.x * 0.9f), std::min(ui.px(430), screen.y * 0.7f)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ViewState& state = ui.views["palette"];
  std::string& query = ui.texts["palette"];
  if (ImGui::Begin("###palette", &ui.show_palette,
                   ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoDocking | ImGuiWindowFlags_NoResize |
                       ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings)) {
    if (ImGui::IsWindowAppearing()) {
      query.clear();
      state.selected = 0;
      ImGui::SetKeyboardFocusHere();
    }
    ImGui::SetNextItemWidth(-1);
    const std::string before = query;
    const bool entered = ImGui::InputTextWithHint("##query", "a command, a run, a world, a panel or a setting", &query,
                                                  ImGuiInputTextFlags_EnterReturnsTrue);
    const bool closing =
        ImGui::IsKeyPressed(ImGuiKey_Escape) ||
        (!ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows) && !ImGui::IsWindowAppearing());
    const int moved = static_cast<int>(ImGui::IsKeyPressed(ImGuiKey_DownArrow)) -
                      static_cast<int>(ImGui::IsKeyPressed(ImGuiKey_UpArrow));
    const std::vector<Finding> found = find(ui, query);
    state.selected =
        query != before ? 0 : std::clamp(state.selected + moved, 0, std::max(static_cast<int>(found.size()) - 1, 0));
    const Finding* chosen = nullptr;
    ImGui::BeginChild("found");
    if (found.empty()) {
      ImGui::PushTextWrapPos();
      text(ui.color().muted,
           "Nothing holds all words of “%s”. Try fewer of them: what to do (“new run”), a world (“catch”), a run's "
           "name, a panel (“log”) or a setting (“learning rate”).",
           query.c_str());
      ImGui::PopTextWrapPos();
    }
    for (int i = 0; i < static_cast<int>(found.size()); ++i) {
      const Finding& finding = found[static_cast<std::size_t>(i)];
      bool clicked = false;
      draw_finding(ui, finding, i, i == state.selected, clicked);
      if (clicked) chosen = &finding;
      if (i == state.selected && moved != 0) ImGui::SetScrollHereY();
    }
    ImGui::EndChild();
    if (entered && !found.empty() && found[static_cast<std::size_t>(state.selected)].why_not.empty())
      chosen = &found[static_cast<std::size_t>(state.selected)];
    if (chosen || closing) {
      ui.show_palette = false;
      give_focus_back(ui, "###palette", false);  // before what was chosen asks for it
    }
    if (chosen) chosen->run(ui);
  }
  ImGui::End();
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
