// What can be done with the episodes of a dataset that are chosen.
#include <algorithm>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panels/data.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

using Ask = DataPanel::Ask;
using Do = EditData::Do;

std::string episodes_in_words(std::size_t count) {
  return counted(count, "episode");
}

void send_edit(const DataView& data, Ui& ui, Do what, const std::string& path = "") {
  EditData edit{what, {ui.data.selected.begin(), ui.data.selected.end()}, path, data.revision};
  if (what == Do::merge || what == Do::undo) edit.episodes.clear();
  ui.send(std::move(edit));
  ui.data.ask = Ask::nothing;
}

void cancel_button(Ui& ui) {
  ImGui::SameLine(0, ui.px(6));
  if (button(ui, "cancel###cancel", "Cancel", "Nothing is changed.")) ui.data.ask = Ask::nothing;
}

void ask_in_words(const Ui& ui, const std::string& sentence) {
  WithFont small(ui.fonts.text, 0.92f);
  ImGui::PushTextWrapPos(0);
  text(ui.color().warning, "%s", sentence.c_str());
  ImGui::PopTextWrapPos();
}

void draw_data_question(const DataView& data, Ui& ui) {
  const std::string some = episodes_in_words(ui.data.selected.size()), busy = why_no_edit(data);
  if (ui.data.ask == Ask::remove) {
    ask_in_words(ui, "Delete " + some + "? The data as it is now goes to .deleted in its folder, and undo brings it back.");
    if (button(ui, "delete###delete_now", "Delete", "Writes the other episodes anew, numbered one after another.", {.accent = true, .why_not = busy}))
      return send_edit(data, ui, Do::remove);
    return cancel_button(ui);
  }
  if (ui.data.ask == Ask::split) {
    std::string& to = ui.texts["data/to"];
    ask_in_words(ui, (data.own ? "Move " : "Copy ") + some + " into a dataset of their own, in the folder:");
    ImGui::SetNextItemWidth(-1);
    const bool entered = ImGui::InputTextWithHint("##to", "a folder that does not exist", &to, ImGuiInputTextFlags_EnterReturnsTrue);
    tip(ui, "Folder", "Of the new dataset; it must not exist yet.");
    const bool clicked = button(ui, (data.own ? "move###split_now" : "copy###split_now"), "Split",
                                data.own ? "They are in the new dataset then, and no longer in this one." : "This dataset is another program's and stays as it is.",
                                {.accent = true, .why_not = to.empty() ? "Type a folder first." : busy});
    if ((entered || clicked) && !to.empty() && busy.empty()) return send_edit(data, ui, Do::split, to);
    return cancel_button(ui);
  }
  std::string& from = ui.texts["data/from"];
  ask_in_words(ui, "Add all episodes of another dataset, of the same world and shapes:");
  if (ask_for_dataset(data, ui, from, "add", "Its episodes are copied behind those that are here.", true) && busy.empty())
    return send_edit(data, ui, Do::merge, from);
  if (button(ui, "cancel###cancel", "Cancel", "Nothing is changed.")) ui.data.ask = Ask::nothing;
}

}  // namespace

void draw_data_deeds(const DataView& data, Ui& ui) {
  DataPanel& panel = ui.data;
  if (panel.ask != Ask::nothing) return draw_data_question(data, ui);
  const std::string busy = why_no_edit(data);
  const std::string none = panel.selected.empty() ? "Choose episodes first: a click, more with Ctrl or Shift, all with Ctrl-A." : busy;
  const std::string fixed = !busy.empty() ? busy : data.fixed;
  const auto chosen = [&](const DataEpisode& e) { return panel.selected.contains(e.name); };
  const bool all_out = !panel.selected.empty() && std::all_of(data.episodes->begin(), data.episodes->end(),
                                                              [&](const DataEpisode& e) { return !chosen(e) || e.held_out; });
  const float gap = ui.px(6), room = ImGui::GetContentRegionAvail().x;
  const bool one_row = room > ui.px(420);
  const int columns = one_row ? 5 : 3;
  const float wide = (room - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  const auto next = [&] { ImGui::SameLine(0, gap); };
  if (button(ui, all_out ? "let in###hold_out" : "hold out###hold_out", all_out ? "Let in" : "Hold out",
             all_out ? "Learners take these episodes again."
                     : "Nobody learns from these episodes: a label in the dataset's folder, which every training that is given it heeds.",
             {.why_not = none, .width = wide}))
    send_edit(data, ui, all_out ? Do::let_in : Do::hold_out);
  next();
  if (button(ui, "delete###delete", "Delete", "Takes the chosen episodes out; the data as it was is kept aside.",
             {.keys = "Del", .why_not = none.empty() ? data.fixed : none, .width = wide}))
    panel.ask = Ask::remove;
  next();
  if (button(ui, "split###split", "Split", data.own ? "Moves the chosen episodes into a dataset of their own." : "Copies the chosen episodes into a dataset of your own.",
             {.why_not = none.empty() && data.own ? data.fixed : none, .width = wide})) {
    panel.ask = Ask::split;
    ui.texts["data/to"] = data.free_folder;
  }
  if (one_row) next();
  if (button(ui, "merge###merge", "Merge", "Adds the episodes of another dataset of the same world.", {.why_not = fixed, .width = wide}))
    panel.ask = Ask::merge;
  next();
  if (button(ui, "undo###undo_data", "Undo", ("Takes back: " + data.done + ".").c_str(),
             {.why_not = data.done.empty() ? "Nothing has been done to this dataset since the program began." : busy, .width = wide}))
    send_edit(data, ui, Do::undo);
  if (!one_row) {
    next();
    WithFont small(ui.fonts.text, 0.85f);
    ImGui::AlignTextToFramePadding();
    text(ui.color().muted, "%s", fitted(std::to_string(panel.selected.size()) + " chosen", wide).c_str());
  }
}

}  // namespace dream::ui
