// The batch that is being trained on: pictures, what looks wrong, its probes, and a dream from any frame of the replay.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/slider.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

/// A sheet of many frames needs the panel's width; a frame does not.
bool is_sheet(const Frame& frame) {
  return frame.image && frame.image->width > 3 * std::max(frame.image->height, 64) / 2;
}

/// The slider over the replay, the frame that it points at, and the button; without a replay the reason stands in the
/// slider's place, of the same height.
void draw_replay(Ui& ui, const TrainView& train, float width) {
  const Palette& p = ui.color();
  const std::string why = ui.action("dream_from_replay")->why_not(ui);
  double recency = ui.replay_recency;
  char note[64] = "no replay";
  if (why.empty()) {
    std::snprintf(note, sizeof note, "frame %s of %s",
                  with_separators(std::llround(recency * static_cast<double>(train.replay_frames - 1)) + 1).c_str(),
                  with_separators(train.replay_frames).c_str());
    const std::string place = train.run + " " + std::to_string(recency) + " " + std::to_string(train.replay_frames);
    if (ui.replay_looked_at != place) ui.send(LookAtReplay{recency});
    ui.replay_looked_at = place;
  }
  const Frame* frame = why.empty() && train.replay_frame.image ? &train.replay_frame : nullptr;
  const float gap = ui.px(10), left = ImGui::GetCursorPosX(), top = ImGui::GetCursorPosY();
  const ImVec2 picture =
      frame ? fit_picture(frame->image->width, frame->image->height, {width / 3, ui.px(96)}) : ImVec2{};
  if (frame) width -= picture.x + gap;
  header(ui, "Replay", p.text, note, width);
  const float track = ImGui::GetCursorPosY();
  if (why.empty()) {
    slider(ui, "##place", &recency, {0, 1}, 1, width, p.real);
    tip(ui, "Place in the replay", "Which frame of the replay the dream begins at; double-click: the newest.");
    ui.replay_recency = recency;
    WithFont small(ui.fonts.text, 0.82f);
    const float y = ImGui::GetCursorPosY() - ui.px(4);
    ImGui::SetCursorPosY(y);
    text(p.muted, "oldest");
    ImGui::SetCursorPos({left + width - ImGui::CalcTextSize("newest").x, y});
    text(p.muted, "newest");
  } else {
    WithFont small(ui.fonts.text, 0.88f);
    ImGui::PushTextWrapPos(left + width);
    text(p.muted, "%s", why.c_str());
    ImGui::PopTextWrapPos();
  }
  ImGui::SetCursorPos({left, std::max(ImGui::GetCursorPosY(), track + ui.px(46))});
  action_button(ui, "dream from this frame", "dream_from_replay", false, std::min(width, ui.px(190)));
  if (!frame) return;
  const ImVec2 below = ImGui::GetCursorPos();
  ImGui::SetCursorPos({left + width + gap, top});
  const ImVec2 at = ImGui::GetCursorScreenPos();
  draw_image(ui, "batch/replay", frame->image, at, {at.x + picture.x, at.y + picture.y});
  ImGui::InvisibleButton("replay frame", {std::max(picture.x, 1.0f), std::max(picture.y, 1.0f)});
  tip(ui, "The chosen frame", "A real frame of the replay: the dream would begin here.");
  ImGui::SetCursorPos(below);
}

/// What looks wrong, in as much height as there is, whether there is something or not: nothing below may jump.
void draw_warnings(Ui& ui, const TrainView& train, ImVec2 size) {
  const Palette& p = ui.color();
  ImGui::BeginChild("warnings", size);
  if (train.warnings.empty()) {
    WithFont small(ui.fonts.text, 0.88f);
    text(p.muted, "%s", no_warning(train).c_str());
  }
  const float icon_width = ui.px(24);
  for (const std::string& warning : train.warnings) {
    WithFont small(ui.fonts.text, 0.88f);
    const float left = ImGui::GetCursorPosX();
    text(p.warning, "%s", icon::warning);
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPosX(left + icon_width);
    ImGui::PushTextWrapPos(0);
    text(p.warning, "%s", warning.c_str());
    ImGui::PopTextWrapPos();
  }
  ImGui::EndChild();
}

