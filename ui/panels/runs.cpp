// Runs: a list to open from, a path to type, a folder to choose, and the form of a new run.
#include <algorithm>
#include <iterator>
#include <sstream>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void draw_list(Ui& ui, const Snapshot& snapshot) {
  const Palette& p = ui.color();
  if (snapshot.runs->empty()) {
    text(p.muted, "No runs found yet. Start one at the right, type a path, or drop a run's folder on the window.");
    return;
  }
  if (!ImGui::BeginTable("runs", 4,
                         ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingStretchProp))
    return;
  for (const RunView& run : *snapshot.runs) {
    ImGui::PushID(run.path.c_str());
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::BeginDisabled(!run.usable);
    if (ImGui::Selectable(run.title.c_str(), false, ImGuiSelectableFlags_SpanAllColumns)) ui.send(OpenRun{run.path});
    ImGui::EndDisabled();
    tip(ui, run.title.c_str(), run.usable ? ("Dream with it: " + run.path).c_str() : run.detail.c_str());
    ImGui::TableNextColumn();
    text(p.muted, "%s", run.environment.c_str());
    ImGui::TableNextColumn();
    text(p.muted, "%s", run.recipe.c_str());
    ImGui::TableNextColumn();
    text(run.usable ? p.muted : p.warning, "%s", run.detail.c_str());
    ImGui::PopID();
  }
  ImGui::EndTable();
}

void draw_new(Ui& ui, const Snapshot& snapshot, float width) {
  header(ui, "New run", ui.color().text, "collect, then learn", width);
  std::string &recipe = ui.texts["new/recipe"], &environment = ui.texts["new/environment"],
              &directory = ui.texts["new/directory"];
  const TrainView& train = *snapshot.train;
  if (recipe.empty() && !train.recipes.empty()) recipe = train.recipes.front().name;
  if (environment.empty() && !train.environments.empty()) environment = train.environments.front().name;
  if (directory.empty() && !ImGui::GetIO().WantTextInput) directory = "runs/mine";
  const float label = ui.px(96);
  const auto name_row = [&](const char* name) {
    ImGui::AlignTextToFramePadding();
    text(ui.color().muted, "%s", name);
    ImGui::SameLine(label);
    ImGui::SetNextItemWidth(width - label);
  };
  const auto choose = [&](const char* name, const char* id, std::string* value, const std::vector<Choice>& choices,
                          const char* help) {
    name_row(name);
    if (ImGui::BeginCombo(id, value->c_str())) {
      for (const Choice& choice : choices) {
        if (ImGui::Selectable(choice.name.c_str(), choice.name == *value)) *value = choice.name;
        tip(ui, choice.name.c_str(), choice.help.c_str());
      }
      ImGui::EndCombo();
    }
    tip(ui, name, help);
  };
  choose("recipe", "##recipe", &recipe, train.recipes, "Which system of the literature: model, behaviour and phases.");
  choose("environment", "##environment", &environment, train.environments, "The real world to learn.");
  name_row("folder");
  ImGui::InputText("##directory", &directory);
  tip(ui, "folder",
      "Where episodes, checkpoints and curves are written; a relative path begins where the program was started.");
  std::string& settings = ui.texts["new/settings"];
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "settings");
  ImGui::SameLine(label);
  ImGui::SetNextItemWidth(width - label - ui.px(138));
  ImGui::InputTextWithHint("##settings", "key=value …", &settings);
  tip(ui, "settings",
      "What is fixed once the run exists, as key=value with spaces between; empty for the paper's own.");
  ImGui::SameLine(0, ui.px(8));
  const bool complete = !recipe.empty() && !environment.empty() && !directory.empty();
  if (button(ui, "open the new run###start", "New run", "Makes the folder; F5 then starts the first phase.",
             {.accent = true, .why_not = complete ? "" : "Choose a recipe, an environment and a folder first."})) {
    std::istringstream words(settings);
    ui.send(StartRun{recipe, environment, directory, {std::istream_iterator<std::string>(words), {}}});
    ui.want_panel = "train";
  }
}

}  // namespace

void draw_runs(const Snapshot& snapshot, Ui& ui) {
  std::string& path = ui.texts["open/path"];
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const bool wide = space.x > ui.px(700);
  const float right = wide ? std::min(ui.px(420), space.x * 0.36f) : space.x;
  ImGui::BeginChild("list", {wide ? space.x - right - ui.px(24) : space.x,
                             wide ? space.y : std::max(space.y - ui.px(170), ui.px(90))});
  header(ui, "Runs", ui.color().text, "click to dream with it");
  ImGui::SetNextItemWidth(std::max(ImGui::GetContentRegionAvail().x - ui.px(200), ui.px(120)));
  const bool entered = ImGui::InputTextWithHint("##path", "path of a run's folder or a checkpoint", &path,
                                                ImGuiInputTextFlags_EnterReturnsTrue);
  tip(ui, "Path", "A run's folder, or a checkpoint file. Enter opens it.");
  ImGui::SameLine(0, ui.px(6));
  const bool clicked = button(ui, "open", "Open", "Dream with the run at this path.",
                              {.why_not = path.empty() ? "Type a path first." : ""});
  if ((entered || clicked) && !path.empty()) ui.send(OpenRun{path});
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, (std::string(icon::folder) + "###choose").c_str(), "Choose a folder",
             "Opens the folder dialog of your desktop.",
             {.why_not = FolderDialog::available() ? ""
                                                   : "This desktop offers no folder dialog (zenity, kdialog …): type "
                                                     "the path, or drop the folder on the window."}))
    ui.folder_dialog.open();
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "rescan", "Rescan", "Look for runs again.")) ui.send(RescanRuns{});
  draw_list(ui, snapshot);
  ImGui::EndChild();
  if (wide) ImGui::SameLine(0, ui.px(24));
  ImGui::BeginChild("new", {right, 0}, 0, ImGuiWindowFlags_NoScrollbar);
  draw_new(ui, snapshot, right);
  ImGui::EndChild();
}

}  // namespace dream::ui
