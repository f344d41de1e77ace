// Data: a dataset to look through and to put in order.
#include "ui/panels/data.h"

#include <algorithm>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panel_list.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr int shown_for = 1;  // frames

/// What was remembered of another dataset, or of this one as it was, is forgotten.
void meet(const DataView& data, Ui& ui) {
  DataPanel& panel = ui.data;
  if (panel.revision == data.revision) return;
  const auto view = panel.view;
  const int shown = panel.shown_at, focused = panel.focused_at;
  panel = {};
  panel.view = view, panel.revision = data.revision, panel.shown_at = shown, panel.focused_at = focused;
  ui.texts["data/path"] = data.path;
  if (!data.episodes->empty()) look_at_data(ui, data.episodes->front().name);
}

void draw_wrong(const Ui& ui, const std::string& sentence) {
  WithFont small(ui.fonts.text, 0.92f);
  ImGui::PushTextWrapPos(0);
  text(ui.color().warning, "%s  %s", icon::warning, sentence.c_str());
  ImGui::PopTextWrapPos();
}

void draw_work(const DataView& data, Ui& ui) {
  WithFont small(ui.fonts.text, 0.88f);
  progress_bar(ui, data.progress, ui.color().grey, ui.px(70), ui.px(5));
  ImGui::SameLine(0, ui.px(8));
  if (button(ui, "stop###cancel_data", "Stop", "Ends it; an edit that is stopped changes nothing.", {.small = true})) ui.send(CancelData{});
  ImGui::SameLine(0, ui.px(8));
  text(ui.color().muted, "%s", fitted(data.doing, std::max(ImGui::GetContentRegionAvail().x, 1.0f)).c_str());
  tip(ui, "Under way", data.doing.c_str());
}

/// What this dataset is, and what is wrong with it.
void draw_head(const DataView& data, Ui& ui) {
  const Palette& p = ui.color();
  const auto count = static_cast<std::int64_t>(data.episodes->size());
  header(ui, data.environment, p.text,
         counted(count, "episode") + " · " + counted(data.steps, "step"));
  std::string about = data.path + "\nwho drove: " + data.policy + (data.own ? "" : "\nmade by another program: it stays as it is");
  for (const auto& part : data.left_out) about += "\nnot looked at: " + part;
  tip(ui, "Dataset", about.c_str());
  if (!data.doing.empty()) draw_work(data, ui);
  if (!data.damaged.empty()) {
    std::string all;
    for (std::size_t i = 0; i < std::min<std::size_t>(data.damaged.size(), 8); ++i) all += (i ? "\n" : "") + data.damaged[i];
    if (data.damaged.size() > 8) all += "\nand " + std::to_string(data.damaged.size() - 8) + " more";
    WithFont small(ui.fonts.text, 0.88f);
    const std::string line = data.damaged.size() == 1 ? data.damaged.front() : std::to_string(data.damaged.size()) + " things cannot be read: " + data.damaged.front();
    text(p.warning, "%s", fitted(std::string(icon::warning) + "  " + line, ImGui::GetContentRegionAvail().x).c_str());
    tip(ui, "Damaged", all.c_str());
  }
}

/// Nothing is open: what can be done here.
void draw_nothing(const DataView& data, Ui& ui) {
  const Palette& p = ui.color();
  if (!data.doing.empty()) draw_work(data, ui);
  ImGui::Dummy({0, ui.px(4)});
  ImGui::PushTextWrapPos(0);
  text(p.muted, "%s",
       "Look through a dataset: its episodes as pictures, what was rewarded, what was done and how evenly, what is there twice. Name "
       "it above, choose it below, or drop its folder on this window.");
  ImGui::PopTextWrapPos();
  ImGui::Dummy({0, ui.px(4)});
  if (data.known.empty()) {
    ImGui::PushTextWrapPos(0);
    text(p.muted, "%s", "None was found in your runs or in the folder data beside them: runs collect some, and “Keep what I drive as data” makes one.");
    ImGui::PopTextWrapPos();
    return;
  }
  ImGui::BeginChild("known", ImGui::GetContentRegionAvail());
  for (const auto& path : data.known) {
    if (ImGui::Selectable(fitted(path, ImGui::GetContentRegionAvail().x).append("###").append(path).c_str())) ui.send(OpenDataset{path});
    tip(ui, "Open this dataset", path.c_str());
  }
  ImGui::EndChild();
}

void draw_list_and_deeds(const DataView& data, Ui& ui, ImVec2 size) {
  const bool asks = ui.data.ask != DataPanel::Ask::nothing, narrow = size.x < ui.px(420);
  const float deeds = (asks ? 3.0f : 1.0f) * ImGui::GetFrameHeightWithSpacing() + (narrow ? ImGui::GetFrameHeightWithSpacing() : 0);
  ImGui::BeginGroup();
  draw_data_list(data, ui, {size.x, std::max(size.y - deeds, ui.px(60))});
  ImGui::BeginChild("deeds", {size.x, deeds});
  draw_data_deeds(data, ui);
  ImGui::EndChild();
  ImGui::EndGroup();
}

