#include "tests/ui/fake_data.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace dream::ui {
namespace {

constexpr int side = 64;

/// A ball that goes its way over a field, darker in every further episode.
void paint(std::uint8_t* pixels, int size, std::size_t episode, double step) {
  const double x = size * (0.5 + 0.35 * std::sin(0.11 * step + static_cast<double>(episode))), y = size * (0.5 + 0.35 * std::cos(0.07 * step));
  for (int v = 0; v < size; ++v) {
    for (int u = 0; u < size; ++u) {
      const bool ball = std::hypot(u - x, v - y) < size * 0.12, line = v == size / 2;
      std::uint8_t* rgb = pixels + (v * size + u) * 3;
      rgb[0] = ball ? 230 : line ? 120 : 30, rgb[1] = ball ? 210 : static_cast<std::uint8_t>(90 + 12 * (episode % 6)), rgb[2] = ball ? 90 : line ? 120 : 70;
    }
  }
}

std::int64_t steps_of(std::size_t episode) {
  return 120 + 17 * static_cast<std::int64_t>(episode % 5);
}

}  // namespace

void FakeData::open(const std::string& path) {
  const auto known = view.known;
  const auto revision = view.revision + 1;
  view = {};
  view.known = known, view.revision = revision;
  before.clear();
  if (path.empty()) return;
  if (path.find("missing") != std::string::npos) {
    view.wrong = "'" + path + "' is not a dataset: there is no data/metadata.json (Minari 0.5 or newer) in it.";
    return;
  }
  view.path = path, view.environment = "CarRacing", view.policy = "by hand";
  view.own = path.find("foreign") == std::string::npos;
  if (!view.own) view.fixed = "'" + path + "' was made by another program and stays as it is: copy episodes of it into a dataset of your own (split)";
  if (view.own) view.spaces.image_width = view.spaces.image_height = side, view.spaces.image_channels = 3;
  else view.spaces.vector_names = {"x", "y", "speed", "heading"};
  view.spaces.action.axes = {"steer", "gas", "brake"};
  view.spaces.action.low = {-1, 0, 0}, view.spaces.action.high = {1, 1, 1};
  std::vector<DataEpisode> all;
  for (std::size_t i = 0; i < count; ++i) {
    DataEpisode e;
    e.name = "episode_" + std::to_string(i);
    e.read = true, e.steps = steps_of(i), e.end = i % 3 ? "terminated" : "truncated";
    e.reward = 100.0 * std::sin(1.3 * static_cast<double>(i)) + 40, view.steps += e.steps;
    if (i == 4) e.twin = "episode_1";
    if (i == 2) e.still = 12;
    if (i == 5) e.still = e.steps;
    Image small{32, 32, 3, {}};
    small.pixels.resize(32 * 32 * 3);
    paint(small.pixels.data(), 32, i, static_cast<double>(e.steps) / 2);
    if (view.own) e.thumbnail = std::make_shared<const Image>(std::move(small));
    all.push_back(std::move(e));
  }
  view.read = static_cast<std::int64_t>(count);
  view.episodes = std::make_shared<const std::vector<DataEpisode>>(std::move(all));
  view.reward = {"reward", -0.1, 3.2, 0.4, 0.9}, view.returns = {"return", -56, 138, 41, 66}, view.lengths = {"steps", 120, 188, 150, 22};
  view.coverage = 0.62;
  for (const auto& each : view.spaces.vector_names) view.vector.push_back({each, -1, 1, 0.1, 0.7});
  for (const char* axis : {"steer", "gas", "brake"}) {
    DataHistogram h{axis, {}, axis[0] == 's' ? -1.0 : 0.0, 1, {}};
    double sum = 0;
    for (int i = 0; i < 20; ++i) h.shares.push_back(1 + 4 * std::exp(-0.1 * (i - 9) * (i - 9))), sum += h.shares.back();
    for (double& share : h.shares) share /= sum;
    view.actions.push_back(std::move(h));
  }
  view.free_folder = "data/CarRacing-by-hand-part";
}

void FakeData::look(const std::string& name) {
  const auto found = std::find_if(view.episodes->begin(), view.episodes->end(), [&](const DataEpisode& e) { return e.name == name; });
  view.episode.reset();
  if (found == view.episodes->end()) return;
  const auto number = static_cast<std::size_t>(found - view.episodes->begin());
  auto e = std::make_shared<DataEpisodeView>();
  e->name = name, e->steps = found->steps;
  if (view.own) e->width = e->height = side, e->channels = 3;
  std::vector<std::uint8_t> frames(static_cast<std::size_t>((e->steps + 1) * side * side * 3));
  for (std::int64_t t = 0; t <= e->steps; ++t) paint(frames.data() + t * side * side * 3, side, number, static_cast<double>(t));
  if (view.own) e->frames = std::make_shared<const std::vector<std::uint8_t>>(std::move(frames));
  std::vector<float> vectors;
  for (std::int64_t t = 0; t <= e->steps; ++t)
    for (int k = 0; k < 4; ++k) vectors.push_back(static_cast<float>(std::sin(0.1 * static_cast<double>(t) + k)));
  if (!view.own) e->vectors = std::make_shared<const std::vector<float>>(std::move(vectors));
  for (std::int64_t t = 0; t < e->steps; ++t) {
    const auto at = static_cast<double>(t);
    e->rewards.push_back(t % 9 == 0 ? 3.2 : -0.1 * std::sin(at));
    e->actions.insert(e->actions.end(), {static_cast<float>(std::sin(0.1 * at)), 0.5f, 0});
  }
  view.episode = std::move(e);
}

void FakeData::edit(const EditData& command) {
  using Do = EditData::Do;
  if (command.revision != view.revision) return;
  if (command.what == Do::undo) {
    if (before.empty()) return;
    auto then = std::move(before.back());
    before.pop_back();
    then.revision = view.revision + 1;
    view = std::move(then);
    return;
  }
  before.push_back(view);
  const std::set<std::string> names(command.episodes.begin(), command.episodes.end());
  auto all = *view.episodes;
  if (command.what == Do::hold_out || command.what == Do::let_in) {
    view.held_out = 0;
    for (auto& e : all) {
      if (names.contains(e.name)) e.held_out = command.what == Do::hold_out;
      view.held_out += e.held_out;
    }
    view.done = std::to_string(names.size()) + " episodes held out";
  } else {
    if (command.what != Do::merge) std::erase_if(all, [&](const DataEpisode& e) { return names.contains(e.name); });
    view.done = std::to_string(names.size()) + " of 7 episodes deleted";
    ++view.revision;
    view.episode.reset();
  }
  view.episodes = std::make_shared<const std::vector<DataEpisode>>(std::move(all));
}

}  // namespace dream::ui
