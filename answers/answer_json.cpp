#include "answers/answer_json.h"

#include <cmath>
#include <iterator>
#include <map>

namespace dream {
namespace {

using nlohmann::json;

json real(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

double real_of(const json& value) {
  return value.is_null() ? LabNumber::unknown : value.get<double>();
}

template <typename T>
json reals(const std::vector<T>& values) {
  json made = json::array();
  for (const auto value : values) made.push_back(real(static_cast<double>(value)));
  return made;
}

template <typename T>
std::vector<T> reals_of(const json& from) {
  std::vector<T> made;
  for (const auto& value : from) made.push_back(static_cast<T>(real_of(value)));
  return made;
}

json image_json(const Image& image) {
  return {{"width", image.width},
          {"height", image.height},
          {"channels", image.channels},
          {"pixels", json::binary(image.pixels)}};
}

Image image_of(const json& from) {
  Image image{from.at("width"), from.at("height"), from.at("channels"), from.at("pixels").get_binary()};
  if (image.pixels.size() != static_cast<std::size_t>(image.width) * image.height * image.channels)
    throw json::other_error::create(501, "a picture's size", nullptr);
  return image;
}

struct ToJson {
  bool whole;
  json operator()(const Image& v) const {
    return whole ? image_json(v) : json{{"width", v.width}, {"height", v.height}};
  }
  json operator()(const Heatmap& v) const {
    json made = {{"rows", v.rows}, {"cols", v.cols},           {"low", v.low},
                 {"high", v.high}, {"diverging", v.diverging}, {"cells", reals(v.cells)}};
    if (whole && v.picture) made["picture"] = image_json(*v.picture);
    return made;
  }
  json operator()(const Vector& v) const {
    return {
        {"values", reals(v.values)}, {"mean", reals(v.mean)}, {"deviation", reals(v.deviation)}, {"labels", v.labels}};
  }
  json operator()(const Scalar& v) const { return {{"value", real(v.value)}, {"unit", v.unit}}; }
  json operator()(const Curve& v) const {
    json lines = json::array();
    for (const auto& line : v.lines)
      lines.push_back({{"label", line.label},
                       {"y", reals(line.y)},
                       {"real", line.real},
                       {"low", reals(line.low)},
                       {"high", reals(line.high)},
                       {"dashed", line.dashed}});
    return {{"x", reals(v.x)}, {"x_unit", v.x_unit}, {"y_unit", v.y_unit}, {"log_y", v.log_y}, {"lines", lines}};
  }
  json operator()(const Points& v) const {
    json colours = json::array();
    for (const auto& each : v.colours)
      colours.push_back({{"label", each.label}, {"unit", each.unit}, {"values", reals(each.values)}});
    json made = {
        {"x", reals(v.x)}, {"y", reals(v.y)}, {"x_label", v.x_label}, {"y_label", v.y_label}, {"colours", colours}};
    if (whole && v.thumbnails)
      made["thumbnails"] = image_json(*v.thumbnails), made["thumb"] = {v.thumb_width, v.thumb_height, v.thumb_columns};
    return made;
  }
  json operator()(const Table& v) const {
    json columns = json::array(), rows = json::array();
    for (const auto& each : v.columns)
      columns.push_back({{"title", each.title}, {"unit", each.unit}, {"help", each.help}, {"decimals", each.decimals}});
    for (const auto& row : v.rows) {
      json cells = json::array();
      for (const auto& cell : row) cells.push_back({{"number", real(cell.number)}, {"text", cell.text}});
      rows.push_back(cells);
    }
    return {{"columns", columns}, {"rows", rows}};
  }
  json operator()(const Text& v) const { return {{"text", v.text}}; }
  // No question answers with these.
  json operator()(const Categorical&) const { return nullptr; }
  json operator()(const Mixture&) const { return nullptr; }
  json operator()(const Trajectories&) const { return nullptr; }
  json operator()(const Tree&) const { return nullptr; }
  json operator()(const Attention&) const { return nullptr; }
  json operator()(const Diagram&) const { return nullptr; }
  json operator()(const Tokens&) const { return nullptr; }
};

Value value_of(const std::string& kind, const json& v) {
  if (kind == "image") return image_of(v);
  if (kind == "heatmap") {
    Heatmap made{v.at("rows"), v.at("cols"), v.at("low"), v.at("high"), v.at("diverging"), reals_of<float>(v.at("cells"))};
    if (v.contains("picture")) made.picture = std::make_shared<const Image>(image_of(v.at("picture")));
    return made;
  }
  if (kind == "vector")
    return Vector{reals_of<float>(v.at("values")), reals_of<float>(v.at("mean")), reals_of<float>(v.at("deviation")),
                  v.at("labels")};
  if (kind == "scalar") return Scalar{real_of(v.at("value")), v.at("unit")};
  if (kind == "text") return Text{v.at("text")};
  if (kind == "curve") {
    Curve made;
    made.x = reals_of<double>(v.at("x")), made.x_unit = v.at("x_unit"), made.y_unit = v.at("y_unit"),
    made.log_y = v.at("log_y");
    for (const auto& line : v.at("lines"))
      made.lines.push_back({line.at("label"), reals_of<double>(line.at("y")), line.at("real"),
                            reals_of<double>(line.at("low")), reals_of<double>(line.at("high")), line.at("dashed")});
    return made;
  }
  if (kind == "points") {
    Points made;
    made.x = reals_of<float>(v.at("x")), made.y = reals_of<float>(v.at("y"));
    made.x_label = v.at("x_label"), made.y_label = v.at("y_label");
    for (const auto& each : v.at("colours"))
      made.colours.push_back({each.at("label"), each.at("unit"), reals_of<float>(each.at("values"))});
    if (v.contains("thumbnails")) {
      made.thumbnails = std::make_shared<const Image>(image_of(v.at("thumbnails")));
      made.thumb_width = v.at("thumb").at(0), made.thumb_height = v.at("thumb").at(1),
      made.thumb_columns = v.at("thumb").at(2);
    }
    return made;
  }
  if (kind == "table") {
    Table made;
    for (const auto& each : v.at("columns"))
      made.columns.push_back({each.at("title"), each.at("unit"), each.at("help"), each.at("decimals")});
    for (const auto& row : v.at("rows")) {
      made.rows.emplace_back();
      for (const auto& cell : row) made.rows.back().push_back({real_of(cell.at("number")), cell.at("text")});
    }
    return made;
  }
  throw json::other_error::create(501, "the figure's kind " + kind, nullptr);
}

constexpr const char* kinds[] = {"image", "heatmap",      "categorical", "mixture",   "vector", "scalar", "curve",
                                 "trajectories", "tree",  "attention",   "points",    "table",  "diagram", "text", "tokens"};
static_assert(std::variant_size_v<Value> == std::size(kinds));

}  // namespace

json answer_to_json(const LabAnswer& answer, bool whole) {
  json made = {{"question", answer.question}, {"runs", answer.runs},   {"sentence", answer.sentence},
               {"episodes", answer.episodes}, {"steps", answer.steps}, {"seconds", real(answer.seconds)},
               {"fault", answer.fault}};
  auto& numbers = made["numbers"] = json::array();
  for (const auto& each : answer.numbers) {
    json beside = json::object();
    for (const auto& other : each.beside) beside[other.label] = real(other.value);
    numbers.push_back({{"name", each.name},
                       {"title", each.title},
                       {"unit", each.unit},
                       {"value", real(each.value)},
                       {"low", real(each.low)},
                       {"high", real(each.high)},
                       {"note", each.note},
                       {"beside", beside},
                       {"verdict", static_cast<int>(each.verdict)},
                       {"run", each.run}});
  }
  auto& findings = made["findings"] = json::array();
  for (const auto& each : answer.findings)
    findings.push_back({{"weight", static_cast<int>(each.weight)},
                        {"rule", each.rule},
                        {"sentence", each.sentence},
                        {"evidence", each.evidence},
                        {"advice", each.advice},
                        {"panel", each.panel},
                        {"setting", each.setting},
                        {"run", each.run}});
  auto& figures = made["figures"] = json::array();
  // Moments of one episode share its actions: each list is written once.
  std::map<const void*, std::size_t> lists;
  json actions = json::array();
  for (const auto& each : answer.figures) {
    json moments = json::array();
    for (const auto& moment : each.moments) {
      json one = {{"seed", moment.seed}, {"step", moment.step}};
      if (whole && moment.actions) {
        const auto [there, fresh] = lists.emplace(moment.actions.get(), actions.size());
        if (fresh) actions.push_back(reals(*moment.actions));
        one["actions"] = there->second, one["run"] = moment.run;
      }
      moments.push_back(one);
    }
    figures.push_back({{"name", each.name},
                       {"title", each.title},
                       {"caption", each.caption},
                       {"kind", kinds[each.value->index()]},
                       {"value", std::visit(ToJson{whole}, *each.value)},
                       {"moments", moments},
                       {"columns", each.columns},
                       {"rows", each.rows},
                       {"row_labels", each.row_labels},
                       {"column_labels", each.column_labels},
                       {"film", each.film}});
  }
  if (whole) made["actions"] = actions, made["version"] = answer_version;
  return made;
}

LabAnswer answer_from_json(const json& from) {
  LabAnswer made;
  made.question = from.at("question"), made.runs = from.at("runs").get<std::vector<std::string>>(),
  made.sentence = from.at("sentence");
  made.episodes = from.at("episodes"), made.steps = from.at("steps"), made.seconds = real_of(from.at("seconds")),
  made.fault = from.at("fault");
  for (const auto& each : from.at("numbers")) {
    LabNumber number{each.at("name"),         each.at("title"),         each.at("unit"), real_of(each.at("value")),
                     real_of(each.at("low")), real_of(each.at("high")), each.at("note")};
    for (const auto& [label, value] : each.at("beside").items()) number.beside.push_back({label, real_of(value)});
    number.verdict = static_cast<LabNumber::Verdict>(each.at("verdict").get<int>()), number.run = each.at("run");
    made.numbers.push_back(std::move(number));
  }
  for (const auto& each : from.at("findings"))
    made.findings.push_back({static_cast<LabFinding::Weight>(each.at("weight").get<int>()), each.at("rule"),
                             each.at("sentence"), each.at("evidence"), each.at("advice"), each.at("panel"),
                             each.at("setting"), each.at("run")});
  std::vector<std::shared_ptr<const std::vector<float>>> lists;
  for (const auto& list : from.at("actions"))
    lists.push_back(std::make_shared<const std::vector<float>>(reals_of<float>(list)));
  for (const auto& each : from.at("figures")) {
    LabFigure figure{each.at("name"), each.at("title"), each.at("caption"),
                     std::make_shared<const Value>(value_of(each.at("kind"), each.at("value")))};
    for (const auto& moment : each.at("moments")) {
      LabMoment one{"", moment.at("seed"), moment.at("step"), nullptr};
      if (moment.contains("actions")) one.actions = lists.at(moment.at("actions")), one.run = moment.at("run");
      figure.moments.push_back(std::move(one));
    }
    figure.columns = each.at("columns"), figure.rows = each.at("rows");
    figure.row_labels = each.at("row_labels").get<std::vector<std::string>>(),
    figure.column_labels = each.at("column_labels").get<std::vector<std::string>>();
    figure.film = each.value("film", false);
    made.figures.push_back(std::move(figure));
  }
  made.complete = true;
  return made;
}

}  // namespace dream
