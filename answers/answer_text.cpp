#include "answers/answer_text.h"

#include <cmath>
#include <cstdio>

#include "answers/answer_json.h"

namespace dream {
namespace {

template <class... F>
struct Cases : F... {
  using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

std::string digits(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.9g", value);
  return std::isfinite(value) ? out : "";
}

std::string csv_word(const std::string& words) {
  if (words.find_first_of(",\"\r\n") == std::string::npos) return words;
  std::string out = "\"";
  for (const char c : words) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string with_unit(const std::string& name, const std::string& unit) {
  return unit.empty() ? name : name + " [" + unit + "]";
}

/// The lines of a table, each of which ends with where it comes from, if anything does.
class CsvLines {
 public:
  explicit CsvLines(const LabFigure& figure) : moments_(figure.moments) {}
  void head(std::vector<std::string> words) {
    if (!moments_.empty()) words.insert(words.end(), {"seed", "step"});
    add(words);
  }
  void line(std::vector<std::string> words, std::size_t element) {
    if (element < moments_.size()) {
      const LabMoment& from = moments_[element];
      words.insert(words.end(), {std::to_string(from.seed), std::to_string(from.step)});
    }
    add(words);
  }
  std::string text;

 private:
  void add(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) text += (i > 0 ? "," : "") + csv_word(words[i]);
    text += "\r\n";
  }
  const std::vector<LabMoment>& moments_;
};

template <class T>
std::string csv_number(const std::vector<T>& values, std::size_t i) {
  return i < values.size() ? digits(static_cast<double>(values[i])) : "";
}

void write_table(CsvLines& out, const Curve& curve) {
  std::vector<std::string> head{curve.x_unit};
  for (const Line& line : curve.lines) {
    head.push_back(with_unit(line.label, curve.y_unit));
    if (!line.low.empty()) head.insert(head.end(), {line.label + " low", line.label + " high"});
  }
  out.head(head);
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    std::vector<std::string> words{csv_number(curve.x, i)};
    for (const Line& line : curve.lines) {
      words.push_back(csv_number(line.y, i));
      if (!line.low.empty()) words.insert(words.end(), {csv_number(line.low, i), csv_number(line.high, i)});
    }
    out.line(words, i);
  }
}

void write_table(CsvLines& out, const Points& points) {
  std::vector<std::string> head{points.x_label, points.y_label};
  for (const auto& colour : points.colours) head.push_back(with_unit(colour.label, colour.unit));
  out.head(head);
  for (std::size_t i = 0; i < points.x.size(); ++i) {
    std::vector<std::string> words{csv_number(points.x, i), csv_number(points.y, i)};
    for (const auto& colour : points.colours) words.push_back(csv_number(colour.values, i));
    out.line(words, i);
  }
}

void write_table(CsvLines& out, const Table& table) {
  std::vector<std::string> head;
  for (const auto& column : table.columns) head.push_back(with_unit(column.title, column.unit));
  out.head(head);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::vector<std::string> words;
    for (const auto& cell : table.rows[i]) words.push_back(cell.text.empty() ? digits(cell.number) : cell.text);
    out.line(words, i);
  }
}

void write_table(CsvLines& out, const Vector& vector) {
  out.head({"element", "value", "mean", "deviation"});
  for (std::size_t i = 0; i < vector.values.size(); ++i)
    out.line({i < vector.labels.size() ? vector.labels[i] : std::to_string(i), csv_number(vector.values, i),
              csv_number(vector.mean, i), csv_number(vector.deviation, i)},
             i);
}

void write_table(CsvLines& out, const Heatmap& map) {
  out.head({"row", "column", "value"});
  for (std::size_t i = 0; map.cols > 0 && i < map.cells.size(); ++i)
    out.line({std::to_string(i / static_cast<std::size_t>(map.cols)),
              std::to_string(i % static_cast<std::size_t>(map.cols)), csv_number(map.cells, i)},
             i);
}

}  // namespace

std::string figure_as_csv(const LabFigure& figure) {
  CsvLines out(figure);
  if (figure.value)
    std::visit(Cases{[&](const Curve& v) { write_table(out, v); }, [&](const Points& v) { write_table(out, v); },
                     [&](const Table& v) { write_table(out, v); }, [&](const Vector& v) { write_table(out, v); },
                     [&](const Heatmap& v) { write_table(out, v); }, [](const auto&) {}},
               *figure.value);
  return out.text;
}

std::string answers_as_csv(const std::vector<LabAnswer>& answers) {
  std::string out = "run,question,number,value,low,high,unit\r\n";
  for (const auto& answer : answers)
    for (const LabNumber& each : answer.numbers) {
      const std::string run = each.run.empty() && !answer.runs.empty() ? answer.runs.front() : each.run;
      out += csv_word(run) + "," + answer.question + "," + each.name + "," + digits(each.value) + "," +
             digits(each.low) + "," + digits(each.high) + "," + csv_word(each.unit) + "\r\n";
    }
  return out;
}

std::string answers_as_json(const std::vector<LabAnswer>& answers) {
  auto json = nlohmann::json::array();
  for (const auto& answer : answers) json.push_back(answer_to_json(answer, false));
  // The name of a folder need not be a text.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace dream
