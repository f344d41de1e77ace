#include "ui/foreign.h"

#include <algorithm>

#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr const char* dialog = "A PyTorch file###foreign";

/// What was answered last, until the engine has heard it.
std::string& answered(Ui& ui) {
  return ui.texts["foreign/answered"];
}

void answer(Ui& ui, const ForeignView& file, bool run) {
  answered(ui) = file.path;
  ui.send(AnswerForeign{file.path, file.sha256, run});
  ImGui::CloseCurrentPopup();
}

void draw_question(Ui& ui, const ForeignView& file) {
  const Palette& p = ui.color();
  {
    WithFont bold(ui.fonts.bold, 1.15f);
    ImGui::TextUnformatted("Run the program in this file?");
  }
  ImGui::Spacing();
  ImGui::PushTextWrapPos(ImGui::GetContentRegionAvail().x);
  mono(ui, p.text, "%s", file.path.c_str());
  text(p.muted, "%s", short_bytes(file.bytes).c_str());
  ImGui::Spacing();
  ImGui::TextUnformatted(
      "It is a world model with code of its own (TorchScript). Such a program can do on this computer whatever you can: read "
      "your files, change them, send them away. Nothing of it has run yet.");
  ImGui::Spacing();
  ImGui::TextUnformatted("Run it only if you made it yourself, or trust who did. Whoever gave it to you can tell you its SHA-256:");
  mono(ui, p.text, "%s", file.sha256.c_str());
  ImGui::Spacing();
  text(p.muted, "You are asked once. A file that was changed has another SHA-256, and is asked for again.");
  ImGui::PopTextWrapPos();
  ImGui::Spacing();
  if (button(ui, "Not now###not_now", "Not now", "Nothing runs; the file stays as it is.", {.accent = true, .keys = "Esc", .width = ui.px(120)}) ||
      ImGui::IsKeyPressed(ImGuiKey_Escape))
    return answer(ui, file, false);
  ImGui::SameLine(0, ui.px(8));
  if (button(ui, "Run it###run_it", "Run it", "Now, and whenever it is opened from now on.", {.width = ui.px(120)})) answer(ui, file, true);
}

void draw_bars(const Ui& ui, const std::vector<float>& heights) {
  const ImVec2 size{ui.px(150), ImGui::GetTextLineHeight()}, at = ImGui::GetCursorScreenPos();
  ImGui::Dummy(size);
  if (heights.empty()) return;
  const float wide = size.x / static_cast<float>(heights.size());
  for (std::size_t i = 0; i < heights.size(); ++i) {
    if (heights[i] <= 0) continue;
    const float left = at.x + wide * static_cast<float>(i);
    const float top = at.y + size.y - std::max(size.y * heights[i], 1.0f);
    ImGui::GetWindowDrawList()->AddRectFilled({left, top}, {left + wide - 1, at.y + size.y}, ui.color().dream);
  }
}

void draw_weights(Ui& ui, const ForeignView& file) {
  const Palette& p = ui.color();
  {
    WithFont bold(ui.fonts.bold, 1.15f);
    ImGui::TextUnformatted("Weights without a model");
  }
  ImGui::Spacing();
  ImGui::PushTextWrapPos(ImGui::GetContentRegionAvail().x);
  mono(ui, p.text, "%s", file.path.c_str());
  text(p.muted, "%s, %zu tensors", short_bytes(file.bytes).c_str(), file.weights.size());
  ImGui::TextUnformatted(
      "This file holds numbers and no code, so that nothing can be dreamt with it; this is what is in it. A TorchScript file "
      "brings the code too: docs/bring-your-own-model.md says how to write one.");
  ImGui::PopTextWrapPos();
  ImGui::Spacing();
  const float below = ImGui::GetFrameHeight() + ui.px(16);
  if (ImGui::BeginTable("weights", 4, ImGuiTableFlags_ScrollY | ImGuiTableFlags_RowBg | ImGuiTableFlags_Resizable,
                        {0, ImGui::GetContentRegionAvail().y - below})) {
    ImGui::TableSetupColumn("name", ImGuiTableColumnFlags_WidthStretch, 3);
    ImGui::TableSetupColumn("type and shape", ImGuiTableColumnFlags_WidthStretch, 2);
    ImGui::TableSetupColumn("mean ± deviation, from, to", ImGuiTableColumnFlags_WidthStretch, 3);
    ImGui::TableSetupColumn("histogram", ImGuiTableColumnFlags_WidthFixed, ui.px(156));
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableHeadersRow();
    ImGuiListClipper rows;
    rows.Begin(static_cast<int>(file.weights.size()));
    while (rows.Step()) {
      for (int i = rows.DisplayStart; i < rows.DisplayEnd; ++i) {
        const WeightView& weight = file.weights[static_cast<std::size_t>(i)];
        ImGui::TableNextRow();
        for (const std::string* cell : {&weight.name, &weight.type, &weight.numbers}) {
          ImGui::TableNextColumn();
          text(cell == &weight.name ? p.text : p.muted, "%s", cell->c_str());
          if (cell == &weight.name) tip(ui, weight.name.c_str(), (weight.type + ": " + weight.numbers).c_str());
        }
        ImGui::TableNextColumn();
        draw_bars(ui, weight.histogram);
      }
    }
    ImGui::EndTable();
  }
  ImGui::Spacing();
  if (button(ui, "Close###close_weights", "Close", "The dream goes on as it was.", {.accent = true, .keys = "Esc", .width = ui.px(120)}) ||
      ImGui::IsKeyPressed(ImGuiKey_Escape))
    answer(ui, file, false);
}

}  // namespace

void draw_foreign(Ui& ui) {
  const ForeignView& file = *ui.snapshot->foreign;
  if (file.path.empty()) answered(ui).clear();
  if (file.path != answered(ui) && !ImGui::IsPopupOpen(dialog)) ImGui::OpenPopup(dialog);
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const bool weights = file.sha256.empty();
  ImGui::SetNextWindowPos({screen->Pos.x + screen->Size.x / 2, screen->Pos.y + screen->Size.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
  ImGui::SetNextWindowSize({std::min(ui.px(weights ? 980 : 620), screen->Size.x * 0.94f), weights ? screen->Size.y * 0.8f : 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(20), ui.px(16)});
  if (ImGui::BeginPopupModal(dialog, nullptr,
                             ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoSavedSettings)) {
    if (file.path.empty()) ImGui::CloseCurrentPopup();
    else if (weights) draw_weights(ui, file);
    else draw_question(ui, file);
    ImGui::EndPopup();
  }
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
