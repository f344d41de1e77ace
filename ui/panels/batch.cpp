// The batch that is being trained on: pictures, what looks wrong, its probes, and a dream from any frame of the replay.
#include <algorithm>
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

/// The slider over the replay and the button; its place is kept whether there is a replay or not.
void draw_replay(Ui& ui, const TrainView& train, float width) {
  const Palette& p = ui.color();
  const std::string why = ui.action("dream_from_replay")->why_not(ui);
  double recency = ui.replay_recency;
  char note[64] = "no replay";
  if (train.replay_frames > 0)
    std::snprintf(note, sizeof note, "frame %s of %s",
                  with_separators(std::llround(recency * static_cast<double>(train.replay_frames - 1)) + 1).c_str(),
                  with_separators(train.replay_frames).c_str());
  header(ui, "Replay", p.text, note, width);
  const char* meaning = "Which frame of the replay the dream begins at; double-click: the newest.";
  ImGui::BeginDisabled(!why.empty());
  slider(ui, "##place", &recency, {0, 1}, 1, width, p.real);
  ImGui::EndDisabled();
  tip(ui, "Place in the replay", why.empty() ? meaning : why.c_str());
  ui.replay_recency = recency;
  {
    WithFont small(ui.fonts.text, 0.82f);
    const float left = ImGui::GetCursorPosX(), y = ImGui::GetCursorPosY() - ui.px(4);
    ImGui::SetCursorPosY(y);
    text(p.muted, "oldest");
    ImGui::SetCursorPos({left + width - ImGui::CalcTextSize("newest").x, y});
    text(p.muted, "newest");
  }
  action_button(ui, "dream from this frame", "dream_from_replay", false, std::min(width, ui.px(190)));
}

/// What looks wrong, in as much height as there is, whether there is something or not: nothing below may jump.
void draw_warnings(Ui& ui, const TrainView& train, ImVec2 size) {
  const Palette& p = ui.color();
  ImGui::BeginChild("warnings", size);
  if (train.warnings.empty()) {
    WithFont small(ui.fonts.text, 0.88f);
    text(p.muted, "%s", no_warning(train));
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

/// A sheet in the width that there is, its caption below; under the mouse, its pixels at full size.
void draw_sheet(Ui& ui, const Frame& frame, float width) {
  const float most = width / static_cast<float>(frame.image->width);
  const float scale = most >= 1 ? std::floor(most) : most;
  const ImVec2 size{static_cast<float>(frame.image->width) * scale, static_cast<float>(frame.image->height) * scale};
  Frame bare = frame;
  bare.caption.clear();
  const bool smooth = ui.settings.smooth;
  ui.settings.smooth |= scale < 1;  // nearest would drop rows of pixels
  const std::string slot = "batch/" + frame.name;
  draw_picture(ui, slot, &bare, frame.name, {width, size.y}, "Not made yet.");
  ui.settings.smooth = smooth;
  const ImVec2 max = ImGui::GetItemRectMax(), min{max.x - width, max.y - size.y};
  {
    WithFont small(ui.fonts.text, 0.86f);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
    text(ui.color().muted, "%s", frame.caption.c_str());
    ImGui::PopTextWrapPos();
  }
  const ImVec2 mouse = ImGui::GetMousePos();
  if (scale >= 1 || !ImGui::IsMouseHoveringRect(min, max) || !ImGui::IsWindowHovered()) return;
  const ImTextureID texture = ui.textures.get(slot, frame.image);
  if (texture == ImTextureID_Invalid) return;
  const float part = 0.24f, u = std::clamp((mouse.x - min.x) / width - part / 2, 0.0f, 1 - part),
              v = std::clamp((mouse.y - min.y) / size.y - part / 2, 0.0f, 1 - part);
  ImGui::BeginTooltip();
  ImGui::Image(ImTextureRef(texture),
               {static_cast<float>(frame.image->width) * part, static_cast<float>(frame.image->height) * part}, {u, v},
               {u + part, v + part});
  ImGui::EndTooltip();
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
    draw_value(ui, probe, {width, std::max(ui.px(height_wish(probe).least), ui.px(100))});
    ImGui::Dummy({0, ui.px(4)});
    ImGui::EndGroup();
  }
}

}  // namespace

void draw_batch(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  ui.wanted_probes.insert(train.probe_names.begin(), train.probe_names.end());
  const ImVec2 space = ImGui::GetContentRegionAvail();
  ImGui::BeginChild("batch", space, 0, ImGuiWindowFlags_NoBackground);
  if (train.frames.empty()) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    centred_note(ui, at, {at.x + space.x, at.y + std::min(space.y, ui.px(120))},
                 "While a phase trains, its batch appears here: the real frame and what the model makes of it.");
    ImGui::Dummy({0, ui.px(124)});
  }
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
    draw_picture(ui, "batch/" + frame.name, &frame, frame.name, size, "Not made yet.");
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
