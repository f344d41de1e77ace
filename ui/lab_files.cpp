#include "ui/lab_files.h"

#include <cmath>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

namespace dream::ui {
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
    out.line({i < vector.labels.size() ? vector.labels[i] : std::to_string(i), csv_number(vector.values, i), csv_number(vector.mean, i), csv_number(vector.deviation, i)}, i);
}

void write_table(CsvLines& out, const Heatmap& map) {
  out.head({"row", "column", "value"});
  for (std::size_t i = 0; map.cols > 0 && i < map.cells.size(); ++i)
    out.line({std::to_string(i / static_cast<std::size_t>(map.cols)), std::to_string(i % static_cast<std::size_t>(map.cols)), csv_number(map.cells, i)}, i);
}

// -- JSON --------------------------------------------------------------------------------------------------------

std::string json(double value) {
  const std::string out = digits(value);
  return out.empty() ? "null" : out;
}

std::string json(const std::string& words) {
  std::string out = "\"";
  for (const char c : words) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') {
      out += c;
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += escaped;
  }
  return out + "\"";
}

template <class T, class F>
std::string json_list(const std::vector<T>& all, F each) {
  std::string out = "[";
  for (std::size_t i = 0; i < all.size(); ++i) out += (i > 0 ? ", " : "") + each(all[i]);
  return out + "]";
}

template <class T>
std::string json_numbers(const std::vector<T>& all) {
  return json_list(all, [](T value) { return json(static_cast<double>(value)); });
}

std::string json_words(const std::vector<std::string>& all) {
  return json_list(all, [](const std::string& words) { return json(words); });
}

using Members = std::vector<std::pair<const char*, std::string>>;
std::string json_object(const Members& members) {
  return "{" + [&] {
    std::string out;
    for (const auto& [name, value] : members) out += (out.empty() ? "\"" : ", \"") + std::string(name) + "\": " + value;
    return out;
  }() + "}";
}

std::string json_of(const Value& value) {
  const auto colour = [](const Points::Colour& c) {
    return json_object({{"label", json(c.label)}, {"unit", json(c.unit)}, {"values", json_numbers(c.values)}});
  };
  const auto line = [](const Line& l) {
    return json_object({{"label", json(l.label)}, {"y", json_numbers(l.y)}, {"real", l.real ? "true" : "false"},
                        {"low", json_numbers(l.low)}, {"high", json_numbers(l.high)}, {"dashed", l.dashed ? "true" : "false"}});
  };
  const auto column = [](const Table::Column& c) {
    return json_object({{"title", json(c.title)}, {"unit", json(c.unit)}, {"help", json(c.help)}, {"decimals", json(c.decimals)}});
  };
  const auto cell = [](const Table::Cell& c) { return json_object({{"number", json(c.number)}, {"text", json(c.text)}}); };
  return std::visit(
      Cases{[](const Image& v) { return json_object({{"width", json(v.width)}, {"height", json(v.height)}}); },
            [](const Heatmap& v) {
              return json_object({{"rows", json(v.rows)}, {"cols", json(v.cols)}, {"low", json(static_cast<double>(v.low))},
                                  {"high", json(static_cast<double>(v.high))}, {"diverging", v.diverging ? "true" : "false"},
                                  {"cells", json_numbers(v.cells)}});
            },
            [](const Vector& v) {
              return json_object({{"values", json_numbers(v.values)}, {"mean", json_numbers(v.mean)},
                                  {"deviation", json_numbers(v.deviation)}, {"labels", json_words(v.labels)}});
            },
            [](const Scalar& v) { return json_object({{"value", json(v.value)}, {"unit", json(v.unit)}}); },
            [&](const Curve& v) {
              return json_object({{"x", json_numbers(v.x)}, {"x_unit", json(v.x_unit)}, {"y_unit", json(v.y_unit)},
                                  {"log_y", v.log_y ? "true" : "false"}, {"lines", json_list(v.lines, line)}});
            },
            [&](const Points& v) {
              return json_object({{"x", json_numbers(v.x)}, {"y", json_numbers(v.y)}, {"x_label", json(v.x_label)},
                                  {"y_label", json(v.y_label)}, {"colours", json_list(v.colours, colour)}});
            },
            [&](const Table& v) {
              const auto row = [&](const std::vector<Table::Cell>& cells) { return json_list(cells, cell); };
              return json_object({{"columns", json_list(v.columns, column)}, {"rows", json_list(v.rows, row)}});
            },
            [](const Text& v) { return json_object({{"text", json(v.text)}}); },
            [](const auto&) { return std::string("null"); }},  // no question answers with these
      value);
}

