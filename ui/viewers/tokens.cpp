#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr float dead_share = 0.05f;  // of an even one
constexpr float least_code = 5;      // pixels of a cell of the codebook

bool fits(const Tokens& value) {
  return value.rows > 0 && value.cols > 0 && value.vocabulary > 0 &&
         value.codes.size() == static_cast<std::size_t>(value.rows) * static_cast<std::size_t>(value.cols) &&
         std::ranges::all_of(value.codes, [&](int code) { return code >= 0 && code < value.vocabulary; });
}

int code_at(const std::vector<int>& codes, int place) {
  return static_cast<std::size_t>(place) < codes.size() ? codes[static_cast<std::size_t>(place)] : -1;
}

/// A colour that a code keeps, so that equal tokens look equal.
ImU32 colour_of_code(int code) {
  float r, g, b;
  ImGui::ColorConvertHSVtoRGB(std::fmod(0.618034f * static_cast<float>(code), 1.0f), 0.55f, 0.85f, r, g, b);
  return ImGui::ColorConvertFloat4ToU32({r, g, b, 1});
}

/// Of a grid of `cols` cells a row, from the upper left corner.
struct Cells {
  ImVec2 from, cell;
  int cols;
  ImVec2 corner(int i) const {
    return {std::floor(from.x + cell.x * static_cast<float>(i % cols)), std::floor(from.y + cell.y * static_cast<float>(i / cols))};
  }
  ImVec2 end(int i) const {
    return {std::floor(from.x + cell.x * static_cast<float>(i % cols + 1)) - 1, std::floor(from.y + cell.y * static_cast<float>(i / cols + 1)) - 1};
  }
  int under_mouse(int count) const {
    const ImVec2 mouse = ImGui::GetMousePos();
    const int col = std::clamp(static_cast<int>((mouse.x - from.x) / cell.x), 0, cols - 1);
    return std::min(std::max(0, static_cast<int>((mouse.y - from.y) / cell.y)) * cols + col, count - 1);
  }
};

std::string sentence_of(const Tokens& value, int place) {
  char line[200];
  const int code = code_at(value.codes, place), seen = code_at(value.seen, place);
  int used = std::snprintf(line, sizeof line, "token %d (row %d, column %d): code %d", place + 1, place / value.cols + 1, place % value.cols + 1, code);
  if (static_cast<std::size_t>(place) < value.chance.size())
    used += std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), ", drawn with a chance of %.3f",
                          static_cast<double>(value.chance[static_cast<std::size_t>(place)]));
  if (seen >= 0) std::snprintf(line + used, sizeof line - static_cast<std::size_t>(used), "; of the real frame: code %d", seen);
  return line;
}

/// The tokens over the picture, framed in the colour of a warning where they were unlikely, and of reality where its frame has
/// others. A click chooses one.
void draw_grid_over(Ui& ui, const Probe& probe, const Tokens& value, ImVec2 room, int& chosen) {
  const float side = std::max(std::floor(std::min(room.x / static_cast<float>(value.cols), room.y / static_cast<float>(value.rows))), 1.0f);
  const Well box = well(ui, "tokens", {side * static_cast<float>(value.cols), side * static_cast<float>(value.rows)});
  const Cells cells{box.min, {side, side}, value.cols};
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool over = value.picture && draw_image(ui, "under/" + probe.name, value.picture, box.min, box.max, {});
  const int count = value.rows * value.cols;
  for (int i = 0; i < count; ++i) {
    const int code = code_at(value.codes, i), seen = code_at(value.seen, i);
    if (!over) list->AddRectFilled(cells.corner(i), cells.end(i), colour_of_code(code));
    const auto at = static_cast<std::size_t>(i);
    const bool surprising = at < value.chance.size() && value.chance[at] < 0.1f;
    list->AddRect(cells.corner(i), cells.end(i), seen >= 0 && seen != code ? p.real : surprising ? p.warning : fade(p.text, 0.25f));
    const std::string name = std::to_string(code);
    const ImVec2 text = ImGui::CalcTextSize(name.c_str());
    if (text.x + 6 > side || text.y + 2 > side) continue;
    const ImVec2 corner = cells.corner(i);
    list->AddRectFilled({corner.x + 1, corner.y + 1}, {corner.x + text.x + 5, corner.y + text.y + 1}, fade(p.well, 0.7f));
    list->AddText({corner.x + 3, corner.y + 1}, p.text, name.c_str());
  }
  if (chosen >= 0 && chosen < count) {
    const ImVec2 from = cells.corner(chosen), to = cells.end(chosen);
    list->AddRect({from.x - 1, from.y - 1}, {to.x + 1, to.y + 1}, p.pink, 0, 0, ui.px(2));
  }
  if (!box.hovered) return;
  const int place = cells.under_mouse(count);
  list->AddRect(cells.corner(place), cells.end(place), p.text, 0, 0, ui.px(1.5f));
  if (probe.editable && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) chosen = chosen == place ? -1 : place;
  tip(ui, probe.title.c_str(),
      (probe.caption + "\n" + sentence_of(value, place) + (probe.editable ? "\nClick it, then a code: the dream goes on with that." : "")).c_str());
}

