// Runs: the list to open from and to keep in order, the form of a new run, the queue.
#include "ui/panels/runs.h"

#include <algorithm>
#include <filesystem>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// A path to type, or a folder to choose.
void draw_path(Ui& ui, float width) {
  std::string& path = ui.texts["open/path"];
  const float gap = ui.px(6);
  ImGui::SetNextItemWidth(std::max(width - ui.px(176), ui.px(80)));
  const bool entered =
      ImGui::InputTextWithHint("##path", "path of a run", &path, ImGuiInputTextFlags_EnterReturnsTrue);
  tip(ui, "Path", "A run's folder, or a checkpoint file, as a shell would read it. Enter opens it.");
  ImGui::SameLine(0, gap);
  const bool clicked = button(ui, "open", "Open", "Dream with the run at this path.",
                              {.why_not = path.empty() ? "Type a path first." : ""});
  if ((entered || clicked) && !path.empty()) ui.send(OpenRun{path});
  ImGui::SameLine(0, gap);
  if (button(ui, (std::string(icon::folder) + "###choose").c_str(), "Choose a folder",
             "Opens the folder dialog of your desktop.",
             {.why_not = FolderDialog::available() ? ""
                                                   : "This desktop offers no folder dialog (zenity, kdialog …): type "
                                                     "the path, or drop the folder on the window."}))
    ui.folder_dialog.open();
  ImGui::SameLine(0, gap);
  if (button(ui, "rescan", "Rescan", "Look for runs again.")) ui.send(RescanRuns{});
}

void draw_list(const Snapshot& snapshot, Ui& ui, const std::string& filter) {
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const bool wide = space.x > ui.px(720);
  const float card = wide ? ui.px(330) : space.x, below = ui.px(128);
  const ImVec2 beside{space.x - card - ui.px(18), space.y}, above{space.x, std::max(space.y - below, ui.px(80))};
  draw_run_table(snapshot, ui, filter, wide ? beside : above);
  if (wide) ImGui::SameLine(0, ui.px(18));
  ImGui::BeginChild("card", {card, 0});
  draw_run_card(snapshot, ui);
  ImGui::EndChild();
}

}  // namespace

bool is_taken(const Snapshot& snapshot, const std::string& directory) {
  const auto plain = [](const std::string& path) { return (std::filesystem::path(path) / "").lexically_normal(); };
  const auto same = [&](const std::string& path) { return plain(path) == plain(directory); };
  const auto& queue = snapshot.train->queue;
  return std::any_of(snapshot.runs->begin(), snapshot.runs->end(), [&](const RunView& r) { return same(r.path); }) ||
         std::any_of(queue.begin(), queue.end(), [&](const QueuedRun& run) { return same(run.run); });
}

When ask_when(const Ui& ui, const TrainView& train, const std::string& deed) {
  ImGui::PushTextWrapPos(0);
  text(ui.color().warning, "%s is being trained, and one run is trained at a time.", train.run.c_str());
  ImGui::PopTextWrapPos();
  When when = When::unanswered;
  if (button(ui, ("stop it, " + deed + "###stop_first").c_str(), "Stop the training under way",
             "What is trained now is saved and stops; open it again to go on with it.", {.accent = true}))
    when = When::at_once;
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "after it###after", "After the training under way",
             "It waits in the queue, and is trained when the other is complete."))
    when = When::after;
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "cancel###keep_training", "Keep training", "Nothing is begun.")) when = When::never;
  return when;
}

void draw_run_queue(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  ImGui::PushTextWrapPos(0);
  if (train.queue.empty())
    text(ui.color().muted, "%s",
         "Nothing waits. While a run is being trained, another one can be put here: it is trained when that is "
         "complete.");
  else if (!train.busy)
    text(ui.color().muted, "%s",
         "Nothing is being trained now: the queue waits until a training is complete, or for “start”.");
  ImGui::PopTextWrapPos();
  if (train.queue.empty() || !ImGui::BeginTable("queue", 3, ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY)) return;
  ImGui::TableSetupColumn("run", ImGuiTableColumnFlags_WidthStretch, 1);
  ImGui::TableSetupColumn("what", ImGuiTableColumnFlags_WidthStretch, 1);
  ImGui::TableSetupColumn("do", ImGuiTableColumnFlags_WidthFixed);
  int place = 0;
  for (const QueuedRun& run : train.queue) {
    ImGui::PushID(static_cast<int>(run.id));
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::AlignTextToFramePadding();
    text(ui.color().text, "%d.  %s", ++place, run.run.c_str());
    ImGui::TableNextColumn();
    text(ui.color().muted, "%s", run.recipe.empty() ? "trained on" : (run.recipe + " · " + run.environment).c_str());
    ImGui::TableNextColumn();
    if (button(ui, "start###start_queued", "Start this one", "Trains it now; the others keep their order.",
               {.why_not = train.busy ? train.run + " is being trained: stop and save that first." : ""}))
      ui.send(QueueControl{QueueControl::Do::start, run.id});
    ImGui::SameLine(0, ui.px(6));
    if (button(ui, "remove###remove_queued", "Remove from the queue", "It is not trained; nothing is deleted."))
      ui.send(QueueControl{QueueControl::Do::remove, run.id});
    ImGui::PopID();
  }
  ImGui::EndTable();
}

void draw_run_views(const Snapshot& snapshot, Ui& ui) {
  const std::size_t waiting = snapshot.train->queue.size();
  const std::string queue = waiting > 0 ? "queue · " + std::to_string(waiting) : "queue";
  const int clicked = segmented(ui, "view", {"runs##list", "new run##form", queue + "###queue"},
                                static_cast<int>(ui.runs.view),
                                {"Every run: shipped ones and your own.", "The form of a new run.",
                                 "What is trained after the training under way."});
  if (clicked >= 0) ui.runs.view = static_cast<RunsPanel::View>(clicked);
}

void draw_runs(const Snapshot& snapshot, Ui& ui) {
  using View = RunsPanel::View;
  if (ui.runs.view == View::form) return draw_new_run(snapshot, ui);
  draw_run_views(snapshot, ui);
  if (ui.runs.view == View::queue) return draw_run_queue(snapshot, ui);
  std::string& filter = ui.texts["runs/filter"];
  float room = ImGui::GetContentRegionAvail().x - ImGui::GetItemRectMax().x + ImGui::GetWindowPos().x;
  const bool one_row = room > ui.px(560);
  if (one_row) ImGui::SameLine(0, ui.px(12));
  room = ImGui::GetContentRegionAvail().x;
  const float wide = one_row ? std::min(room * 0.36f, ui.px(300)) : room;
  ImGui::SetNextItemWidth(wide);
  ImGui::InputTextWithHint("##filter", "filter …", &filter, ImGuiInputTextFlags_EscapeClearsAll);
  tip(ui, "Filter", "Shows the runs that hold these words in any column. Esc empties it.");
  if (one_row) {
    ImGui::SameLine(0, ui.px(12));
    room -= wide + ui.px(12);
  }
  draw_path(ui, room);
  draw_list(snapshot, ui, filter);
}

}  // namespace dream::ui
