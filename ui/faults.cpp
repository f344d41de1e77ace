#include "ui/faults.h"

#include <algorithm>
#include <string>
#include <vector>

#include "imgui_internal.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

std::vector<std::string> faults_of(const Ui& ui) {
  std::vector<std::string> sentences;
  for (const std::string* fault : {&ui.snapshot->fault, &ui.train().fault})
    if (!fault->empty() && std::find(sentences.begin(), sentences.end(), *fault) == sentences.end())
      sentences.push_back(*fault);
  return sentences;
}

float icon_room(const Ui& ui) {
  return ui.px(26);
}

bool can_go_on(const Ui& ui) {
  return !ui.train().fault.empty() && ui.train().open && !ui.train().busy;
}

/// What the sentences may take beside the buttons.
float sentence_width(const Ui& ui) {
  const float buttons = ui.px(ui.train().fault.empty() ? 116 : can_go_on(ui) ? 316 : 220);
  return std::max(ImGui::GetMainViewport()->WorkSize.x - ui.px(24) - icon_room(ui) - buttons, ui.px(200));
}

}  // namespace

float faults_height(const Ui& ui) {
  float height = 0;
  for (const std::string& sentence : faults_of(ui))
    height += ImGui::CalcTextSize(sentence.c_str(), nullptr, false, sentence_width(ui)).y + ui.px(6);
  return height > 0 ? std::max(height, ImGui::GetFrameHeight()) + ui.px(12) : 0;
}

void draw_faults(Ui& ui) {
  const float high = faults_height(ui);
  if (high <= 0) return;
  const Palette& p = ui.color();
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos({screen->WorkPos.x, screen->WorkPos.y + screen->WorkSize.y - high});
  ImGui::SetNextWindowSize({screen->WorkSize.x, high});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(12), ui.px(7)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  ImGui::PushStyleColor(ImGuiCol_WindowBg, blend(p.panel, p.fault, 0.22f));
  if (ImGui::Begin("###faults", nullptr,
                   ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing |
                       ImGuiWindowFlags_NoNavFocus)) {
    ImGui::BringWindowToDisplayFront(ImGui::GetCurrentWindow());
    const ImVec2 start = ImGui::GetCursorPos();
    float top = start.y + ui.px(3);
    for (const std::string& sentence : faults_of(ui)) {
      ImGui::SetCursorPos({start.x, top});
      text(p.fault, "%s", icon::warning);
      ImGui::SetCursorPos({start.x + icon_room(ui), top});
      ImGui::PushTextWrapPos(start.x + icon_room(ui) + sentence_width(ui));
      ImGui::TextUnformatted(sentence.c_str());
      ImGui::PopTextWrapPos();
      top = ImGui::GetCursorPosY() - ImGui::GetStyle().ItemSpacing.y + ui.px(6);
    }
    ImGui::SetCursorPos({start.x + icon_room(ui) + sentence_width(ui) + ui.px(8), start.y});
    if (can_go_on(ui)) {
      action_button(ui, "try again", "train_start", true, ui.px(90));
      ImGui::SameLine(0, ui.px(6));
    }
    if (!ui.train().fault.empty()) {
      if (button(ui, "settings###to_settings", "Settings", "The settings of this run: what may have been the cause.",
                 {.width = ui.px(94)}))
        ui.want_panel = "fields";
      ImGui::SameLine(0, ui.px(6));
    }
    if (button(ui, "log###to_log", "Log", "What happened before.", {.width = ui.px(50)})) ui.want_panel = "log";
    ImGui::SameLine(0, ui.px(6));
    if (button(ui, (std::string(icon::close) + "###dismiss").c_str(), "Dismiss", "Hide this; it stays in the log.",
               {.width = ui.px(36)}))
      ui.send(DismissFault{});
  }
  ImGui::End();
  ImGui::PopStyleColor();
  ImGui::PopStyleVar(2);
}

}  // namespace dream::ui
