#include <algorithm>
#include <cmath>
#include <numeric>

#include "answers/answer_text.h"
#include "imgui_internal.h"
#include "imgui_stdlib.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

using TableRow = std::vector<Table::Cell>;

std::string cell_words(const Table& table, const TableRow& row, std::size_t column) {
  if (column >= row.size()) return "";
  const Table::Cell& cell = row[column];
  if (!cell.text.empty()) return cell.text;
  if (!std::isfinite(cell.number)) return std::isnan(cell.number) ? "n/a" : cell.number > 0 ? "∞" : "−∞";
  char out[40];
  std::snprintf(out, sizeof out, "%.*f", std::clamp(table.columns[column].decimals, 0, 9), cell.number);
  std::string words = out;
  if (words[0] == '-') words.replace(0, 1, "−");
  return words;
}

std::string row_name(const Table& table, const TableRow& row) {
  return cell_words(table, row, 0);
}

bool is_numeric(const Table& table, std::size_t column) {
  return column > 0 && std::ranges::all_of(table.rows, [&](const TableRow& row) { return column >= row.size() || row[column].text.empty(); });
}

std::string column_title(const Table::Column& column) {
  return column.title + (column.unit.empty() ? "" : " [" + column.unit + "]");
}

/// Numbers as numbers, words as words; what cannot be told comes last either way.
void sort_rows(const Table& table, std::vector<std::size_t>& order) {
  const auto* sort = ImGui::TableGetSortSpecs();
  if (!sort || sort->SpecsCount == 0) return;
  const auto by = static_cast<std::size_t>(sort->Specs[0].ColumnIndex);
  const bool down = sort->Specs[0].SortDirection == ImGuiSortDirection_Descending;
  const auto cell = [&](std::size_t row) { return by < table.rows[row].size() ? table.rows[row][by] : Table::Cell{std::nan(""), ""}; };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    const Table::Cell x = cell(a), y = cell(b);
    const bool no_x = std::isnan(x.number), no_y = std::isnan(y.number);
    if (no_x != no_y) return no_y;
    if (!no_x && x.number != y.number) return down ? x.number > y.number : x.number < y.number;
    return down ? x.text > y.text : x.text < y.text;
  });
}

void draw_header(const Ui& ui, const Table& table, const std::vector<bool>& numeric, std::size_t columns, float pin) {
  const auto* sort = ImGui::TableGetSortSpecs();
  ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
  for (std::size_t c = 0; c < columns; ++c) {
    const Table::Column& column = table.columns[c];
    if (!ImGui::TableSetColumnIndex(static_cast<int>(c))) continue;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x;
    ImGui::TableHeader(("###" + column.title).c_str());
    const bool sorted = sort && sort->SpecsCount > 0 && sort->Specs[0].ColumnIndex == static_cast<int>(c);
    {
      WithFont bold(ui.fonts.bold, 0.88f);
      const float arrow = sorted ? ui.px(15) : 0;
      const std::string shown = fitted(column_title(column), width - arrow);
      const float wide = ImGui::CalcTextSize(shown.c_str()).x, y = at.y + ui.px(2);
      ImGui::GetWindowDrawList()->AddText({numeric[c] ? at.x + width - arrow - wide : at.x + (c == 0 ? pin : 0), y}, ui.color().muted, shown.c_str());
    }
    std::string help = column.help;
    if (numeric[c]) help += (help.empty() ? "" : "\n") + std::string("n/a: it cannot be told. A click sorts, a second one the other way.");
    tip(ui, column_title(column).c_str(), help.c_str());
  }
}

