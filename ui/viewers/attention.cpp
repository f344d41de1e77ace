#include <algorithm>
#include <cmath>

#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr float most_of_pictures = 0.4f;  // of the height
constexpr float least_picture = 12;       // pixels

std::size_t whole(int n) {
  return static_cast<std::size_t>(std::max(n, 0));
}

bool holds_weights(const Attention& value) {
  const auto count = whole(value.layers) * whole(value.heads) * whole(value.queries) * whole(value.keys);
  return count > 0 && value.weights.size() == count;
}

std::string label(const std::vector<std::string>& labels, int i) {
  return whole(i) < labels.size() ? labels[whole(i)] : "token " + std::to_string(i);
}

/// Whose look is shown on the pictures; layer < 0: the mean of all heads.
struct Look {
  int layer = -1, head = -1, query = 0, key = -1;
};

const float* row_of(const Attention& value, int layer, int head, int query) {
  return value.weights.data() + ((whole(layer) * whole(value.heads) + whole(head)) * whole(value.queries) + whole(query)) * whole(value.keys);
}

/// A moment that keys in a row are of, and how much of a look goes there.
struct LookedAt {
  int age = 0;
  float weight = 0;
  std::shared_ptr<const Image> picture;
};

std::vector<LookedAt> moments_of(const Attention& value, const Look& look) {
  std::vector<LookedAt> moments;
  if (value.key_pictures.size() != whole(value.keys) || value.key_ages.size() != whole(value.keys)) return moments;
  const auto share = [&](int key) {
    if (look.layer >= 0) return row_of(value, look.layer, look.head, look.query)[key];
    float sum = 0;
    for (int layer = 0; layer < value.layers; ++layer)
      for (int head = 0; head < value.heads; ++head) sum += row_of(value, layer, head, look.query)[key];
    return sum / static_cast<float>(value.layers * value.heads);
  };
  for (int key = 0; key < value.keys; ++key) {
    const int age = value.key_ages[whole(key)];
    if (age < 0) continue;
    if (moments.empty() || moments.back().age != age) moments.push_back({age, 0, value.key_pictures[whole(key)]});
    const float weight = share(key);
    if (std::isfinite(weight)) moments.back().weight += weight;
  }
  if (std::ranges::none_of(moments, [](const LookedAt& each) { return each.picture != nullptr; })) moments.clear();
  return moments;
}

/// The moments side by side, each as clear as it is looked at, with the share below.
void draw_moments(Ui& ui, const Probe& probe, const std::vector<LookedAt>& moments, const Well& box) {
  const Palette& p = ui.color();
  const float bar = ui.px(8), gap = ui.px(2);
  const float step = box.width() / static_cast<float>(moments.size());
  const float side = std::floor(std::min(step - gap, box.height() * most_of_pictures - bar - 2 * gap));
  if (side < least_picture) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  float most = 1e-6f;
  for (const auto& each : moments) most = std::max(most, each.weight);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    const float left = std::floor(box.min.x + step * static_cast<float>(i) + (step - side) / 2), top = std::floor(box.min.y + gap);
    const ImVec2 from{left, top}, to{left + side, top + side};
    const float share = moments[i].weight / most;
    if (moments[i].picture) draw_image(ui, "looked/" + probe.name + std::to_string(i), moments[i].picture, from, to, {});
    list->AddRectFilled(from, to, fade(p.well, 0.75f * (1 - std::sqrt(std::clamp(share, 0.0f, 1.0f)))));
    list->AddRect(from, to, fade(p.text, 0.2f + 0.5f * share));
    const float low = to.y + gap + bar;
    list->AddRectFilled({from.x, low - std::max(1.0f, bar * std::clamp(moments[i].weight, 0.0f, 1.0f))}, {to.x, low}, p.dream);
  }
}

}  // namespace

/// The moments that the newest token looks at as pictures, where they are known; below a square per head, a row of them per layer:
/// from which token (down) to which (right) how much goes. The token under the mouse has its own look drawn on the pictures.
void draw_viewer(Ui& ui, const Probe& probe, const Attention& value, ImVec2 size) {
  const Palette& p = ui.color();
  const Well box = well(ui, "attention", size);
  if (!holds_weights(value)) return centred_note(ui, box.min, box.max, "No attention.");

  Look look{.query = value.queries - 1};
  auto moments = moments_of(value, look);
  // Where the squares lie does not depend on whose look is shown.
  const float gap = ui.px(6), strip = moments.empty() ? 0 : std::min(box.height() * most_of_pictures, box.width() / static_cast<float>(moments.size()) + ui.px(12));
  const float top = box.min.y + strip;
  const ImVec2 each{(box.width() - gap) / static_cast<float>(value.heads) - gap, (box.max.y - top - gap) / static_cast<float>(value.layers) - gap};
  const float w = each.x / static_cast<float>(value.keys), h = each.y / static_cast<float>(value.queries);
  const ImVec2 mouse = ImGui::GetMousePos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (int layer = 0; layer < value.layers; ++layer) {
    for (int head = 0; head < value.heads; ++head) {
      const ImVec2 from{box.min.x + gap + (each.x + gap) * static_cast<float>(head), top + gap + (each.y + gap) * static_cast<float>(layer)};
      list->PrimReserve(value.queries * value.keys * 6, value.queries * value.keys * 4);
      for (int q = 0; q < value.queries; ++q) {
        const float* weights = row_of(value, layer, head, q);
        for (int k = 0; k < value.keys; ++k) {
          const float x = from.x + w * static_cast<float>(k), y = from.y + h * static_cast<float>(q);
          // By its root: many small weights are seen beside a large one.
          list->PrimRect({x, y}, {x + w, y + h},
                         magnitude_colour(std::isfinite(weights[k]) ? std::sqrt(std::clamp(weights[k], 0.0f, 1.0f)) : 0));
        }
      }
      const float x = mouse.x - from.x, y = mouse.y - from.y;
      if (!box.hovered || x < 0 || y < 0 || x >= each.x || y >= each.y) continue;
      look = {layer, head, static_cast<int>(y / h), static_cast<int>(x / w)};
      list->AddRect({from.x, from.y + h * static_cast<float>(look.query)}, {from.x + each.x, from.y + h * static_cast<float>(look.query + 1)},
                    fade(p.text, 0.5f));
    }
  }
  if (look.layer >= 0) moments = moments_of(value, look);
  if (!moments.empty()) draw_moments(ui, probe, moments, box);
  if (!box.hovered) return;
  std::string under;
  if (!moments.empty())
    under = look.layer < 0 ? "\nThe pictures: where " + label(value.query_labels, look.query) + " looks, the mean of all heads"
                           : "\nThe pictures: where this token looks, by this head";
  if (look.layer >= 0) {
    char share[64];
    std::snprintf(share, sizeof share, "layer %d, head %d: %.3f", look.layer + 1, look.head + 1,
                  static_cast<double>(row_of(value, look.layer, look.head, look.query)[look.key]));
    under += "\n" + label(value.query_labels, look.query) + " looks at " + label(value.key_labels, look.key) + "\n" + share;
  }
  tip(ui, probe.title.c_str(), (probe.caption + under).c_str());
}

}  // namespace dream::ui
