// What one element of a latent does to the picture: a film strip in its tooltip.
#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void explain(Ui& ui, const Probe& probe, int index) {
  if (!probe.editable) return;
  ui.wanted_explained = {probe.name, index};
  const ExplainedLatent& explained = ui.dream().explained;
  const bool known = explained.probe == probe.name && explained.index == index && !explained.pictures.empty();
  if (!known || !ImGui::BeginTooltip()) return;
  const Palette& p = ui.color();
  const bool strip = explained.pictures.size() > 1;
  text(p.muted, "%s", strip ? "this moment, with the element at" : "this moment, if it is drawn");
  const float side = ui.px(72), gap = ui.px(6);
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
    const auto count = static_cast<float>(explained.pictures.size());
    ImGui::Dummy({count * side + (count - 1) * gap, side + (strip ? ImGui::GetTextLineHeight() + ui.px(2) : 0)});
  }
  ImGui::EndTooltip();
}

}  // namespace dream::ui
