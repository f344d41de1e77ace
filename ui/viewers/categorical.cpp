#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Side {
  const char* id;
  const std::vector<float>& cells;
  ImU32 colour;
  bool drawn;  // the drawn classes came from these probabilities
};

constexpr float least_cell = 10;  // pixels: every cell is something to point at

/// Whole pixels per cell, so that equal cells look equal.
float cell_size(float room, int count) {
  return std::max(std::floor(room / static_cast<float>(count)), least_cell);
}

float heading() {
  return ImGui::GetTextLineHeight() + ImGui::GetStyle().ItemSpacing.y;
}

bool is_held(const Ui& ui, const Probe& probe, int index) {
  return std::ranges::any_of(ui.dream().held,
                             [&](const HeldLatent& h) { return h.probe == probe.name && h.index == index; });
}

/// Forces classes or lets them go, in this order; Ctrl-Z takes all of it back.
void hold(Ui& ui, const std::string& what, const std::vector<HoldLatent>& changes) {
  std::vector<Command> redo, undo;
  for (const HoldLatent& change : changes) {
    ui.send(change);
    redo.emplace_back(change);
    undo.emplace(undo.begin(), HoldLatent{change.probe, change.index, change.value, !change.on});
  }
  if (!changes.empty()) ui.undoable(what, std::move(undo), std::move(redo));
}

/// A click forces a class, which the dream then keeps; another lets it go. A group has one class.
void force(Ui& ui, const Probe& probe, const Categorical& value, int g, int c) {
  const HoldLatent wanted{probe.name, g * value.classes + c, 1, !is_held(ui, probe, g * value.classes + c)};
  std::vector<HoldLatent> changes;
  for (const HeldLatent& h : ui.dream().held)
    if (wanted.on && h.probe == probe.name && h.index / value.classes == g)
      changes.push_back({h.probe, h.index, h.value, false});
  changes.push_back(wanted);
  hold(ui, "class of group " + std::to_string(g), changes);
}

/// Groups down, classes across: brighter is likelier, the drawn class is outlined, a forced one is pink.
void draw_grid(Ui& ui, const Probe& probe, const Side& side, const Categorical& value, float w, float h) {
  const Well box = well(ui, side.id, {w * static_cast<float>(value.classes), h * static_cast<float>(value.groups)});
  const float gap = 1;
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const auto corner = [&](int g, int c) {
    return ImVec2{std::floor(box.min.x + w * static_cast<float>(c)), std::floor(box.min.y + h * static_cast<float>(g))};
  };
  const auto end_of = [&](int g, int c) {
    const ImVec2 next = corner(g + 1, c + 1);
    return ImVec2{next.x - gap, next.y - gap};
  };
  int shown = 0;
  for (const float v : side.cells) shown += v > 0.01f;
  list->PrimReserve(shown * 6, shown * 4);
  for (int g = 0; g < value.groups; ++g) {
    for (int c = 0; c < value.classes; ++c) {
      const float v = side.cells[static_cast<std::size_t>(g) * value.classes + c];
      if (!(v > 0.01f)) continue;  // a dark cell is the well itself
      list->PrimRect(corner(g, c), end_of(g, c), blend(p.well, side.colour, std::sqrt(std::min(v, 1.0f))));
    }
  }
  for (int g = 0; side.drawn && g < std::min(value.groups, static_cast<int>(value.drawn.size())); ++g) {
    const int c = value.drawn[static_cast<std::size_t>(g)];
    if (c >= 0 && c < value.classes) list->AddRect(corner(g, c), end_of(g, c), fade(p.text, 0.7f));
  }
  for (const HeldLatent& held : ui.dream().held) {
    const int g = held.index / value.classes, c = held.index % value.classes;
    if (held.probe == probe.name && g < value.groups) list->AddRectFilled(corner(g, c), end_of(g, c), p.pink);
  }
  if (!box.hovered) return;  // below: what the mouse points at
  const ImVec2 mouse = ImGui::GetMousePos();
  const int c = std::clamp(static_cast<int>((mouse.x - box.min.x) / w), 0, value.classes - 1);
  const int g = std::clamp(static_cast<int>((mouse.y - box.min.y) / h), 0, value.groups - 1);
  const ImVec2 from = corner(g, c), to = end_of(g, c);
  list->AddRect({from.x - 1, from.y - 1}, {to.x + 1, to.y + 1}, p.text, 0, 0, ui.px(1.5f));
  if (probe.editable && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) force(ui, probe, value, g, c);
  char line[160];
  int used = std::snprintf(line, sizeof line, "group %d, class %d", g, c);
  const auto add = [&](const char* what, const std::vector<float>& cells) {
    const std::size_t at = static_cast<std::size_t>(g) * value.classes + c;
    if (at < cells.size() && used > 0)
      used += std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), "   %s %.4f", what,
                            static_cast<double>(cells[at]));
  };
  add("posterior", value.posterior);
  add("prior", value.prior);
  if (static_cast<std::size_t>(g) < value.drawn.size() && value.drawn[static_cast<std::size_t>(g)] == c && used > 0)
    std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), "   drawn");
  explain(ui, probe, g * value.classes + c,
          probe.caption + "\n" + line +
              (!probe.editable                             ? ""
               : is_held(ui, probe, g * value.classes + c) ? "\nForced: the dream keeps it. Click to let it go."
                                                           : "\nClick to force this class: the dream keeps it."));
}