/// List and episode beside or above each other, or one in the place of the other where there is too little room.
void draw_open(const DataView& data, Ui& ui) {
  using View = DataPanel::View;
  const ImVec2 all = ImGui::GetContentRegionAvail();
  const bool wide = all.x > ui.px(700), high = all.y > ui.px(400), both = wide || high;
  View& view = ui.data.view;
  const bool statistics = view == View::statistics;
  const char* figures = "The whole dataset in figures: returns, what was done, coverage.";
  std::vector<std::string> titles{"list##list", "episode##episode", "statistics##statistics"};
  std::vector<std::string> sentences{"The episodes.", "The one that is looked at; a double click in the list or Enter leads here.", figures};
  if (both) titles = {"episodes##list", titles.back()}, sentences = {"The episodes, and the one that is looked at.", figures};
  const int clicked = segmented(ui, "view", titles, both ? statistics : static_cast<int>(view), sentences);
  if (clicked >= 0) view = both && clicked == 1 ? View::statistics : static_cast<View>(clicked);
  ImGui::SameLine(0, ui.px(12));
  const bool narrow = ImGui::GetContentRegionAvail().x < ui.px(96);
  if (button(ui, narrow ? "…###reread" : "read again###reread", "Read again", "What was added to the dataset meanwhile comes in.", {.why_not = why_no_edit(data)}))
    ui.send(OpenDataset{data.path});
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const float gap = ui.px(12);
  if (wide) {
    const float side = (space.x - gap) * 0.52f;
    draw_list_and_deeds(data, ui, {side, space.y});
    ImGui::SameLine(0, gap);
    const ImVec2 rest{space.x - side - gap, space.y};
    return statistics ? draw_data_statistics(data, ui, rest) : draw_data_episode(data, ui, rest);
  }
  if (statistics) return draw_data_statistics(data, ui, space);
  if (!both) return view == View::episode ? draw_data_episode(data, ui, space) : draw_list_and_deeds(data, ui, space);
  const float above = space.y * 0.48f;
  draw_list_and_deeds(data, ui, {space.x, above});
  draw_data_episode(data, ui, {space.x, ImGui::GetContentRegionAvail().y});
}

}  // namespace

bool ask_for_dataset(const DataView& data, Ui& ui, std::string& path, const char* deed, const char* sentence, bool but_open) {
  ImGui::SetNextItemWidth(ImGui::GetFrameHeight());
  if (ImGui::BeginCombo("##known", "", ImGuiComboFlags_NoPreview | ImGuiComboFlags_HeightLarge)) {
    for (const auto& each : data.known) {
      if (but_open && each == data.path) continue;
      if (ImGui::Selectable(each.c_str(), each == path)) {
        path = each;
        if (!but_open) ui.send(OpenDataset{path});
      }
    }
    if (data.known.empty()) text(ui.color().muted, "None was found in your runs or beside them.");
    ImGui::EndCombo();
  }
  tip(ui, "Known datasets", "Those in your runs, and in the folder data beside them.");
  ImGui::SameLine(0, ui.px(6));
  const float room = ImGui::CalcTextSize(deed).x + 2 * ImGui::GetStyle().FramePadding.x + ui.px(6);
  ImGui::SetNextItemWidth(std::max(ImGui::GetContentRegionAvail().x - room, ui.px(60)));
  const bool entered = ImGui::InputTextWithHint("##dataset", "path of a dataset", &path, ImGuiInputTextFlags_EnterReturnsTrue);
  tip(ui, "Path", "Of a dataset's folder or of a file that is one, as a shell would read it. Enter takes it.");
  ImGui::SameLine(0, ui.px(6));
  const bool clicked = button(ui, deed, deed, sentence, {.why_not = path.empty() ? "Type a path first." : ""});
  return (entered || clicked) && !path.empty();
}

void look_at_data(Ui& ui, const std::string& episode) {
  ui.data.current = episode, ui.data.step = 0;
  if (!episode.empty()) ui.send(LookAtEpisode{episode});
}

std::string why_no_edit(const DataView& data) {
  if (data.path.empty()) return "No dataset is open.";
  const bool only_reads = data.doing.empty() || data.doing.starts_with("reads");
  return only_reads ? "" : "Something is under way: it " + data.doing + ".";
}

bool data_takes_keys(const Ui& ui) {
  return ui.data.focused_at >= ImGui::GetFrameCount() - shown_for && !ui.snapshot->data->episodes->empty();
}

void draw_data(const Snapshot& snapshot, Ui& ui) {
  const DataView& data = *snapshot.data;
  ui.data.shown_at = ImGui::GetFrameCount();
  if (ImGui::IsWindowFocused(ImGuiFocusedFlags_RootAndChildWindows)) ui.data.focused_at = ImGui::GetFrameCount();
  meet(data, ui);
  std::string& path = ui.texts["data/path"];
  if (ask_for_dataset(data, ui, path, "open", "Look through the dataset at this path.", false)) ui.send(OpenDataset{path});
  if (!data.wrong.empty()) draw_wrong(ui, data.wrong);
  if (data.path.empty()) return draw_nothing(data, ui);
  draw_head(data, ui);
  draw_open(data, ui);
}

void add_data_actions(std::vector<Action>& all) {
  all.push_back({"data", "Train", "Data: look through a dataset", 0, "",
                 "Episodes of a dataset as pictures: scrub them, see what was rewarded and done, delete, split, merge, hold out.",
                 [](Ui& ui) { ui.want_panel = "data"; }, {}});
  all.back().parted = true;
  all.push_back({"data_undo", "Train", "Undo the last edit of the dataset", 0, "", "The dataset in the Data panel is as it was before.",
                 [](Ui& ui) { ui.send(EditData{EditData::Do::undo, {}, {}, ui.snapshot->data->revision}); },
                 [](const Ui& ui) {
                   const DataView& data = *ui.snapshot->data;
                   return data.done.empty() ? std::string("Nothing has been done to the dataset that is open.") : why_no_edit(data);
                 }});
}

}  // namespace dream::ui