const char* value_kind(const Value& value) {
  constexpr const char* kinds[] = {"image", "heatmap", "categorical", "mixture", "vector", "scalar", "curve", "trajectories", "points", "table", "text"};
  static_assert(std::variant_size_v<Value> == std::size(kinds));
  return kinds[value.index()];
}

}  // namespace

std::string csv_of(const LabFigure& figure) {
  CsvLines out(figure);
  if (figure.value)
    std::visit(Cases{[&](const Curve& v) { write_table(out, v); }, [&](const Points& v) { write_table(out, v); },
                     [&](const Table& v) { write_table(out, v); }, [&](const Vector& v) { write_table(out, v); },
                     [&](const Heatmap& v) { write_table(out, v); }, [](const auto&) {}},
               *figure.value);
  return out.text;
}

std::string csv_of(const LabAnswer& answer) {
  std::string out = "run,question,number,value,low,high,unit\r\n";
  for (const LabNumber& each : answer.numbers) {
    const std::string run = each.run.empty() && !answer.runs.empty() ? answer.runs.front() : each.run;
    out += csv_word(run) + "," + answer.question + "," + each.name + "," + digits(each.value) + "," + digits(each.low) + "," +
           digits(each.high) + "," + csv_word(each.unit) + "\r\n";
  }
  return out;
}

std::string json_of(const LabAnswer& answer) {
  const auto number = [](const LabNumber& n) {
    std::string beside;
    for (const auto& other : n.beside) beside += (beside.empty() ? "" : ", ") + json(other.label) + ": " + json(other.value);
    return json_object({{"name", json(n.name)}, {"title", json(n.title)}, {"unit", json(n.unit)}, {"value", json(n.value)},
                        {"low", json(n.low)}, {"high", json(n.high)}, {"note", json(n.note)}, {"beside", "{" + beside + "}"},
                        {"verdict", json(static_cast<int>(n.verdict))}, {"run", json(n.run)}});
  };
  const auto finding = [](const LabFinding& f) {
    return json_object({{"weight", json(static_cast<int>(f.weight))}, {"rule", json(f.rule)}, {"sentence", json(f.sentence)},
                        {"evidence", json(f.evidence)}, {"advice", json(f.advice)}, {"panel", json(f.panel)},
                        {"setting", json(f.setting)}, {"run", json(f.run)}});
  };
  const auto moment = [](const LabMoment& m) {
    return json_object({{"seed", std::to_string(m.seed)}, {"step", std::to_string(m.step)}});
  };
  const auto figure = [&](const LabFigure& f) {
    return json_object({{"name", json(f.name)}, {"title", json(f.title)}, {"caption", json(f.caption)},
                        {"kind", json(f.value ? value_kind(*f.value) : "")}, {"value", f.value ? json_of(*f.value) : "null"},
                        {"moments", json_list(f.moments, moment)}, {"columns", json(f.columns)}, {"rows", json(f.rows)},
                        {"row_labels", json_words(f.row_labels)}, {"column_labels", json_words(f.column_labels)}});
  };
  return json_object({{"question", json(answer.question)}, {"runs", json_words(answer.runs)}, {"sentence", json(answer.sentence)},
                      {"episodes", std::to_string(answer.episodes)}, {"steps", std::to_string(answer.steps)},
                      {"seconds", json(answer.seconds)}, {"fault", json(answer.fault)},
                      {"numbers", json_list(answer.numbers, number)}, {"findings", json_list(answer.findings, finding)},
                      {"figures", json_list(answer.figures, figure)}}) +
         "\n";
}

}  // namespace dream::ui
