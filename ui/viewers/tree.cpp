#include <algorithm>
#include <cmath>

#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// Where every node that was tried stands: its depth, and the share of the height that it has by its visits.
struct Place {
  int depth = 0;
  float top = 0, bottom = 1;
  std::vector<int> children;
  float middle() const { return (top + bottom) / 2; }
};

/// Empty for a tree that is none.
std::vector<Place> places_of(const Tree& tree) {
  std::vector<Place> places(tree.nodes.size());
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const int parent = tree.nodes[i].parent;
    if (parent >= static_cast<int>(i) || parent < -1 || (parent == -1) != (i == 0)) return {};
    if (parent < 0) continue;
    places[i].depth = places[static_cast<std::size_t>(parent)].depth + 1;
    if (tree.nodes[i].visits > 0) places[static_cast<std::size_t>(parent)].children.push_back(static_cast<int>(i));
  }
  for (auto& place : places) {
    float all = 0;
    for (const int child : place.children) all += static_cast<float>(tree.nodes[static_cast<std::size_t>(child)].visits);
    float at = place.top;
    for (const int child : place.children) {
      auto& below = places[static_cast<std::size_t>(child)];
      below.top = at;
      at += (place.bottom - place.top) * static_cast<float>(tree.nodes[static_cast<std::size_t>(child)].visits) / all;
      below.bottom = at;
    }
  }
  return places;
}

void explain_node(Ui& ui, const Probe& probe, const Tree& tree, int index, const std::string& way) {
  const Palette& p = ui.color();
  const auto& node = tree.nodes[static_cast<std::size_t>(index)];
  const bool pictured = tree.thumbnails && tree.thumb_width > 0 && tree.thumb_height > 0 &&
                        (index + 1) * tree.thumb_width <= tree.thumbnails->width;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(12), ui.px(9)});
  if (ImGui::BeginTooltip()) {
    if (pictured) {
      const ImVec2 size = fit_picture(tree.thumb_width, tree.thumb_height, {ui.px(128), ui.px(128)});
      const float unit = static_cast<float>(tree.thumb_width) / static_cast<float>(tree.thumbnails->width);
      const ImVec2 from = ImGui::GetCursorScreenPos();
      draw_image(ui, "tree/" + probe.name, tree.thumbnails, from, {from.x + size.x, from.y + size.y},
                 {.from = {static_cast<float>(index) * unit, 0}, .to = {static_cast<float>(index + 1) * unit, 1}});
      ImGui::Dummy(size);
      ImGui::SameLine(0, ui.px(12));
    }
    ImGui::BeginGroup();
    {
      WithFont bold(ui.fonts.bold);
      text(p.text, "%s", index == 0 ? "here, now" : way.c_str());
    }
    const auto figure = [&](double value, const char* what) { mono(ui, p.muted, "%9s  %s", short_number(value).c_str(), what); };
    figure(node.visits, "visits");
    figure(static_cast<double>(node.value), ("mean return" + (tree.unit.empty() ? "" : ", " + tree.unit)).c_str());
    if (index > 0) {
      figure(static_cast<double>(node.prior), "prior of the policy");
      figure(static_cast<double>(node.reward), "reward on the way there");
      text(p.muted, "click: dream on to there");
    }
    ImGui::EndGroup();
    ImGui::EndTooltip();
  }
  ImGui::PopStyleVar();
}

}  // namespace

