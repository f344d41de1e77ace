#include "core/data/video_table.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/text.h"

namespace dream {
namespace {

constexpr std::size_t max_table_bytes = std::size_t{1} << 30, max_table_axes = 4096, max_table_choices = 65536;

enum class TableColumn { action, axis, reward, cost, terminated, left_out };

TableColumn column_of(std::string_view name) {
  if (name == "action") return TableColumn::action;
  if (name == "reward") return TableColumn::reward;
  if (name == "cost") return TableColumn::cost;
  if (name == "terminated") return TableColumn::terminated;
  return name == "frame" || name == "time" ? TableColumn::left_out : TableColumn::axis;
}

/// Without blanks around it, and without quotes.
std::string_view bare(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t from = 0; from <= line.size();) {
    const auto comma = std::min(line.find(',', from), line.size());
    cells.push_back(bare(line.substr(from, comma - from)));
    from = comma + 1;
  }
  return cells;
}

class TableReader {
 public:
  TableReader(const std::filesystem::path& file, std::size_t frames) : file_("'" + file.string() + "'"), frames_(frames) {
    const auto text = read_text_file(file, max_table_bytes);
    std::string_view rest = text;
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);  // as spreadsheets begin
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (names_.empty()) {
        take_names(line);
      } else {
        take_row(line);
      }
    }
    if (names_.empty()) throw Error(file_ + " is empty; a line with the columns' names was expected.");
    if (rows_ != frames_)
      throw Error(file_ + " has " + std::to_string(rows_) + " lines below its columns' names, and the video beside it has " +
                  std::to_string(frames_) + " frames; a line for each frame was expected.");
  }

  VideoTable table;

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(file_ + ", line " + std::to_string(line_) + what + "."); }

  void take_names(std::string_view line) {
    for (const auto cell : cells_of(line)) {
      const std::string name(cell);
      if (name.empty()) fail(": its column " + std::to_string(names_.size() + 1) + " has no name; the first line names the columns");
      if (std::ranges::find(names_, name) != names_.end()) fail(": the column '" + printable(name) + "' is there twice");
      names_.push_back(name), kinds_.push_back(column_of(name));
      if (kinds_.back() == TableColumn::axis) table.axes.push_back(name);
      if (kinds_.back() == TableColumn::left_out) table.left_out.push_back(name);
    }
    const bool chosen = std::ranges::find(kinds_, TableColumn::action) != kinds_.end();
    if (chosen && !table.axes.empty())
      fail(": unknown column '" + printable(table.axes.front()) + "'; beside 'action' reward, cost, terminated, frame and time were expected");
    if (!chosen && table.axes.empty()) fail(" names no action; 'action' (the number of a choice) or a column for each axis was expected");
    if (table.axes.size() > max_table_axes) fail(" names more than " + std::to_string(max_table_axes) + " axes");
    table.actions.reserve(frames_ * table.action_size());
  }

  void take_row(std::string_view line) {
    const auto cells = cells_of(line);
    if (cells.size() != names_.size())
      fail(" has " + std::to_string(cells.size()) + " columns, and " + std::to_string(names_.size()) + " are named");
    if (++rows_ > frames_) return;  // all that are too many are counted
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (kinds_[i] == TableColumn::left_out) continue;
      const auto wrong = [&](const char* expected) {
        fail(", column '" + printable(names_[i]) + "': '" + printable(cells[i], 60) + "' was found, and " + expected + " was expected");
      };
      if (kinds_[i] == TableColumn::terminated) {
        const bool yes = cells[i] == "1" || cells[i] == "true" || cells[i] == "True", no = cells[i] == "0" || cells[i] == "false" || cells[i] == "False";
        if (!yes && !no) wrong("0 or 1");
        table.terminated.push_back(yes);
        continue;
      }
      const auto number = finite_number(cells[i]);
      const auto value = static_cast<float>(number.value_or(0));
      if (kinds_[i] == TableColumn::action) {
        if (!number || *number < 0 || *number >= static_cast<double>(max_table_choices) || *number != std::floor(*number))
          wrong("the number of a choice, a whole one from 0 on,");
      } else if (!number || !std::isfinite(value)) {
        wrong("a finite number");
      }
      (kinds_[i] == TableColumn::reward ? table.rewards : kinds_[i] == TableColumn::cost ? table.costs : table.actions).push_back(value);
    }
  }

  std::string file_;
  std::size_t frames_, rows_ = 0, line_ = 0;
  std::vector<std::string> names_;
  std::vector<TableColumn> kinds_;
};

}  // namespace

VideoTable read_video_table(const std::filesystem::path& file, std::size_t frames) {
  return std::move(TableReader(file, frames).table);
}

}  // namespace dream