/// The cells of one moment, large, with what they are: below the mouse.
void draw_moment(Ui& ui, const Frame& frame, int column, int group, int rows) {
  const int all = static_cast<int>(frame.rows.size());
  const float cell_w = static_cast<float>(frame.image->width) / static_cast<float>(frame.columns),
              cell_h = static_cast<float>(frame.image->height) / static_cast<float>(all);
  const float scale = std::max(std::floor(ui.px(128) / cell_w), 1.0f);
  ImGui::BeginTooltip();
  text(ui.color().text, "step %d of the sequence: %s", column * frame.stride,
       column < frame.seen ? "the model saw this frame" : "imagined");
  for (int row = group * rows; row < std::min((group + 1) * rows, all); ++row) {
    if (row > group * rows) ImGui::SameLine();
    ImGui::BeginGroup();
    const std::string& name = frame.rows[static_cast<std::size_t>(row)];
    text(world_colour(ui, name), "%s", name.c_str());
    const float u = static_cast<float>(column) / static_cast<float>(frame.columns),
                v = static_cast<float>(row) / static_cast<float>(all);
    const ImVec2 at = ImGui::GetCursorScreenPos(), size{cell_w * scale, cell_h * scale};
    draw_image(ui, "batch/" + frame.name, frame.image, at, {at.x + size.x, at.y + size.y},
               {.from = {u, v}, .to = {u + 1 / static_cast<float>(frame.columns), v + 1 / static_cast<float>(all)}});
    ImGui::Dummy(size);
    ImGui::EndGroup();
  }
  ImGui::EndTooltip();
}

/// Strips of sequences in the width that there is: every row has its name, and a line stands where imagination begins.
void draw_sheet(Ui& ui, const Frame& frame, float width) {
  const Palette& p = ui.color();
  const int all = static_cast<int>(frame.rows.size());
  const bool known = all > 0 && frame.columns > 0;
  std::string title = frame.name;
  if (!title.empty()) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  char error[48] = "";
  if (frame.error >= 0) std::snprintf(error, sizeof error, "MSE %.4f of what is imagined", frame.error);
  header(ui, title, p.text, error, width);
  tip(ui, title.c_str(), frame.caption.c_str());
  WithFont small(ui.fonts.text, 0.86f);
  float names = 0;
  for (const std::string& row : frame.rows) names = std::max(names, ImGui::CalcTextSize(row.c_str()).x + ui.px(8));
  const float most = (width - names) / static_cast<float>(frame.image->width);
  const float scale = most >= 1 ? std::floor(most) : most, line = ImGui::GetTextLineHeight();
  const ImVec2 size{static_cast<float>(frame.image->width) * scale, static_cast<float>(frame.image->height) * scale};
  const ImVec2 at = ImGui::GetCursorScreenPos(), min{at.x + names, at.y + (known ? line + ui.px(2) : 0)},
               max{min.x + size.x, min.y + size.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImGui::InvisibleButton(frame.name.c_str(), {names + size.x, max.y - at.y});
  const bool hovered = ImGui::IsItemHovered();
  if (!draw_image(ui, "batch/" + frame.name, frame.image, min, max)) return;
  if (known) {
    const float cell_w = size.x / static_cast<float>(frame.columns), cell_h = size.y / static_cast<float>(all);
    const auto again = std::find(frame.rows.begin() + 1, frame.rows.end(), frame.rows.front());
    const int rows = static_cast<int>(again - frame.rows.begin());  // of one sequence
    for (int row = 0; row < all; ++row) {
      const float y = min.y + cell_h * static_cast<float>(row);
      const std::string& name = frame.rows[static_cast<std::size_t>(row)];
      if (cell_h >= line * 0.8f) list->AddText({at.x, y + (cell_h - line) / 2}, world_colour(ui, name), name.c_str());
      if (row > 0 && row % rows == 0) list->AddLine({at.x, y}, {max.x, y}, p.panel, ui.px(4));
    }
    const float begins = std::round(min.x + cell_w * static_cast<float>(frame.seen));
    list->AddLine({begins, at.y}, {begins, max.y}, p.panel, ui.px(4));
    list->AddLine({begins, at.y}, {begins, max.y}, p.text, ui.px(1.5f));
    right_text(list, begins - ui.px(6), at.y, p.real, "seen");
    const std::string from_here =
        "imagined from here" + (frame.stride > 1 ? ", every " + std::to_string(frame.stride) + " steps" : "");
    list->AddText({begins + ui.px(6), at.y}, p.dream, fitted(from_here, max.x - begins - ui.px(6)).c_str());
    const ImVec2 mouse = ImGui::GetMousePos();
    if (hovered && mouse.x >= min.x && mouse.y >= min.y)
      draw_moment(ui, frame, std::clamp(static_cast<int>((mouse.x - min.x) / cell_w), 0, frame.columns - 1),
                  std::clamp(static_cast<int>((mouse.y - min.y) / cell_h), 0, all - 1) / rows, rows);
  }
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  text(p.muted, "%s", frame.caption.c_str());
  ImGui::PopTextWrapPos();
}

void draw_batch_probes(Ui& ui, const TrainView& train) {
  const float wide = ImGui::GetContentRegionAvail().x, gap = ui.px(16);
  const int columns = wide > ui.px(420) ? 2 : 1;
  const float width = (wide - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  int at = 0;
  for (const Probe& probe : train.probes) {
    if (!probe.value) continue;
    if (at++ % columns) ImGui::SameLine(0, gap);
    ImGui::BeginGroup();
    header(ui, probe.title, ui.color().text, note_of(probe), width);
    tip(ui, probe.title.c_str(), (probe.name + "\n" + probe.caption).c_str());
    draw_value(ui, probe, {width, std::max(height_wish(ui, probe, width).least, ui.px(100))});
    ImGui::Dummy({0, ui.px(4)});
    ImGui::EndGroup();
  }
}

/// What can be done until there is one.
void draw_no_batch(Ui& ui, const TrainView& train, ImVec2 space) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float high = ui.px(64), wide = ui.px(170), left = ImGui::GetCursorPosX();
  centred_note(ui, at, {at.x + space.x, at.y + high},
               "While a phase trains, its batch stands here: real frames, what the model makes of them, and what looks "
               "wrong.");
  ImGui::SetCursorPos({left + std::max((space.x - 2 * wide - ui.px(8)) / 2, 0.0f), ImGui::GetCursorPosY() + high});
  action_button(ui, "start training", "train_start", train.open && !train.busy, wide);
  ImGui::SameLine(0, ui.px(8));
  if (button(ui, "watch the dream###watch_dream", "Worlds", "The dream of these weights, in this place.",
             {.width = wide}))
    ui.want_panel = "worlds";
  ImGui::Dummy({0, ui.px(10)});
}

}  // namespace