/// The rows that are shown: the pinned ones first, each half in the order that is wanted.
std::vector<std::size_t> shown_rows(const Table& table, const TableLook& look, std::size_t* pinned) {
  std::vector<std::size_t> rows(table.rows.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto is_pinned = [&](std::size_t row) { return look.pinned.contains(row_name(table, table.rows[row])); };
  std::erase_if(rows, [&](std::size_t row) {
    std::string words;
    for (std::size_t c = 0; c < table.columns.size(); ++c) words += cell_words(table, table.rows[row], c) + ' ';
    return !is_pinned(row) && !holds(words, look.filter);
  });
  sort_rows(table, rows);
  std::ranges::stable_partition(rows, is_pinned);
  *pinned = static_cast<std::size_t>(std::ranges::count_if(rows, is_pinned));
  return rows;
}

void draw_tools(Ui& ui, const Probe& probe, const Table& table, TableLook& look, float width) {
  ImGui::SetNextItemWidth(std::min(ui.px(220), width * 0.5f));
  ImGui::InputTextWithHint("##filter", "filter …", &look.filter, ImGuiInputTextFlags_EscapeClearsAll);
  tip(ui, "Filter", "Shows the rows that hold these words in any column, and the pinned ones. Esc empties it.");
  ImGui::SameLine(0, ui.px(12));
  if (button(ui, (std::string(icon::copy) + "  copy###copy_table").c_str(), "Copy", "The whole table as CSV, for a spreadsheet.")) {
    ImGui::SetClipboardText(figure_as_csv(LabFigure{probe.name, probe.title, probe.caption, probe.value}).c_str());
    ui.say(counted(static_cast<std::int64_t>(table.rows.size()), "row") + " copied as CSV.");
  }
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Table& value, ImVec2 size) {
  const Palette& p = ui.color();
  if (value.columns.empty() || value.rows.empty()) {
    const Well box = well(ui, "table", size);
    return centred_note(ui, box.min, box.max, "The table is empty.");
  }
  TableLook& look = ui.tables[probe.name];
  if (!ui.bare && (value.rows.size() > 3 || !look.filter.empty())) {
    const float before = ImGui::GetCursorPosY();
    draw_tools(ui, probe, value, look, size.x);
    size.y -= ImGui::GetCursorPosY() - before;
  }
  std::size_t columns = std::min<std::size_t>(value.columns.size(), 64);
  std::vector<bool> numeric(value.columns.size());
  for (std::size_t c = 0; c < columns; ++c) numeric[c] = is_numeric(value, c);
  const float letters = !ui.bare ? 1 : size.x > ui.px(260) ? 0.84f : 0.72f;
  const float pin = ui.bare ? 0 : ui.px(22);
  WithFont base(ui.fonts.text, letters);
  if (ui.bare) ImGui::PushStyleVar(ImGuiStyleVar_CellPadding, {ui.px(4), ui.px(1)});
  const ImGuiTableFlags flags = ImGuiTableFlags_ScrollY | ImGuiTableFlags_RowBg | ImGuiTableFlags_SizingFixedFit |
                                ImGuiTableFlags_NoSavedSettings | ImGuiTableFlags_PadOuterX |
                                (ui.bare ? ImGuiTableFlags_None : ImGuiTableFlags_Sortable | ImGuiTableFlags_SortTristate | ImGuiTableFlags_ScrollX);
  // As wide as its widest cell, whatever is filtered: nothing moves sideways.
  std::vector<float> widths;
  float all = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    float wide = 0;
    {
      WithFont bold(ui.fonts.bold, 0.88f);
      wide = ImGui::CalcTextSize(column_title(value.columns[c]).c_str()).x + (ui.bare ? 0 : ui.px(16));
    }
    WithFont figures(numeric[c] ? ui.fonts.mono : ui.fonts.text, numeric[c] ? 0.9f : 1);
    for (const TableRow& row : value.rows) wide = std::max(wide, ImGui::CalcTextSize(cell_words(value, row, c).c_str()).x + (c == 0 ? pin : 0));
    const float held = std::min(wide, ui.bare ? size.x * 0.6f : ui.px(340)), around = 2 * ImGui::GetStyle().CellPadding.x;
    if (ui.bare && c > 0 && all + held + around > size.x) columns = c;  // in little, those that have room
    if (c >= columns) break;
    widths.push_back(held);
    all += held + around;
  }
  if (ImGui::BeginTable("table", static_cast<int>(columns), flags, size)) {
    std::size_t pinned = static_cast<std::size_t>(std::ranges::count_if(value.rows, [&](const TableRow& row) { return look.pinned.contains(row_name(value, row)); }));
    ImGui::TableSetupScrollFreeze(ui.bare ? 0 : 1, 1 + static_cast<int>(pinned));
    // What is left over parts them, but not so far that a row is lost on the way.
    const float apart = std::clamp((size.x - ui.px(14) - all) / static_cast<float>(columns), 0.0f, ui.px(ui.bare ? 0 : 44));
    for (std::size_t c = 0; c < columns; ++c)
      ImGui::TableSetupColumn(value.columns[c].title.c_str(),
                              ImGuiTableColumnFlags_WidthFixed | (numeric[c] ? ImGuiTableColumnFlags_PreferSortDescending : ImGuiTableColumnFlags_None), widths[c] + apart);
    draw_header(ui, value, numeric, columns, pin);
    const std::vector<std::size_t> rows = shown_rows(value, look, &pinned);
    for (const std::size_t r : rows) {
      const TableRow& row = value.rows[r];
      const std::string name = row_name(value, row);
      ImGui::PushID(static_cast<int>(r));
      ImGui::TableNextRow();
      for (std::size_t c = 0; c < columns; ++c) {
        if (!ImGui::TableNextColumn()) continue;
        const std::string words = cell_words(value, row, c);
        if (c == 0 && !ui.bare) {
          const std::string says = ui.elements.says ? ui.elements.says(static_cast<int>(r)) : "";
          const ImVec2 at = ImGui::GetCursorPos();
          if (ImGui::Selectable("###row", false, ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowOverlap) && !says.empty())
            ui.elements.clicked = static_cast<int>(r);
          const bool row_hovered = ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenOverlappedByItem);
          if (!says.empty()) tip(ui, name.c_str(), says.c_str());
          ImGui::SetCursorPos(at);
          const bool on = look.pinned.contains(name);
          if (ImGui::InvisibleButton("pin", {ui.px(18), ImGui::GetTextLineHeight()})) {
            if (!look.pinned.erase(name)) look.pinned.insert(name);
          }
          const bool on_pin = ImGui::IsItemHovered();
          tip(ui, on ? "Let go" : "Pin", on ? "The row goes back to its place." : "The row stays above the others, whatever is sorted and filtered.");
          if (on || row_hovered || on_pin) {
            WithFont small(ui.fonts.text, 0.84f);
            const ImVec2 from = ImGui::GetItemRectMin();
            ImGui::GetWindowDrawList()->AddText({from.x + ui.px(1), from.y + ui.px(1.5f)}, on ? p.dream : on_pin ? p.text : p.muted, icon::pin);
          }
          ImGui::SetCursorPos({at.x + pin, at.y});
        }
        WithFont figures(numeric[c] ? ui.fonts.mono : ui.fonts.text, numeric[c] ? 0.9f : 1);
        const float room = ImGui::GetContentRegionAvail().x;
        const std::string shown = fitted(words, room);
        if (numeric[c]) ImGui::SetCursorPosX(ImGui::GetCursorPosX() + room - ImGui::CalcTextSize(shown.c_str()).x);
        text(words == "n/a" ? p.muted : p.text, "%s", shown.c_str());
      }
      ImGui::PopID();
    }
    if (rows.empty()) {
      ImGui::TableNextRow();
      ImGui::TableNextColumn();
      text(p.muted, "No row holds “%s”.", look.filter.c_str());
    }
    ImGui::EndTable();
  }
  if (ui.bare) ImGui::PopStyleVar();
}

}  // namespace dream::ui
