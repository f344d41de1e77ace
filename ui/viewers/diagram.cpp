#include <algorithm>
#include <cmath>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Box {
  ImVec2 min, max;
  ImVec2 middle() const { return {(min.x + max.x) / 2, (min.y + max.y) / 2}; }
  bool holds(ImVec2 at) const { return at.x >= min.x && at.x < max.x && at.y >= min.y && at.y < max.y; }
};

bool whole(const Diagram& diagram) {
  const auto sound = [](float x) { return std::isfinite(x) && std::abs(x) < 1e4f; };
  const auto there = [&](int i) { return i >= 0 && i < static_cast<int>(diagram.nodes.size()); };
  return !diagram.nodes.empty() && sound(diagram.columns) && sound(diagram.rows) && diagram.columns > 0 &&
         diagram.rows > 0 && std::isfinite(diagram.phase) &&
         std::ranges::all_of(
             diagram.nodes,
             [&](const auto& n) { return sound(n.x) && sound(n.y) && sound(n.width) && sound(n.height); }) &&
         std::ranges::all_of(diagram.edges, [&](const auto& e) {
           return there(e.from) && there(e.to) && e.from != e.to && sound(e.along);
         });
}

float share(float strength) {
  return std::isfinite(strength) ? std::clamp(strength, 0.0f, 1.0f) : 0;
}

/// Where the line from a box's middle to `to` leaves it.
ImVec2 leaves(const Box& box, ImVec2 to) {
  const ImVec2 from = box.middle(), way{to.x - from.x, to.y - from.y};
  const float across = std::abs(way.x) > 0 ? (box.max.x - box.min.x) / 2 / std::abs(way.x) : 1e9f;
  const float down = std::abs(way.y) > 0 ? (box.max.y - box.min.y) / 2 / std::abs(way.y) : 1e9f;
  const float t = std::min({across, down, 1.0f});
  return {from.x + way.x * t, from.y + way.y * t};
}

/// Upright or level where two boxes lie side by side, else straight from middle to middle.
std::pair<ImVec2, ImVec2> way_of(const Box& from, const Box& to, float along, float least) {
  const float left = std::max(from.min.x, to.min.x), right = std::min(from.max.x, to.max.x);
  const float top = std::max(from.min.y, to.min.y), bottom = std::min(from.max.y, to.max.y);
  if (right - left > least) {
    const float x = left + (right - left) * along;
    return from.middle().y < to.middle().y ? std::pair{ImVec2{x, from.max.y}, ImVec2{x, to.min.y}}
                                           : std::pair{ImVec2{x, from.min.y}, ImVec2{x, to.max.y}};
  }
  if (bottom - top > least) {
    const float y = top + (bottom - top) * along;
    return from.middle().x < to.middle().x ? std::pair{ImVec2{from.max.x, y}, ImVec2{to.min.x, y}}
                                           : std::pair{ImVec2{from.min.x, y}, ImVec2{to.max.x, y}};
  }
  return {leaves(from, to.middle()), leaves(to, from.middle())};
}

void draw_bars(const Ui& ui, const std::vector<float>& bars, Box room, ImU32 colour) {
  float low = 0, high = 0;
  for (const float bar : bars)
    if (std::isfinite(bar)) low = std::min(low, bar), high = std::max(high, bar);
  if (!(high > low)) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float each = (room.max.x - room.min.x) / static_cast<float>(bars.size());
  const auto at = [&](float value) { return room.max.y - (room.max.y - room.min.y) * (value - low) / (high - low); };
  for (std::size_t i = 0; i < bars.size(); ++i) {
    if (!std::isfinite(bars[i])) continue;
    const float x = room.min.x + each * static_cast<float>(i), gap = each > 3 ? 1.0f : 0.0f;
    list->AddRectFilled({x, std::min(at(bars[i]), at(0))}, {x + each - gap, std::max(at(bars[i]), at(0) - 1)}, colour);
  }
  list->AddLine({room.min.x, at(0)}, {room.max.x, at(0)}, fade(ui.color().muted, 0.6f));
}

void draw_node(const Ui& ui, const Diagram::Node& node, const Box& box, bool chosen, float scale) {
  const Palette& p = ui.color();
  const float lit = share(node.strength), pad = ui.px(6);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(box.min, box.max, blend(p.panel, p.dream, 0.05f + 0.3f * lit), ui.px(6));
  list->AddRect(box.min, box.max, chosen ? p.text : blend(p.border, p.dream, lit), ui.px(6), 0, ui.px(1 + 1.2f * lit));
  list->PushClipRect(box.min, box.max, true);
  const float room = box.max.x - box.min.x - 2 * pad;
  float y = box.min.y + pad * 0.6f, wide = 0;
  {
    WithFont bold(ui.fonts.bold, 0.92f * scale);
    list->AddText({box.min.x + pad, y}, blend(p.muted, p.text, 0.35f + 0.65f * lit), fitted(node.title, room).c_str());
    y += ImGui::GetTextLineHeight() + ui.px(1);
  }
  const float below = y;
  {
    WithFont small(ui.fonts.mono, 0.82f * scale);
    for (const auto& line : node.lines) {
      if (y + ImGui::GetTextLineHeight() > box.max.y) break;
      list->AddText({box.min.x + pad, y}, p.text, fitted(line, room).c_str());
      wide = std::max(wide, ImGui::CalcTextSize(line.c_str()).x);
      y += ImGui::GetTextLineHeight();
    }
  }
  if (!node.bars.empty()) {
    // Beside the lines where they leave half of the width, else under them.
    const bool beside = wide < 0.5f * room;
    const Box bars{{beside ? box.max.x - pad - 0.45f * room : box.min.x + pad, beside ? below : y + ui.px(3)},
                   {box.max.x - pad, box.max.y - pad}};
    if (bars.max.y - bars.min.y > ui.px(8)) draw_bars(ui, node.bars, bars, fade(p.dream, 0.85f));
  }
  list->PopClipRect();
}

