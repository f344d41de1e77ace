#include "core/engine/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "api/error.h"

namespace dream {

void Metrics::write_events_to(const std::filesystem::path& directory) {
  events_ = std::make_unique<EventWriter>(directory);
  events_->session_start(0);
  for (const auto& [name, points] : points_) {
    for (std::size_t i = 0; i < points.x.size(); ++i)
      events_->scalar(name, static_cast<std::int64_t>(points.x[i]), points.y[i]);
  }
}

bool Metrics::declares(const std::string& name) const {
  return std::any_of(specs_.begin(), specs_.end(), [&](const Spec& spec) { return spec.name == name; });
}

void Metrics::add(const std::string& name, std::int64_t step, double value) {
  if (!declares(name)) throw Error("the curve '" + name + "' is not declared by this recipe");
  if (!std::isfinite(value)) {
    throw Error(name + " is not finite at step " + std::to_string(step) +
                ". The last checkpoint is whole: resume from it with a smaller learning rate");
  }
  if (events_) events_->scalar(name, step, value);
  auto& points = points_[name];
  points.last = value;
  points.any = true;
  points.sum += value;
  if (++points.pending < points.stride) return;
  points.x.push_back(static_cast<double>(step));
  points.y.push_back(points.sum / static_cast<double>(points.pending));
  points.sum = 0;
  points.pending = 0;
  if (points.x.size() < capacity) return;
  for (std::size_t i = 0; i < capacity / 2; ++i) {  // full: halve the resolution, double the stride
    points.x[i] = points.x[2 * i + 1];
    points.y[i] = (points.y[2 * i] + points.y[2 * i + 1]) / 2;
  }
  points.x.resize(capacity / 2);
  points.y.resize(capacity / 2);
  points.stride *= 2;
}

void Metrics::clear(const std::string& prefix) {
  std::erase_if(points_, [&](const auto& item) { return item.first.starts_with(prefix); });
}

std::vector<CurveView> Metrics::views(const Metrics* reference) const {
  std::vector<CurveView> views;
  for (const auto& spec : specs_) {
    CurveView view{spec.name, spec.title, spec.unit,      spec.x_unit,     {}, {}, {},
                   {},        spec.floor, spec.floor > 0, spec.floor_label};
    if (const auto found = points_.find(spec.name); found != points_.end()) {
      view.x = found->second.x;
      view.y = found->second.y;
    }
    if (reference) {
      if (const auto found = reference->points_.find(spec.name); found != reference->points_.end()) {
        view.reference_x = found->second.x;
        view.reference_y = found->second.y;
      }
    }
    views.push_back(std::move(view));
  }
  return views;
}

void Metrics::lay_over(const std::string& run, std::vector<CurveView>& views) const {
  for (auto& view : views) {
    const auto found = points_.find(view.name);
    if (found != points_.end() && !found->second.x.empty())
      view.others.push_back({run, found->second.x, found->second.y});
  }
}

void Metrics::set_floor(const std::string& name, double floor) {
  for (auto& spec : specs_) {
    if (spec.name == name) spec.floor = floor;
  }
}

double Metrics::last(const std::string& name) const {
  const auto found = points_.find(name);
  return found == points_.end() || !found->second.any ? std::numeric_limits<double>::quiet_NaN() : found->second.last;
}

void Metrics::save(Checkpoint& into) const {
  for (const auto& [name, points] : points_) {
    const auto x = torch::tensor(points.x, torch::kFloat64), y = torch::tensor(points.y, torch::kFloat64);
    into.tensors["curve/" + name] = torch::stack({x, y});
    into.tensors["curve_state/" + name] =
        torch::tensor({static_cast<double>(points.stride), static_cast<double>(points.pending), points.sum, points.last,
                       points.any ? 1.0 : 0.0},
                      torch::kFloat64);
  }
}

void Metrics::load(const Checkpoint& from) {
  std::map<std::string, Points> loaded;
  for (const auto& spec : specs_) {
    if (!from.tensors.contains("curve/" + spec.name)) continue;
    const auto curve = from.finite("curve/" + spec.name, {2, -1}).to(torch::kFloat64).contiguous();
    const auto state = from.finite("curve_state/" + spec.name, {5}).to(torch::kFloat64).contiguous();
    const auto* xy = curve.data_ptr<double>();
    const auto* s = state.data_ptr<double>();
    const auto count = curve.size(1);
    auto& points = loaded[spec.name];
    points.x.assign(xy, xy + count);
    points.y.assign(xy + count, xy + 2 * count);
    constexpr double longest_stride = 1e15;
    if (count >= static_cast<std::int64_t>(capacity) || !(s[0] >= 1 && s[0] <= longest_stride) ||
        !(s[1] >= 0 && s[1] < s[0])) {
      throw Error(from.origin + ": the curve '" + spec.name + "' has " + std::to_string(count) +
                  " points and a stride of " + std::to_string(s[0]) + ", of which " + std::to_string(s[1]) +
                  " have come; fewer than " + std::to_string(capacity) + " points, a stride of at least 1 and less " +
                  "than a stride were expected");
    }
    points.stride = static_cast<std::int64_t>(s[0]);
    points.pending = static_cast<std::int64_t>(s[1]);
    points.sum = s[2];
    points.last = s[3];
    points.any = s[4] != 0;
  }
  points_ = std::move(loaded);
}

}  // namespace dream
