#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void draw_frames(Ui& ui, ImVec2 size) {
  const Palette& p = ui.color();
  const Measures& m = ui.measures;
  const Well box = well(ui, "frame times", size);
  ImDrawList* list = ImGui::GetWindowDrawList();
  constexpr float top = 50;
  const auto y_of = [&](float ms) { return box.max.y - std::min(ms, top) / top * box.height(); };
  for (const float level : {16.7f, 33.3f})
    list->AddLine({box.min.x, y_of(level)}, {box.max.x, y_of(level)}, level > 20 ? fade(p.warning, 0.7f) : p.faint);
  const float step = box.width() / static_cast<float>(m.frames.size());
  for (int i = 0; i < m.filled; ++i) {
    const std::size_t at = static_cast<std::size_t>((m.at - m.filled + i + 2 * static_cast<int>(m.frames.size())) %
                                                    static_cast<int>(m.frames.size()));
    const float x = box.min.x + step * static_cast<float>(i);
    list->AddRectFilled({x, y_of(m.frames[at])}, {x + std::max(step - 0.5f, 1.0f), box.max.y},
                        m.frames[at] > 33.3f ? p.warning : p.dream);
  }
  WithFont small(ui.fonts.mono, 0.75f);
  for (const auto& [level, label] : {std::pair{33.3f, "33 ms"}, std::pair{16.7f, "17 ms"}}) {
    const ImVec2 wide = ImGui::CalcTextSize(label), at{box.min.x + ui.px(4), y_of(level) - wide.y};
    list->AddRectFilled({at.x - ui.px(2), at.y}, {at.x + wide.x + ui.px(2), at.y + wide.y}, fade(p.well, 0.8f));
    list->AddText(at, p.muted, label);
  }
  if (box.hovered)
    tip(ui, "Frame times of the window", "The last 240 frames: work and waiting of one turn of the window's loop.");
}

void draw_split(Ui& ui, ImVec2 size) {
  const Palette& p = ui.color();
  const Measures& m = ui.measures;
  const Well box = well(ui, "key to pixel", size);
  if (!m.any_key) {
    centred_note(ui, box.min, box.max, "Hold a driving key: the way from the key to the pixel appears here.");
    return;
  }
  const struct {
    const char* name;
    float ms;
    ImU32 colour;
  } parts[] = {
      {"input", m.input, p.blue}, {"model", m.model, p.dream}, {"decode", m.decode, p.pink}, {"draw", m.draw, p.grey}};
  const float all = std::max(m.key_to_pixel, 0.1f);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float left = box.min.x + ui.px(8), wide = box.width() - ui.px(16);
  const float bar_top = box.min.y + ui.px(8), bar_bottom = bar_top + ui.px(12);
  float x = left;
  for (const auto& part : parts) {
    const float w = wide * part.ms / all;
    list->AddRectFilled({x, bar_top}, {x + w, bar_bottom}, part.colour);
    x += w;
  }
  WithFont small(ui.fonts.mono, 0.82f);
  float y = bar_bottom + ui.px(6);
  for (const auto& part : parts) {
    if (y + ImGui::GetTextLineHeight() > box.max.y) break;
    list->AddRectFilled({left, y + ui.px(4)}, {left + ui.px(9), y + ui.px(13)}, part.colour, 2);
    char line[48];
    std::snprintf(line, sizeof line, "%-7s %6.1f ms", part.name, static_cast<double>(part.ms));
    list->AddText({left + ui.px(16), y}, p.text, line);
    y += ImGui::GetTextLineHeight();
  }
}

}  // namespace

void draw_performance(const Snapshot& snapshot, Ui& ui) {
  const Palette& p = ui.color();
  const Measures& m = ui.measures;
  const DreamView& dream = *snapshot.dream;
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const bool narrow = space.x < ui.px(540);  // one below the other, then
  const float width = narrow ? space.x : (space.x - ui.px(36)) / 3, line = ImGui::GetTextLineHeight();
  const float spacing = ImGui::GetStyle().ItemSpacing.y;
  const float figures = line + 5 * (line * 0.95f + spacing) + spacing;  // the third part, when it stands below
  const float height =
      narrow ? std::max((space.y - figures - 2 * (line + 3 * spacing)) / 2, ui.px(56)) : space.y - line - ui.px(10);
  const auto next = [&] {
    if (narrow)
      ImGui::Dummy({0, 0});
    else
      ImGui::SameLine(0, ui.px(18));
  };
  char note[96];
  ImGui::BeginGroup();
  std::snprintf(note, sizeof note, "mean %.1f ms · p99 %.1f ms", static_cast<double>(m.mean),
                static_cast<double>(m.p99));
  header(ui, "Window", p.text, note, width);
  draw_frames(ui, {width, height});
  ImGui::EndGroup();
  next();
  ImGui::BeginGroup();
  std::snprintf(note, sizeof note, m.any_key ? "%.1f ms" : "", static_cast<double>(m.key_to_pixel));
  header(ui, "Key → pixel", p.text, note, width);
  draw_split(ui, {width, height});
  ImGui::EndGroup();
  next();
  ImGui::BeginGroup();
  header(ui, "Dream", p.dream, "per step", width);
  char pace[32];
  std::snprintf(pace, sizeof pace, "%g", static_cast<double>(dream.steps_per_second));
  if (dream.playing)
    mono(ui, p.text, "rate     %6.1f of %s steps/s", static_cast<double>(dream.measured_rate),
         dream.steps_per_second > 0 ? pace : "any");
  else
    mono(ui, p.muted, "rate     %6s", dream.ready ? "paused" : "·");
  mono(ui, p.text, "model    %6.2f ms", dream.model_ms);
  mono(ui, p.text, "decode   %6.2f ms", dream.decode_ms);
  mono(ui, p.text, "input    %6.2f ms", dream.input_ms);
  mono(ui, p.muted, "uploads  %6d pictures", ui.textures.uploads());
  ImGui::EndGroup();
}

}  // namespace dream::ui
