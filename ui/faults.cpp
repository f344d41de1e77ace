#include "ui/faults.h"

#include <algorithm>
#include <string>
#include <vector>

#include "imgui_internal.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_faults(Ui& ui) {
  std::vector<std::string> sentences;
  for (const std::string* fault : {&ui.snapshot->fault, &ui.train().fault})
    if (!fault->empty() && std::find(sentences.begin(), sentences.end(), *fault) == sentences.end())
      sentences.push_back(*fault);
  if (sentences.empty()) return;
  const Palette& p = ui.color();
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const float wide = std::min(ui.px(760), screen->WorkSize.x - ui.px(40));
  ImGui::SetNextWindowPos({screen->WorkPos.x + screen->WorkSize.x / 2, screen->WorkPos.y + ui.px(8)}, ImGuiCond_Always,
                          {0.5f, 0});
  ImGui::SetNextWindowSize({wide, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(12), ui.px(9)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, ui.px(8));
  ImGui::PushStyleColor(ImGuiCol_WindowBg, blend(p.panel, p.fault, 0.18f));
  ImGui::PushStyleColor(ImGuiCol_Border, blend(p.panel, p.fault, 0.6f));
  if (ImGui::Begin("###faults", nullptr,
                   ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                       ImGuiWindowFlags_NoNavFocus)) {
    ImGui::BringWindowToDisplayFront(ImGui::GetCurrentWindow());
    const float left = ImGui::GetCursorPosX(), button = ui.px(30);
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      const float top = ImGui::GetCursorPosY();
      text(p.fault, "%s", icon::warning);
      ImGui::SetCursorPos({left + ui.px(26), top});
      ImGui::PushTextWrapPos(wide - ui.px(12) - button);
      ImGui::TextUnformatted(sentences[i].c_str());
      ImGui::PopTextWrapPos();
      if (i > 0) continue;
      const float below = ImGui::GetCursorPosY();
      ImGui::SetCursorPos({wide - ui.px(10) - button, top - ui.px(3)});
      ImGui::PushStyleColor(ImGuiCol_Button, IM_COL32_BLACK_TRANS);
      if (ImGui::Button((std::string(icon::close) + "###dismiss").c_str(), {button, ui.px(26)}))
        ui.send(DismissFault{});
      ImGui::PopStyleColor();
      tip(ui, "Dismiss", "Hide this; it stays in the log.");
      ImGui::SetCursorPos({left, std::max(below, ImGui::GetCursorPosY())});
    }
  }
  ImGui::End();
  ImGui::PopStyleColor(2);
  ImGui::PopStyleVar(3);
}

}  // namespace dream::ui
