#include <algorithm>
#include <cmath>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

/// A square per head, a row of them per layer: from which token (down) to which (right) how much goes.
void draw_viewer(Ui& ui, const Probe& probe, const Attention& value, ImVec2 size) {
  const Palette& p = ui.color();
  const Well box = well(ui, "attention", size);
  const auto whole = [](int n) { return static_cast<std::size_t>(std::max(n, 0)); };
  const auto cells = whole(value.queries) * whole(value.keys);
  if (cells == 0 || value.weights.size() != whole(value.layers) * whole(value.heads) * cells || value.weights.empty())
    return centred_note(ui, box.min, box.max, "No attention.");

  const float gap = ui.px(6);
  const ImVec2 each{(box.width() - gap) / static_cast<float>(value.heads) - gap,
                    (box.height() - gap) / static_cast<float>(value.layers) - gap};
  const ImVec2 mouse = ImGui::GetMousePos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  std::string under;
  for (int layer = 0; layer < value.layers; ++layer) {
    for (int head = 0; head < value.heads; ++head) {
      const ImVec2 from{box.min.x + gap + (each.x + gap) * static_cast<float>(head),
                        box.min.y + gap + (each.y + gap) * static_cast<float>(layer)};
      const float w = each.x / static_cast<float>(value.keys), h = each.y / static_cast<float>(value.queries);
      const float* weights = value.weights.data() + (whole(layer) * whole(value.heads) + whole(head)) * cells;
      list->PrimReserve(static_cast<int>(cells) * 6, static_cast<int>(cells) * 4);
      for (int q = 0; q < value.queries; ++q) {
        for (int k = 0; k < value.keys; ++k) {
          const float weight = weights[whole(q) * whole(value.keys) + whole(k)];
          const float x = from.x + w * static_cast<float>(k), y = from.y + h * static_cast<float>(q);
          // By its root: many small weights are seen beside a large one.
          list->PrimRect({x, y}, {x + w, y + h},
                         magnitude_colour(std::isfinite(weight) ? std::sqrt(std::clamp(weight, 0.0f, 1.0f)) : 0));
        }
      }
      const float x = mouse.x - from.x, y = mouse.y - from.y;
      if (!box.hovered || x < 0 || y < 0 || x >= each.x || y >= each.y) continue;
      const auto q = static_cast<int>(y / h), k = static_cast<int>(x / w);
      const auto name = [&](const std::vector<std::string>& labels, int i) {
        return whole(i) < labels.size() ? labels[whole(i)] : "token " + std::to_string(i);
      };
      char share[64];
      std::snprintf(share, sizeof share, "layer %d, head %d: %.3f", layer + 1, head + 1,
                    static_cast<double>(weights[whole(q) * whole(value.keys) + whole(k)]));
      under = "\n" + name(value.query_labels, q) + " looks at " + name(value.key_labels, k) + "\n" + share;
      list->AddRect({from.x, from.y + h * static_cast<float>(q)}, {from.x + each.x, from.y + h * static_cast<float>(q + 1)},
                    fade(p.text, 0.5f));
    }
  }
  if (box.hovered) tip(ui, probe.title.c_str(), (probe.caption + under).c_str());
}

}  // namespace dream::ui