void draw_edge(const Ui& ui, const Diagram::Edge& edge, ImVec2 from, ImVec2 to, float phase, float scale, float right) {
  const Palette& p = ui.color();
  const float flows = share(edge.strength), length = std::hypot(to.x - from.x, to.y - from.y);
  if (length < 1) return;
  const ImVec2 way{(to.x - from.x) / length, (to.y - from.y) / length};
  const ImU32 colour = fade(blend(p.grey, p.dream, flows), 0.4f + 0.6f * flows);
  const float thick = ui.px(1 + 2.2f * flows), head = std::min(ui.px(5) + 1.6f * thick, 0.6f * length);
  const auto at = [&](float along, float aside) {
    return ImVec2{from.x + way.x * along - way.y * aside, from.y + way.y * along + way.x * aside};
  };
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddLine(from, at(length - head, 0), colour, thick);
  list->AddTriangleFilled(to, at(length - head, head / 2), at(length - head, -head / 2), colour);
  if (flows > 0.2f) {
    const float apart = ui.px(22);
    for (float along = (phase - std::floor(phase)) * apart; along < length - head; along += apart)
      list->AddCircleFilled(at(along, 0), 0.5f * thick + ui.px(1), fade(p.text, 0.35f + 0.6f * flows));
  }
  if (edge.label.empty()) return;
  WithFont small(ui.fonts.mono, 0.78f * scale);
  const ImVec2 size = ImGui::CalcTextSize(edge.label.c_str());
  const bool upright = std::abs(way.y) > std::abs(way.x);
  const ImVec2 middle = at(length / 2, 0);
  ImVec2 corner = upright ? ImVec2{middle.x + ui.px(6), middle.y - size.y / 2}
                          : ImVec2{middle.x - size.x / 2, middle.y - size.y - ui.px(4)};
  corner.x = std::min(corner.x, right - size.x - 2);
  list->AddRectFilled({corner.x - 2, corner.y}, {corner.x + size.x + 2, corner.y + size.y}, fade(p.well, 0.85f),
                      ui.px(2));
  list->AddText(corner, blend(p.muted, p.text, flows), edge.label.c_str());
}

}  // namespace

/// Modules as boxes, lit by how much they are at work, and arrows between them, along which as much goes as flows.
void draw_viewer(Ui& ui, const Probe& probe, const Diagram& value, ImVec2 size) {
  const Well well_box = well(ui, "diagram", size);
  if (!whole(value)) return centred_note(ui, well_box.min, well_box.max, "No diagram.");
  const ImVec2 cell{well_box.width() / value.columns, well_box.height() / value.rows};
  const auto box_of = [&](const Diagram::Node& node) {
    return Box{{well_box.min.x + node.x * cell.x, well_box.min.y + node.y * cell.y},
               {well_box.min.x + (node.x + node.width) * cell.x, well_box.min.y + (node.y + node.height) * cell.y}};
  };
  const float scale = std::clamp(cell.x / ui.px(36), 0.78f, 1.0f);  // of letters, where it is narrow
  int under = -1;
  for (std::size_t i = 0; i < value.nodes.size(); ++i)
    if (well_box.hovered && box_of(value.nodes[i]).holds(ImGui::GetMousePos())) under = static_cast<int>(i);
  ImGui::GetWindowDrawList()->PushClipRect(well_box.min, well_box.max, true);
  for (std::size_t i = 0; i < value.nodes.size(); ++i)
    draw_node(ui, value.nodes[i], box_of(value.nodes[i]), static_cast<int>(i) == under, scale);
  for (const auto& edge : value.edges) {
    const auto [from, to] =
        way_of(box_of(value.nodes[static_cast<std::size_t>(edge.from)]),
               box_of(value.nodes[static_cast<std::size_t>(edge.to)]), edge.along, 0.4f * std::min(cell.x, cell.y));
    draw_edge(ui, edge, from, to, value.phase, scale, well_box.max.x);
  }
  ImGui::GetWindowDrawList()->PopClipRect();
  if (!well_box.hovered) return;
  if (under < 0) return tip(ui, probe.title.c_str(), probe.caption.c_str());
  const auto& node = value.nodes[static_cast<std::size_t>(under)];
  std::string told = node.help;
  for (const auto& line : node.lines)
    if (!line.empty()) told += "\n" + line;
  if (!node.bars.empty()) told += "\nBars: " + node.bars_label;
  tip(ui, node.title.c_str(), told.c_str());
}

}  // namespace dream::ui
