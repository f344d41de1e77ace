// What one element of a latent does to the picture: a film strip in its tooltip.
#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void explain(Ui& ui, const Probe& probe, int index, const std::string& sentence) {
  if (probe.editable) ui.wanted_explained = {probe.name, index};
  const ExplainedLatent& explained = ui.dream().explained;
  const bool known = probe.editable && explained.probe == probe.name && explained.index == index && !explained.pictures.empty();
  const Palette& p = ui.color();
  const bool strip = explained.pictures.size() > 1;
  const float side = ui.px(72), gap = ui.px(6), count = static_cast<float>(explained.pictures.size());
  const ImVec2 pictures{count * side + (count - 1) * gap, side + ui.px(2) + 2 * ImGui::GetTextLineHeightWithSpacing()};
  tip(ui, probe.title.c_str(), sentence.c_str(), nullptr, known ? pictures : ImVec2{});
  if (!known || !ImGui::BeginTooltip()) return;
  text(p.muted, "%s", strip ? "this moment, with the element at" : "this moment, if it is drawn");
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  {
    WithFont small(ui.fonts.mono, 0.82f);
    for (std::size_t i = 0; i < explained.pictures.size(); ++i) {
      const auto& one = explained.pictures[i];
      const ImVec2 min{at.x + static_cast<float>(i) * (side + gap), at.y}, max{min.x + side, min.y + side};
      draw_image(ui, "explained/" + std::to_string(i), one.picture, min, max);
      if (strip) list->AddText({min.x, max.y + ui.px(2)}, p.text, short_number(static_cast<double>(one.value)).c_str());
    }
    ImGui::Dummy({pictures.x, side + (strip ? ImGui::GetTextLineHeight() + ui.px(2) : 0)});
  }
  ImGui::EndTooltip();
}

}  // namespace dream::ui
