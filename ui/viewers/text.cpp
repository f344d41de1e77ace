#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_viewer(Ui& ui, const Probe& probe, const Text& value, ImVec2 size) {
  (void)probe;
  ImGui::BeginChild("text", size);
  ImGui::PushTextWrapPos(0);
  ImGui::PushStyleColor(ImGuiCol_Text, ui.color().text);
  ImGui::TextUnformatted(value.text.c_str());
  ImGui::PopStyleColor();
  ImGui::PopTextWrapPos();
  ImGui::EndChild();
}

}  // namespace dream::ui
