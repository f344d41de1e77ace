#include "ui/pictures.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "imgui_internal.h"
#include "ui/widgets.h"

namespace dream::ui {

float caption_height(const Ui& ui) {
  return ImGui::GetTextLineHeight() + ui.px(6);
}

ImU32 world_colour(const Ui& ui, const std::string& name) {
  if (name == "dream" || name == "branch") return ui.color().dream;
  if (name == "difference" || name == "painted" || name == "picture") return ui.color().muted;
  return ui.color().real;
}

const Frame* find_frame(const std::vector<Frame>& frames, const std::string& name) {
  const auto it = std::find_if(frames.begin(), frames.end(), [&](const Frame& frame) { return frame.name == name; });
  return it == frames.end() ? nullptr : &*it;
}

bool draw_image(Ui& ui, const std::string& slot, const std::shared_ptr<const Image>& image, ImVec2 min, ImVec2 max,
                const ImageLook& how) {
  const Texture texture = ui.textures.get(slot, image);
  if (texture)
    ui.picture_shader.draw(ImGui::GetWindowDrawList(),
                           {texture, how.other, min, max, how.from, how.to, how.look, ui.settings.smooth, ui.dark()});
  return static_cast<bool>(texture);
}

namespace {

bool same_size(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.channels == b.channels;
}

/// A map of values is no picture of a world.
bool is_map(const Frame& frame) {
  return frame.name.ends_with("difference");
}

/// The frame of the same moment that this one can be held against, or null.
const Frame* truth_of(const Ui& ui, const std::vector<Frame>& among, const Frame& frame) {
  const Frame* given = find_frame(among, "painted");  // by the user: the real world has no such moment
  if (!given) given = find_frame(among, "picture");
  const bool ahead = ui.dream().coupling == Coupling::reality_leads;
  const Frame* truth = nullptr;
  if (frame.name == "dream" && !given && !ahead) truth = find_frame(among, "real");
  if (frame.name == "reconstruction") truth = given ? given : find_frame(among, "real");
  if (frame.name == "branch") truth = find_frame(among, "dream");
  const bool both = frame.image && truth && truth->image && !truth->past;
  return both && same_size(*truth->image, *frame.image) ? truth : nullptr;
}

std::vector<PixelRow> pixel_rows(const Ui& ui, const std::vector<Frame>& among, const Image& of) {
  std::vector<PixelRow> rows, differences;
  for (const Frame& frame : among) {
    if (!frame.image || frame.past || is_map(frame) || !same_size(*frame.image, of)) continue;
    rows.push_back({frame.name, world_colour(ui, frame.name), frame.image.get()});
    if (const Frame* truth = truth_of(ui, among, frame))
      differences.push_back({frame.name + " − " + truth->name, ui.color().text, frame.image.get(), truth->image.get()});
  }
  rows.insert(rows.end(), differences.begin(), differences.end());
  return rows;
}

/// The picture itself, bent as the user wants, and what that makes of it in words.
std::string draw_bent(Ui& ui, const std::string& group, const std::vector<Frame>& among, const Frame& frame, ImVec2 min,
                      ImVec2 max) {
  ImageLook how{is_map(frame) || among.empty() ? PictureLook{} : ui.look};
  const Frame* truth = how.look.difference ? truth_of(ui, among, frame) : nullptr;
  std::string done;
  if (truth) {
    how.other = ui.textures.get(group + truth->name, truth->image);
    done = description(how.look, frame.name, truth->name);
  } else if (how.look.difference) {  // what has nothing to be held against is shown as it is
    how.look = {};
    if (frame.name == "dream") done = "no real picture of this moment";
  } else {
    done = description(how.look, "", "");
  }
  draw_image(ui, group + frame.name, frame.image, min, max, how);
  return done;
}

}  // namespace

void draw_picture(Ui& ui, const std::string& slot, const std::vector<Frame>& among, const Frame* frame,
                  const std::string& name, ImVec2 size, const std::string& why_missing) {
  const Palette& p = ui.color();
  ImGui::BeginGroup();
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ImGui::GetStyle().ItemSpacing.x, 0});
  const ImU32 colour = world_colour(ui, name);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  float used = 0;
  {
    std::string title = name;
    std::transform(title.begin(), title.end(), title.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    WithFont bold(ui.fonts.bold, 0.9f);
    const float wide = ImGui::CalcTextSize(title.c_str()).x;
    WithFont fitting(ui.fonts.bold, 0.9f * std::min(1.0f, size.x / wide));  // one word, never a part of it
    list->AddText({at.x, at.y + caption_height(ui) - ImGui::GetTextLineHeight() - ui.px(4)}, colour, title.c_str());
    used = ImGui::CalcTextSize(title.c_str()).x;
  }
  std::string note = frame ? frame->caption : "";
  if (frame && frame->error >= 0) {
    char error[48];
    std::snprintf(error, sizeof error, "MSE %.4f", frame->error);
    note += (note.empty() ? "" : " · ") + std::string(error);
  }
  std::string whole = note;
  {
    WithFont small(ui.fonts.text, 0.86f);
    const float space = size.x - used - ui.px(10), wanted = ImGui::CalcTextSize(note.c_str()).x;
    if (wanted > space && frame && frame->error >= 0) {  // the figure is what must stay readable
      char error[48];
      std::snprintf(error, sizeof error, "MSE %.4f", frame->error);
      note = error;
      if (ImGui::CalcTextSize(note.c_str()).x > space) note = note.substr(4);
      if (ImGui::CalcTextSize(note.c_str()).x > space && note[0] == '0') note = note.substr(1);
      if (ImGui::CalcTextSize(note.c_str()).x > space) note.clear();
    } else if (wanted > space && space < ui.px(70)) {
      note.clear();  // two letters of it would say nothing; the tooltip has it whole
    }
    const float width = std::min(ImGui::CalcTextSize(note.c_str()).x, space);
    if (width > ui.px(12)) {
      const ImVec2 from{at.x + size.x - width, at.y + ui.px(2)};
      ImGui::PushStyleColor(ImGuiCol_Text, p.muted);
      ImGui::RenderTextEllipsis(list, from, {at.x + size.x, from.y + ImGui::GetTextLineHeight()}, at.x + size.x,
                                note.c_str(), nullptr, nullptr);
      ImGui::PopStyleColor();
    }
  }
  ImGui::Dummy({size.x, caption_height(ui)});
  if (!whole.empty()) tip(ui, name.c_str(), whole.c_str());

  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + size.x, min.y + size.y};
  const std::string group = frame ? slot.substr(0, slot.size() - frame->name.size()) : "";
  std::string done;
  if (frame && ui.textures.get(slot, frame->image)) {
    done = draw_bent(ui, group, among, *frame, min, max);
    if (frame->past) {  // what stands still must not be taken for what moves
      list->AddRectFilled(min, max, fade(p.well, 0.6f));
      if (size.x > ui.px(160)) centred_note(ui, min, max, frame->caption);
    }
  } else if (frame && frame->past) {
    list->AddRectFilled(min, max, p.well, ui.px(4));
    centred_note(ui, min, max, frame->caption);
  } else {
    list->AddRectFilled(min, max, p.well, ui.px(4));
    centred_note(ui, min, max, why_missing);
  }
  list->AddRectFilled({min.x, min.y - ui.px(2)}, {max.x, min.y}, colour);
  if (!done.empty()) ImGui::SetNextItemAllowOverlap();
  ImGui::InvisibleButton(slot.c_str(), size);
  if (frame && frame->image && !frame->past) {
    if (ImGui::IsItemHovered())
      if (const auto rows = pixel_rows(ui, among, *frame->image); !rows.empty()) show_pixel(ui, group, rows, min, max);
    frame_pixel(ui, group, *frame->image, min, max);
  }
  note_look(ui, slot, done, min, max);
  ImGui::PopStyleVar();
  ImGui::EndGroup();
  mark(ui, name);
}

}  // namespace dream::ui