void exchange(Ui& ui, const Probe& probe, const Tokens& value, int place, int code) {
  const int before = code_at(value.codes, place);
  if (before == code) return;
  const auto to = [&](int which) { return EditLatent{probe.name, place * value.vocabulary + which, 1}; };
  ui.send(to(code));
  ui.undoable("token " + std::to_string(place + 1), to(before), to(code));
}

/// All codes: brighter ones are more in use, dead ones dark. Those that the chosen token was likely to be are framed; a click
/// exchanges it.
void draw_codebook(Ui& ui, const Probe& probe, const Tokens& value, ImVec2 room, int chosen) {
  const float each = std::max(std::floor(std::sqrt(room.x * room.y / static_cast<float>(value.vocabulary))), least_code);
  int cols = std::max(static_cast<int>(room.x / each), 1);
  const auto rows_of = [&](int columns) { return (value.vocabulary + columns - 1) / columns; };
  float side = std::min(each, std::floor(room.y / static_cast<float>(rows_of(cols))));
  side = std::max(side, 2.0f);
  cols = std::max(static_cast<int>(room.x / side), 1);
  const Well box = well(ui, "codebook", {side * static_cast<float>(cols), side * static_cast<float>(rows_of(cols))});
  const Cells cells{box.min, {side, side}, cols};
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  float most = value.use.empty() ? 1 : 1e-9f;
  for (const float share : value.use) most = share > most ? share : most;
  for (int code = 0; code < value.vocabulary; ++code) {
    const float share = static_cast<std::size_t>(code) < value.use.size() ? value.use[static_cast<std::size_t>(code)] : most;
    if (!is_dead_code(value, share))
      list->AddRectFilled(cells.corner(code), cells.end(code), blend(p.well, colour_of_code(code), std::sqrt(std::clamp(share / most, 0.05f, 1.0f))));
    if (std::ranges::find(value.codes, code) != value.codes.end()) list->AddRect(cells.corner(code), cells.end(code), fade(p.text, 0.7f));
  }
  const int places = value.rows * value.cols;
  if (chosen >= 0 && chosen < places) {
    const auto offered = static_cast<int>(value.likely.size()) / places;
    for (int i = 0; i < offered; ++i) {
      const int code = value.likely[static_cast<std::size_t>(chosen * offered + i)];
      if (code >= 0 && code < value.vocabulary) list->AddRect(cells.corner(code), cells.end(code), p.dream);
    }
    const int code = code_at(value.codes, chosen);
    list->AddRect(cells.corner(code), cells.end(code), p.pink, 0, 0, ui.px(2));
  }
  if (!box.hovered) return;
  const int code = cells.under_mouse(value.vocabulary);
  list->AddRect(cells.corner(code), cells.end(code), p.text, 0, 0, ui.px(1.5f));
  char line[120];
  const auto at = static_cast<std::size_t>(code);
  const double share = at < value.use.size() ? 100 * static_cast<double>(value.use[at]) : 0;
  std::snprintf(line, sizeof line, "code %d: %.2f %% of the tokens that were learned from lately%s", code, share,
                at < value.use.size() && is_dead_code(value, value.use[at]) ? ", dead" : "");
  if (!probe.editable || chosen < 0 || chosen >= places) {
    tip(ui, probe.title.c_str(), line);
    return;
  }
  if (ImGui::IsMouseClicked(ImGuiMouseButton_Left)) exchange(ui, probe, value, chosen, code);
  explain(ui, probe, chosen * value.vocabulary + code, std::string(line) + "\nClick: the chosen token becomes this one, and the dream goes on with it.");
}

}  // namespace

bool is_dead_code(const Tokens& value, float share) {
  return !(share * static_cast<float>(std::max(value.vocabulary, 1)) >= dead_share);
}

void draw_viewer(Ui& ui, const Probe& probe, const Tokens& value, ImVec2 size) {
  if (!fits(value)) {
    const Well box = well(ui, "tokens", size);
    centred_note(ui, box.min, box.max, "No tokens.");
    return;
  }
  int& chosen = *ImGui::GetStateStorage()->GetIntRef(ImGui::GetID("chosen"), -1);
  const float gap = ImGui::GetStyle().ItemSpacing.x, half = std::min(size.y, (size.x - gap) / 2);
  draw_grid_over(ui, probe, value, {half, size.y}, chosen);
  if (ui.bare || size.x - half - gap < ui.px(40)) return;
  ImGui::SameLine(0, gap);
  draw_codebook(ui, probe, value, {size.x - half - gap, size.y}, chosen);
}

}  // namespace dream::ui
