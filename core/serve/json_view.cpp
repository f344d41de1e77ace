#include "core/serve/json_view.h"

#include <utility>

namespace dream {
namespace {

using Json = nlohmann::ordered_json;

struct Writer {
  std::shared_ptr<const Value> whole;  // whose picture a value may be
  Message& message;

  Json picture(const std::shared_ptr<const Image>& image) const {
    if (!image) return nullptr;
    message.pictures.push_back(image);
    return {{"height", image->height}, {"width", image->width}, {"channels", image->channels}, {"blob", message.pictures.size() - 1}};
  }

  Json operator()(const Image& value) const {
    Json json = {{"kind", "image"}};
    json.update(picture(std::shared_ptr<const Image>(whole, &value)));
    return json;
  }
  Json operator()(const Heatmap& value) const {
    return {{"kind", "heatmap"}, {"rows", value.rows},   {"cols", value.cols},       {"low", value.low},
            {"high", value.high}, {"cells", value.cells}, {"picture", picture(value.picture)}};
  }
  Json operator()(const Categorical& value) const {
    return {{"kind", "categorical"}, {"groups", value.groups}, {"classes", value.classes}, {"posterior", value.posterior}, {"prior", value.prior}, {"drawn", value.drawn}};
  }
  Json operator()(const Mixture& value) const {
    return {{"kind", "mixture"}, {"dims", value.dims}, {"components", value.components}, {"weights", value.weights}, {"means", value.means},
            {"deviations", value.deviations}, {"drawn", value.drawn}, {"draw", value.draw}, {"entropy", value.entropy}};
  }
  Json operator()(const Vector& value) const {
    return {{"kind", "vector"}, {"values", value.values}, {"mean", value.mean}, {"deviation", value.deviation}, {"labels", value.labels}};
  }
  Json operator()(const Scalar& value) const { return {{"kind", "scalar"}, {"value", value.value}, {"unit", value.unit}}; }
  Json operator()(const Curve& value) const {
    Json lines = Json::array();
    for (const auto& line : value.lines) lines.push_back({{"label", line.label}, {"y", line.y}, {"low", line.low}, {"high", line.high}, {"real", line.real}});
    return {{"kind", "curve"}, {"x", value.x}, {"lines", lines}, {"x_unit", value.x_unit}, {"y_unit", value.y_unit}};
  }
  Json operator()(const Trajectories& value) const {
    return {{"kind", "trajectories"}, {"count", value.count}, {"steps", value.steps}, {"axes", value.axes}, {"actions", value.actions},
            {"scores", value.scores}, {"elite", value.elite}, {"chosen", value.chosen}, {"labels", value.labels}};
  }
  Json operator()(const Tree& value) const {
    Json nodes = Json::array();
    for (const auto& node : value.nodes)
      nodes.push_back({{"parent", node.parent}, {"visits", node.visits}, {"value", node.value}, {"prior", node.prior}, {"reward", node.reward}, {"action", node.action}, {"deed", node.deed}});
    return {{"kind", "tree"}, {"nodes", nodes}, {"chosen", value.chosen}, {"unit", value.unit}, {"thumbnails", picture(value.thumbnails)},
            {"thumb_width", value.thumb_width}, {"thumb_height", value.thumb_height}};
  }
  Json operator()(const Attention& value) const {
    return {{"kind", "attention"}, {"layers", value.layers}, {"heads", value.heads}, {"queries", value.queries}, {"keys", value.keys},
            {"weights", value.weights}, {"query_labels", value.query_labels}, {"key_labels", value.key_labels}, {"key_ages", value.key_ages}};
  }
  Json operator()(const Points& value) const {
    Json colours = Json::array();
    for (const auto& colour : value.colours) colours.push_back({{"label", colour.label}, {"unit", colour.unit}, {"values", colour.values}});
    return {{"kind", "points"}, {"x", value.x}, {"y", value.y}, {"colours", colours}, {"x_label", value.x_label}, {"y_label", value.y_label},
            {"thumbnails", picture(value.thumbnails)}, {"thumb_width", value.thumb_width}, {"thumb_height", value.thumb_height}, {"thumb_columns", value.thumb_columns}};
  }
  Json operator()(const Table& value) const {
    Json columns = Json::array(), rows = Json::array();
    for (const auto& column : value.columns) columns.push_back({{"title", column.title}, {"unit", column.unit}});
    for (const auto& row : value.rows) {
      Json cells = Json::array();
      for (const auto& cell : row) cells.push_back(cell.text.empty() ? Json(cell.number) : Json(cell.text));
      rows.push_back(cells);
    }
    return {{"kind", "table"}, {"columns", columns}, {"rows", rows}};
  }
  Json operator()(const Diagram& value) const {
    Json nodes = Json::array(), edges = Json::array();
    for (const auto& node : value.nodes) nodes.push_back({{"title", node.title}, {"lines", node.lines}, {"strength", node.strength}, {"bars", node.bars}});
    for (const auto& edge : value.edges) edges.push_back({{"from", edge.from}, {"to", edge.to}, {"label", edge.label}, {"strength", edge.strength}});
    return {{"kind", "diagram"}, {"nodes", nodes}, {"edges", edges}};
  }
  Json operator()(const Text& value) const { return {{"kind", "text"}, {"text", value.text}}; }
  Json operator()(const Tokens& value) const {
    return {{"kind", "tokens"}, {"rows", value.rows}, {"cols", value.cols}, {"vocabulary", value.vocabulary}, {"codes", value.codes},
            {"chance", value.chance}, {"seen", value.seen}, {"likely", value.likely}, {"use", value.use}, {"picture", picture(value.picture)}};
  }
};

}  // namespace

std::string Message::bytes() const {
  auto line = json;
  if (!pictures.empty()) {
    auto& sizes = line["blobs"] = Json::array();
    for (const auto& picture : pictures) sizes.push_back(picture->pixels.size());
  }
  auto all = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  for (const auto& picture : pictures) all.append(reinterpret_cast<const char*>(picture->pixels.data()), picture->pixels.size());
  return all;
}

Json json_of(const std::shared_ptr<const Value>& value, Message& message) {
  return value ? std::visit(Writer{value, message}, *value) : Json();
}

Json json_of(const Frame& frame, Message& message) {
  Json json = {{"name", frame.name}, {"caption", frame.caption}};
  if (frame.error >= 0) json["error"] = frame.error;
  json.update(Writer{nullptr, message}.picture(frame.image));
  return json;
}

Json json_of(const Probe& probe, Message& message) {
  return {{"name", probe.name}, {"title", probe.title}, {"caption", probe.caption}, {"editable", probe.editable}, {"value", json_of(probe.value, message)}};
}

Json json_of(const Knob& knob, double value) {
  Json json = {{"name", knob.name}, {"title", knob.title}, {"help", knob.help}, {"minimum", knob.minimum}, {"maximum", knob.maximum},
               {"default", knob.default_value}, {"value", value}, {"whole", knob.whole}};
  if (!knob.choices.empty()) json["choices"] = knob.choices;
  return json;
}

Json json_of(const ActionSpace& space) {
  if (space.discrete()) return {{"choices", space.choices}, {"idle", space.idle}};
  return {{"axes", space.axes}, {"low", space.low}, {"high", space.high}, {"idle", space.idle}};
}

}  // namespace dream