void draw_batch(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  ui.wanted_probes.insert(train.probe_names.begin(), train.probe_names.end());
  const ImVec2 space = ImGui::GetContentRegionAvail();
  ImGui::BeginChild("batch", space, 0, ImGuiWindowFlags_NoBackground);
  if (train.frames.empty()) draw_no_batch(ui, train, space);
  const float wide = ImGui::GetContentRegionAvail().x, gap = ui.px(12);
  std::vector<const Frame*> small, sheets;
  for (const Frame& frame : train.frames) (is_sheet(frame) ? sheets : small).push_back(&frame);
  // The small ones in a row; beside them, or below in a narrow panel, the replay and the warnings.
  const float beside_least = ui.px(240);
  const int count = static_cast<int>(small.size());
  float each = count > 0 ? (wide - gap * static_cast<float>(count - 1)) / static_cast<float>(count) : 0;
  bool beside = false;
  if (count > 0) {
    const float left = (wide - beside_least - gap * static_cast<float>(count)) / static_cast<float>(count);
    beside = left >= ui.px(120) && !sheets.empty();
    if (beside) each = std::min(left, ui.px(140));
  }
  float height = 0;
  for (int i = 0; i < count; ++i) {
    if (i) ImGui::SameLine(0, gap);
    const Frame& frame = *small[static_cast<std::size_t>(i)];
    const int w = frame.image ? frame.image->width : 64, h = frame.image ? frame.image->height : 64;
    const ImVec2 size = fit_picture(w, h, {each, std::max(space.y - ui.px(40), each)});
    height = std::max(height, size.y + caption_height(ui));
    draw_picture(ui, "batch/" + frame.name, train.frames, &frame, frame.name, size, "Not made yet.");
  }
  if (beside) ImGui::SameLine(0, gap);
  ImGui::BeginGroup();
  const float width = ImGui::GetContentRegionAvail().x, top = ImGui::GetCursorPosY();
  draw_replay(ui, train, width);
  const float left_over = height - (ImGui::GetCursorPosY() - top);
  draw_warnings(ui, train, {width, beside ? std::max(left_over, ui.px(84)) : ui.px(64)});
  ImGui::EndGroup();
  for (const Frame* sheet : sheets) draw_sheet(ui, *sheet, wide);
  if (!train.probes.empty()) ImGui::Dummy({0, ui.px(2)});
  draw_batch_probes(ui, train);
  ImGui::EndChild();
}

}  // namespace dream::ui
