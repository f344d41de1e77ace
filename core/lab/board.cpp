#include "core/lab/board.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/lab/question.h"

namespace dream {

LabFigure board_of(const std::vector<LabAnswer>& answers, const std::vector<std::string>& names) {
  Table board;
  board.columns = {{"run", "", "its folder's name", 0}};
  std::vector<std::string> columns;
  for (const auto& each : answers) {
    for (const auto& number : each.numbers) {
      if (std::ranges::count(columns, number.name)) continue;
      columns.push_back(number.name);
      board.columns.push_back({number.title, number.unit, number.note, 3});
    }
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::vector<Table::Cell> row = {{static_cast<double>(i), names[i]}};
    for (const auto& name : columns) {
      const auto found = std::ranges::find(answers[i].numbers, name, &LabNumber::name);
      if (found == answers[i].numbers.end() || !std::isfinite(found->value))
        row.push_back({LabNumber::unknown, "–"});
      else
        row.push_back({found->value, in_figures({found->value, found->low, found->high})});
    }
    board.rows.push_back(std::move(row));
  }
  return figure("board", "All runs", "one row a run; in brackets: 95 %", std::move(board));
}

std::optional<LabFigure> differences_in(const std::string& name, const std::vector<LabAnswer>& answers,
                                        const std::vector<std::string>& names) {
  Table both;
  both.columns = {{"setting", "", "", 0}};
  std::map<std::string, std::vector<Table::Cell>> rows;
  std::vector<std::string> order;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    both.columns.push_back({names[i], "", "", 4});
    const auto there = std::ranges::find(answers[i].figures, name, &LabFigure::name);
    const auto* table = there == answers[i].figures.end() ? nullptr : std::get_if<Table>(there->value.get());
    if (!table) continue;
    for (const auto& row : table->rows) {
      auto& cells = rows[row[0].text];
      if (cells.empty()) order.push_back(row[0].text), cells.assign(answers.size(), {LabNumber::unknown, "–"});
      cells[i] = row[1];
    }
  }
  for (const auto& key : order) {
    auto& cells = rows[key];
    if (std::ranges::all_of(cells, [&](const auto& cell) { return cell.text == cells.front().text; })) continue;
    std::vector<Table::Cell> row = {{static_cast<double>(both.rows.size()), key}};
    row.insert(row.end(), cells.begin(), cells.end());
    both.rows.push_back(std::move(row));
  }
  if (both.rows.empty()) return {};
  return figure(name, "Where their settings differ", "–: it has no such setting", std::move(both));
}

}  // namespace dream
