// What can be done with the run that is selected in the list.
#include <algorithm>
#include <filesystem>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panels/runs.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

using Ask = RunsPanel::Ask;

std::string neighbour_of(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).string();
}

/// A name for a copy that no run of the list has. Copies of shipped runs lie with the user's own.
std::string name_for_copy(const Snapshot& snapshot, const RunView& run) {
  const std::string base = run.name + (run.shipped ? "" : "-copy");
  const auto taken = [&](const std::string& name) {
    return std::any_of(snapshot.runs->begin(), snapshot.runs->end(),
                       [&](const RunView& other) { return !other.shipped && other.name == name; });
  };
  std::string name = base;
  for (int i = 2; taken(name); ++i) name = base + '-' + std::to_string(i);
  return name;
}

std::string why_trained(const Ui& ui, const RunView& run) {
  if (ui.train().busy && ui.train().run == run.path) return "It is being trained: stop and save that first.";
  return run.trained_by.empty() ? "" : "It is being trained by " + run.trained_by + ": stop and save that first.";
}

std::string why_no_change(const Ui& ui, const RunView& run) {
  return run.shipped ? "It is shipped with the program and stays as it is: duplicate it first." : why_trained(ui, run);
}

void begin_asking(Ui& ui, Ask ask, std::string name = "") {
  ui.runs.ask = ask;
  ui.runs.name = std::move(name);
  ui.runs.asked_at = ImGui::GetFrameCount();
}

void question(const Ui& ui, const std::string& sentence) {
  ImGui::PushTextWrapPos(0);
  text(ui.color().warning, "%s", sentence.c_str());
  ImGui::PopTextWrapPos();
}

/// A name to type, what it is for, and a way out. True with Enter or the button.
bool ask_name(Ui& ui, const Snapshot& snapshot, const RunView& run, const char* deed, const char* id,
              const char* sentence) {
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "new name");
  ImGui::SameLine(0, ui.px(8));
  ImGui::SetNextItemWidth(-1);
  if (ui.runs.asked_at >= ImGui::GetFrameCount() - 1) ImGui::SetKeyboardFocusHere();  // what is typed is the name, and no shortcut
  const bool entered = ImGui::InputText("##name", &ui.runs.name, ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll);
  const bool given_up = ImGui::IsItemDeactivated() && ImGui::IsKeyPressed(ImGuiKey_Escape, false);
  tip(ui, "New name", "Of the folder; its place stays the same.");
  const std::string target = neighbour_of(run.path, ui.runs.name);
  std::string why_not = ui.runs.name.empty() ? "Type a name first." : "";
  if (ui.runs.name.find('/') != std::string::npos) why_not = "A name, not a path: without a slash.";
  if (!run.shipped && is_taken(snapshot, target)) why_not = "There is a run of this name already.";
  const bool clicked = button(ui, (deed + std::string("###") + id).c_str(), deed, sentence,
                              {.accent = true, .why_not = why_not});
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "cancel###cancel", "Cancel", "Nothing is changed.", {.keys = "Esc"}) || given_up) ui.runs.ask = Ask::nothing;
  return why_not.empty() && (clicked || entered);
}

/// Before training: a shipped run is copied, and a training under way goes first or is stopped.
void ask_train(Ui& ui, const Snapshot& snapshot, const RunView& run) {
  const TrainView& train = *snapshot.train;
  TrainRun order{run.path, run.shipped ? ui.runs.name : "", false, false};
  if (run.shipped)
    question(ui, "A shipped run stays as it is: a copy of it, " + ui.runs.name + ", is trained.");
  const bool other = train.busy && train.run != run.path;
  When when = When::unanswered;
  if (other) {
    when = ask_when(ui, train, "train this");
  } else {
    if (button(ui, "copy and train###train_copy", "Train a copy", "Copies the run and trains the copy on.",
               {.accent = true}))
      when = When::at_once;
    ImGui::SameLine(0, ui.px(6));
    if (button(ui, "cancel###cancel", "Cancel", "Nothing is changed.")) when = When::never;
  }
  if (when == When::unanswered) return;
  ui.runs.ask = Ask::nothing;
  if (when == When::never) return;
  order.stop_training = other && when == When::at_once;
  order.queued = when == When::after;
  ui.send(order);
}

void draw_question(Ui& ui, const Snapshot& snapshot, const RunView& run) {
  switch (ui.runs.ask) {
    case Ask::rename:
      if (!ask_name(ui, snapshot, run, "rename", "rename_now", "Gives the run's folder this name.")) return;
      ui.send(RenameRun{run.path, ui.runs.name});
      ui.runs.selected = neighbour_of(run.path, ui.runs.name);
      break;
    case Ask::duplicate:
      if (!ask_name(ui, snapshot, run, "duplicate", "duplicate_now", "Copies everything in the run's folder.")) return;
      ui.send(DuplicateRun{run.path, ui.runs.name});
      break;
    case Ask::remove:
      question(ui, "Move " + run.path + " to " + neighbour_of(run.path, ".deleted") +
                       "? It can be brought back from there.");
      if (button(ui, "delete###delete_now", "Delete", "Moves the run's folder into .deleted beside it.",
                 {.accent = true})) {
        ui.send(DeleteRun{run.path});
        break;
      }
      ImGui::SameLine(0, ui.px(6));
      if (button(ui, "keep it###cancel", "Keep it", "Nothing is changed.")) break;
      return;
    case Ask::train: return ask_train(ui, snapshot, run);
    case Ask::nothing: return;
  }
  ui.runs.ask = Ask::nothing;
}

