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

void draw_picture(Ui& ui, const std::string& slot, const Frame* frame, const std::string& name, ImVec2 size,
                  const std::string& why_missing) {
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
  const ImTextureID texture = frame && frame->image ? ui.textures.get(slot, frame->image) : ImTextureID_Invalid;
  if (texture != ImTextureID_Invalid) {
    draw_texture(list, texture, min, max, ui.settings.smooth);
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
  ImGui::InvisibleButton(slot.c_str(), size);
  ImGui::PopStyleVar();
  ImGui::EndGroup();
  mark(ui, name);
}

}  // namespace dream::ui
