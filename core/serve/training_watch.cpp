#include "core/serve/training_watch.h"

#include <sstream>

#include "core/engine/run_file.h"
#include "core/engine/system.h"

namespace dream {

std::optional<TrainingWatch::News> TrainingWatch::look() {
  const auto file = checkpoint_path(run_);
  const auto mark = mark_of(file);
  if (mark == seen_ || mark.changed == 0) return std::nullopt;
  seen_ = mark;
  News news;
  news.weights = std::make_shared<const Checkpoint>(load_run(file));
  const auto system = load_system(*news.weights, "cpu");
  auto& json = news.message.json;
  json = {{"event", "training"}, {"run", run_.string()}, {"trained_by", writer_of(run_)}};
  auto& phases = json["phases"] = nlohmann::ordered_json::array();
  if (const auto said = news.weights->metadata.find(run_progress_key); said != news.weights->metadata.end()) {
    std::istringstream lines(said->second);  // a line "name progress detail" for each phase
    for (std::string line, name, detail; std::getline(lines, line);) {
      double progress = 0;
      std::istringstream words(line);
      if (!(words >> name >> progress)) continue;
      std::getline(words >> std::ws, detail);
      phases.push_back({{"name", name}, {"progress", progress}, {"detail", detail}});
    }
  }
  auto& curves = json["curves"] = nlohmann::ordered_json::object();
  for (const auto& curve : system->metrics.views(nullptr)) {
    if (curve.x.empty()) continue;
    const auto told = told_.find(curve.name);
    const bool anew = told != told_.end() && curve.x.back() < told->second;
    std::vector<double> x, y;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (told != told_.end() && !anew && curve.x[i] <= told->second) continue;
      x.push_back(curve.x[i]), y.push_back(curve.y[i]);
    }
    if (x.empty()) continue;
    told_[curve.name] = x.back();
    curves[curve.name] = {{"title", curve.title}, {"unit", curve.unit}, {"x_unit", curve.x_unit}, {"x", x}, {"y", y}};
    if (anew) curves[curve.name]["anew"] = true;  // what was told of it before is no more
  }
  return news;
}

}  // namespace dream
