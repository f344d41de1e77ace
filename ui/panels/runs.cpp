// Runs: a list to open from, a path to type, a folder to choose, and the form of a new run.
#include <algorithm>
#include <filesystem>
#include <functional>
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

bool is_taken(const Snapshot& snapshot, const std::string& directory) {
  const auto plain = [](const std::string& path) { return (std::filesystem::path(path) / "").lexically_normal(); };
  return std::any_of(snapshot.runs->begin(), snapshot.runs->end(),
                     [&](const RunView& run) { return plain(run.path) == plain(directory); });
}

/// A name for the folder of a new run that no run of the list has.
std::string free_folder(const Snapshot& snapshot) {
  std::string name = "runs/mine";
  for (int i = 2; is_taken(snapshot, name); ++i) name = "runs/mine-" + std::to_string(i);
  return name;
}

std::string why_no_new_run(const Snapshot& snapshot, const std::string& recipe, const std::string& environment,
                           const std::string& directory) {
  if (recipe.empty() || environment.empty() || directory.empty())
    return "Choose a recipe, an environment and a folder first.";
  if (!is_taken(snapshot, directory)) return "";
  return "There is a run in this folder already: choose another folder, or go on with that run by a click in the list.";
}

/// In the form's place, before a training under way would be stopped. True once it is answered.
bool ask_first(Ui& ui, const TrainView& train, float width, const std::function<void()>& begin) {
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  text(ui.color().warning, "%s is being trained, and one run is trained at a time.", train.run.c_str());
  ImGui::PopTextWrapPos();
  ImGui::Dummy({0, ui.px(4)});
  const bool stop = button(ui, "stop it and open the new run###stop_first", "New run",
                           "What is trained now is saved and stops; open it again to go on with it.", {.accent = true});
  if (stop) begin();
  ImGui::SameLine(0, ui.px(8));
  return button(ui, "keep training###keep_training", "Keep training", "No new run is begun.") || stop;
}

void draw_new(Ui& ui, const Snapshot& snapshot, float width) {
  header(ui, "New run", ui.color().text, "collect, then learn", width);
  std::string &recipe = ui.texts["new/recipe"], &environment = ui.texts["new/environment"],
              &directory = ui.texts["new/directory"];
  const TrainView& train = *snapshot.train;
  if (recipe.empty() && !train.recipes.empty()) recipe = train.recipes.front().name;
  if (environment.empty() && !train.environments.empty()) environment = train.environments.front().name;
  if (directory.empty() && !ImGui::GetIO().WantTextInput) directory = free_folder(snapshot);
  std::string& settings = ui.texts["new/settings"];
  const auto begin = [&] {
    std::istringstream words(settings);
    // Whoever has a training under way has been asked (ask_first).
    ui.send(StartRun{recipe, environment, directory, {std::istream_iterator<std::string>(words), {}}, train.busy});
    ui.want_panel = "train";
  };
  if (ui.asks_before_new_run && train.busy) {
    ui.asks_before_new_run = !ask_first(ui, train, width, begin);
    return;
  }
  ui.asks_before_new_run = false;
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
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "settings");
  ImGui::SameLine(label);
  ImGui::SetNextItemWidth(width - label - ui.px(138));
  ImGui::InputTextWithHint("##settings", "key=value …", &settings);
  tip(ui, "settings",
      "What is fixed once the run exists, as key=value with spaces between; empty for the paper's own.");
  ImGui::SameLine(0, ui.px(8));
  if (!button(ui, "open the new run###start", "New run", "Makes the folder; F5 then starts the first phase.",
              {.accent = true, .why_not = why_no_new_run(snapshot, recipe, environment, directory)}))
    return;
  if (train.busy)
    ui.asks_before_new_run = true;
  else
    begin();
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
