#include <algorithm>
#include <cstdio>

#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

void draw_lines(const Ui& ui, const std::vector<const LogLine*>& lines) {
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(lines.size()), ImGui::GetTextLineHeightWithSpacing());
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const LogLine& line = *lines[static_cast<std::size_t>(i)];
      const Palette& p = ui.color();
      char at[32];
      std::snprintf(at, sizeof at, "%02d:%02d:%04.1f", static_cast<int>(line.seconds / 3600),
                    static_cast<int>(line.seconds / 60) % 60, line.seconds - 60 * static_cast<int>(line.seconds / 60));
      text(p.muted, "%s", at);
      ImGui::SameLine(0, ui.px(12));
      ImGui::PushStyleColor(ImGuiCol_Text, line.level >= 2 ? p.fault : line.level == 1 ? p.warning : p.text);
      ImGui::TextUnformatted(line.text.c_str());
      ImGui::PopStyleColor();
    }
  }
}

}  // namespace

void draw_log(const Snapshot& snapshot, Ui& ui) {
  WithFont mono_font(ui.fonts.mono, 0.85f);
  ImGui::BeginChild("lines", {0, 0}, 0, ImGuiWindowFlags_HorizontalScrollbar);
  if (snapshot.log->empty() && ui.notes.empty()) text(ui.color().muted, "Nothing has been logged yet.");
  const bool at_end = ImGui::GetScrollY() >= ImGui::GetScrollMaxY() - 4;
  // The engine's lines and the window's own, in the order of their time.
  std::vector<const LogLine*> lines;
  for (const std::vector<LogLine>* from : {snapshot.log.get(), static_cast<const std::vector<LogLine>*>(&ui.notes)})
    for (const LogLine& line : *from) lines.push_back(&line);
  std::stable_sort(lines.begin(), lines.end(),
                   [](const LogLine* a, const LogLine* b) { return a->seconds < b->seconds; });
  draw_lines(ui, lines);
  if (at_end) ImGui::SetScrollHereY(1);
  ImGui::EndChild();
}

}  // namespace dream::ui