/// The root at the left, a column per step. A branch is as thick as it was visited often; its colour is its mean return.
void draw_viewer(Ui& ui, const Probe& probe, const Tree& value, ImVec2 size) {
  const Palette& p = ui.color();
  const auto places = places_of(value);
  const bool wide = size.x > ui.px(220);
  const float bar = wide ? ui.px(64) : 0;
  const Well box = well(ui, "tree", {size.x - bar, size.y});
  if (places.empty() || value.nodes[0].visits <= 0) return centred_note(ui, box.min, box.max, "No search.");

  int deepest = 1;
  float low = 1e30f, high = -1e30f;
  for (std::size_t i = 1; i < places.size(); ++i) {
    const auto& node = value.nodes[i];
    if (node.visits <= 0) continue;
    deepest = std::max(deepest, places[i].depth);
    if (std::isfinite(node.value)) low = std::min(low, node.value), high = std::max(high, node.value);
  }
  if (!(high > low)) high = low + 1;
  const float pad = ui.px(14);
  const float column = (box.width() - 2 * pad - ui.px(12)) / static_cast<float>(deepest);
  const auto at = [&](std::size_t i) {
    return ImVec2{box.min.x + pad + column * static_cast<float>(places[i].depth),
                  box.min.y + pad + (box.height() - 2 * pad) * places[i].middle()};
  };
  const auto colour = [&](std::size_t i) {
    const float v = value.nodes[i].value;
    return std::isfinite(v) ? magnitude_colour(0.2f + 0.75f * std::clamp((v - low) / (high - low), 0.0f, 1.0f)) : p.grey;
  };
  const float most = static_cast<float>(value.nodes[0].visits);
  const auto share = [&](std::size_t i) { return std::sqrt(static_cast<float>(value.nodes[i].visits) / most); };

  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(box.min, box.max, true);
  const ImVec2 mouse = ImGui::GetMousePos();
  int nearest = -1;
  float distance = ui.px(12);
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (value.nodes[i].visits <= 0) continue;
    const ImVec2 from = at(static_cast<std::size_t>(value.nodes[i].parent)), to = at(i);
    const float bend = column * 0.45f;
    list->AddBezierCubic(from, {from.x + bend, from.y}, {to.x - bend, to.y}, to, colour(i),
                         std::max(ui.px(1), ui.px(9) * share(i)));
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (value.nodes[i].visits <= 0) continue;
    const ImVec2 here = at(i);
    const float radius = std::max(ui.px(2), ui.px(6.5f) * share(i));
    list->AddCircleFilled(here, radius, i == 0 ? p.text : colour(i));
    if (static_cast<int>(i) == value.chosen) list->AddCircle(here, radius + ui.px(3), p.text, 0, ui.px(1.5f));
    const float far = std::hypot(here.x - mouse.x, here.y - mouse.y);
    if (box.hovered && far < distance) distance = far, nearest = static_cast<int>(i);
  }
  // First steps have their names where there is room.
  for (std::size_t i = 0; i < places.size(); ++i) {
    WithFont small(ui.fonts.text, 0.82f);
    const float line = ImGui::GetTextLineHeight();
    if (value.nodes[i].visits <= 0 || places[i].depth != 1 || (places[i].bottom - places[i].top) * box.height() < line) continue;
    const auto* name = value.nodes[i].action.c_str();
    const ImVec2 here = at(i), from{here.x + ui.px(8), here.y - line - ui.px(4)}, room = ImGui::CalcTextSize(name);
    list->AddRectFilled({from.x - ui.px(3), from.y}, {from.x + room.x + ui.px(3), from.y + room.y}, fade(p.well, 0.8f), ui.px(3));
    list->AddText(from, p.text, name);
  }
  list->PopClipRect();
  if (wide) {
    WithFont small(ui.fonts.mono, 0.78f);
    draw_colour_bar(ui, {box.max.x + ui.px(10), box.min.y}, {bar - ui.px(10), box.height()}, static_cast<double>(low),
                    static_cast<double>(high), "Q", [](float t) { return magnitude_colour(0.2f + 0.75f * t); });
  }
  if (nearest < 0) {
    if (box.hovered) tip(ui, probe.title.c_str(), probe.caption.c_str());
    return;
  }
  list->AddCircle(at(static_cast<std::size_t>(nearest)), ui.px(9), p.dream, 0, ui.px(2));
  std::vector<std::vector<float>> deeds;
  std::string way;
  for (int i = nearest; i > 0; i = value.nodes[static_cast<std::size_t>(i)].parent) {
    const auto& node = value.nodes[static_cast<std::size_t>(i)];
    deeds.insert(deeds.begin(), node.deed);
    way = node.action + (way.empty() ? "" : " → " + way);
  }
  explain_node(ui, probe, value, nearest, way);
  if (ImGui::IsMouseClicked(ImGuiMouseButton_Left) && nearest > 0) ui.send(DoActions{std::move(deeds)});
}

}  // namespace dream::ui