void draw_deeds(Ui& ui, const Snapshot& snapshot, const RunView& run) {
  const TrainView& train = *snapshot.train;
  const std::string damaged = run.usable ? "" : run.detail, trained = why_trained(ui, run);
  const float gap = ui.px(6), wide = (ImGui::GetContentRegionAvail().x - 2 * gap) / 3;
  const auto next = [&] { ImGui::SameLine(0, gap); };
  if (button(ui, "dream###dream", "Dream with it", "The worlds show this run's dream. A double click does the same.",
             {.accent = true, .why_not = damaged, .width = wide}))
    ui.send(OpenRun{run.path});
  next();
  if (button(ui, "train this###train_this", "Train this run",
             run.shipped ? "Makes a copy, for a shipped run stays as it is, and trains that on."
                         : "Goes on with its next phase that is not done.",
             {.why_not = damaged.empty() ? trained : damaged, .width = wide})) {
    if (run.shipped || (train.busy && train.run != run.path))
      begin_asking(ui, Ask::train, run.shipped ? name_for_copy(snapshot, run) : "");
    else
      ui.send(TrainRun{run.path, "", false, false});
  }
  next();
  if (button(ui, "new like it###like_this", "A new run like it",
             "Fills the form of a new run with this run's recipe, world and settings.",
             {.why_not = damaged, .width = wide})) {
    ui.runs.like = run.path;
    ui.runs.view = RunsPanel::View::form;
  }
  const std::string fixed = why_no_change(ui, run);
  if (button(ui, "rename###rename", "Rename", "Gives the run's folder another name.",
             {.why_not = fixed, .width = wide}))
    begin_asking(ui, Ask::rename, run.name);
  next();
  if (button(ui, "duplicate###duplicate", "Duplicate", "Copies the run with all of its data.",
             {.why_not = trained, .width = wide}))
    begin_asking(ui, Ask::duplicate, name_for_copy(snapshot, run));
  next();
  if (button(ui, "delete###delete", "Delete",
             "Moves the run into .deleted beside it, from where it can be brought back.",
             {.why_not = fixed, .width = wide}))
    begin_asking(ui, Ask::remove);
}

/// What is being copied, and the last run that was deleted.
void draw_folder_work(Ui& ui, const RunFilesView& files) {
  WithFont small(ui.fonts.text, 0.88f);
  if (!files.copying.empty()) {
    const float wide = ui.px(70);
    progress_bar(ui, files.progress, ui.color().grey, wide, ui.px(5));
    ImGui::SameLine(0, ui.px(8));
    if (button(ui, "stop###cancel_copy", "Stop copying", "Nothing is left of the copy.", {.small = true}))
      ui.send(CancelCopy{});
    ImGui::SameLine(0, ui.px(8));
    const std::string what = "copying " + files.copying;
    text(ui.color().muted, "%s", fitted(what, ImGui::GetContentRegionAvail().x).c_str());
    tip(ui, "Copying", what.c_str());
  } else if (!files.deleted.empty()) {
    const DeletedRun& last = files.deleted.back();
    if (button(ui, "undo###restore", "Undo the deletion", ("Moves it back to " + last.path + ".").c_str(),
               {.small = true}))
      ui.send(RestoreRun{last.kept});
    ImGui::SameLine(0, ui.px(8));
    const std::string what = last.path + " is in " + last.kept;
    text(ui.color().muted, "%s", fitted(what, ImGui::GetContentRegionAvail().x).c_str());
    tip(ui, "Deleted", what.c_str());
  }
}

}  // namespace

void draw_run_card(const Snapshot& snapshot, Ui& ui) {
  const auto found = std::find_if(snapshot.runs->begin(), snapshot.runs->end(),
                                  [&](const RunView& run) { return run.path == ui.runs.selected; });
  if (found == snapshot.runs->end()) {
    ImGui::PushTextWrapPos(0);
    text(ui.color().muted, "Select a run to dream with it, to train it, to name or copy it.");
    ImGui::PopTextWrapPos();
  } else {
    header(ui, found->name, found->usable ? ui.color().text : ui.color().warning,
           found->shipped ? "shipped" : found->training.empty() ? found->path : found->training);
    if (ui.runs.ask == Ask::nothing)
      draw_deeds(ui, snapshot, *found);
    else
      draw_question(ui, snapshot, *found);
  }
  draw_folder_work(ui, *snapshot.run_files);
}

}  // namespace dream::ui