/// In the room that there is; one of more cells than fit is scrolled.
void draw_grid_in(Ui& ui, const Probe& probe, const Side& side, const Categorical& value, ImVec2 room) {
  const float w = cell_size(room.x, value.classes), h = cell_size(room.y, value.groups);
  const bool fits =
      w * static_cast<float>(value.classes) <= room.x + 0.5f && h * static_cast<float>(value.groups) <= room.y + 0.5f;
  if (fits) return draw_grid(ui, probe, side, value, w, h);
  ImGui::BeginChild(side.id, room, 0, ImGuiWindowFlags_HorizontalScrollbar);
  draw_grid(ui, probe, side, value, w, h);
  ImGui::EndChild();
}

/// At the right end of a heading; the cursor stays where it was.
void draw_buttons(Ui& ui, const Probe& probe, const Categorical& value, ImVec2 right, float width) {
  const ImVec2 below = ImGui::GetCursorScreenPos();
  float x = right.x - ImGui::CalcTextSize(icon::dice).x - ui.px(14);
  ImGui::SetCursorScreenPos({x, right.y - ui.px(3)});
  if (button(ui, (std::string(icon::dice) + "###randomise").c_str(), "Randomise",
             "Draw every group anew: the dream jumps to a random place.", {.small = true}))
    ui.send(RandomiseLatent{probe.name});
  std::vector<HeldLatent> held = ui.dream().held;
  std::erase_if(held, [&](const HeldLatent& h) { return h.probe != probe.name; });
  const std::string count = std::to_string(held.size());
  std::string text = held.empty() ? "keep all" : "let go of " + count;
  if (width < ui.px(190)) text = held.empty() ? icon::link : icon::unlink + (" " + count);
  x -= ImGui::CalcTextSize(text.c_str()).x + ui.px(20);
  ImGui::SetCursorScreenPos({x, right.y - ui.px(3)});
  if (held.empty()) {
    if (button(ui, (text + "###keep").c_str(), "Keep this state",
               "Forces every class that is drawn now. They stay through a new start: begin elsewhere, and the dream is "
               "told "
               "what was the case here. Let go of them and see what it remembers.",
               {.small = true})) {
      std::vector<HoldLatent> all;
      for (int g = 0; g < std::min(value.groups, static_cast<int>(value.drawn.size())); ++g) {
        const int c = value.drawn[static_cast<std::size_t>(g)];
        if (c >= 0 && c < value.classes) all.push_back({probe.name, g * value.classes + c, 1, true});
      }
      hold(ui, "all classes", all);
    }
  } else if (button(ui, (text + "###release").c_str(), "Forced classes", "The dream draws every group by itself again.",
                    {.small = true})) {
    std::vector<HoldLatent> all;
    for (const HeldLatent& h : held) all.push_back({h.probe, h.index, h.value, false});
    hold(ui, "all classes", all);
  }
  ImGui::SetCursorScreenPos(below);
}

bool has(const std::vector<float>& cells, const Categorical& value) {
  return value.groups > 0 && value.classes > 0 &&
         cells.size() == static_cast<std::size_t>(value.groups) * static_cast<std::size_t>(value.classes);
}

constexpr float gap_between = 10;

/// Of two grids, whether they stand one above the other in this width and height: where their cells are larger so.
bool are_stacked(const Categorical& value, ImVec2 size) {
  const float groups = static_cast<float>(value.groups), classes = static_cast<float>(value.classes);
  const float beside = std::min((size.x - gap_between) / 2 / classes, (size.y - heading()) / groups);
  const float above = std::min(size.x / classes, (size.y / 2 - heading()) / groups);
  return (size.x - gap_between) / 2 < least_cell * classes || above > beside;
}

}  // namespace

float grids_height(const Categorical& value, float width) {
  const float one = least_cell * static_cast<float>(std::max(value.groups, 1)) + heading();
  const bool both = has(value.posterior, value) && has(value.prior, value);
  return both && are_stacked(value, {width, one}) ? 2 * one + ImGui::GetStyle().ItemSpacing.y : one;
}

void draw_viewer(Ui& ui, const Probe& probe, const Categorical& value, ImVec2 size) {
  const bool posterior = has(value.posterior, value), prior = has(value.prior, value);
  if (!posterior && !prior) {
    const Well box = well(ui, "posterior", size);
    centred_note(ui, box.min, box.max, "No categories.");
    return;
  }
  const Palette& p = ui.color();
  const bool both = posterior && prior, stacked = both && are_stacked(value, size);
  const ImVec2 grid{both && !stacked ? (size.x - gap_between) / 2 : size.x,
                    (stacked ? (size.y - ImGui::GetStyle().ItemSpacing.y) / 2 : size.y) - heading()};
  const ImVec2 from = ImGui::GetCursorScreenPos();
  const auto draw = [&](const char* title, const char* note, const Side& side, bool with_dice) {
    ImGui::BeginGroup();
    const ImVec2 top = ImGui::GetCursorScreenPos();
    header(ui, title, side.colour, with_dice ? "" : note, grid.x);
    if (with_dice) draw_buttons(ui, probe, value, {top.x + grid.x, top.y}, grid.x);
    draw_grid_in(ui, probe, side, value, grid);
    ImGui::EndGroup();
  };
  if (posterior)
    draw("posterior q", "frame seen", {"posterior", value.posterior, p.real, !probe.editable || !prior},
         probe.editable && !prior);
  if (!prior) return;
  if (both && !stacked) ImGui::SetCursorScreenPos({from.x + grid.x + gap_between, from.y});
  draw("prior p", "imagined", {"prior", value.prior, p.dream, probe.editable || !posterior}, probe.editable);
}

}  // namespace dream::ui
