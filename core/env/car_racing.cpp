#include "core/env/car_racing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "api/error.h"
#include "core/base/fnv.h"
#include "core/env/car_racing/expert.h"

namespace dream {

using namespace car_racing;

namespace {

constexpr int kShown = 96;
constexpr int kCarTimeLimit = 1000;
constexpr std::uint64_t kCarMagic = 0x3152434d41455244;  // "DREAMCR1"

struct Writer {
  std::vector<std::byte>& out;
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof(T));
  }
};

struct Reader {
  std::span<const std::byte> in;
  bool good = true;
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  template <class T>
  void get(T& value) {
    if (in.size() < sizeof(T)) {
      good = false;
      return;
    }
    if constexpr (std::is_same_v<T, bool>) {
      const auto byte = static_cast<unsigned char>(in[0]);
      good = good && byte <= 1;
      value = byte == 1;
    } else {
      std::memcpy(&value, in.data(), sizeof(T));
    }
    in = in.subspan(sizeof(T));
  }
};

Spaces car_racing_spaces(const CarRacingOptions& options) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = kShown;
  spaces.image_channels = 3;
  spaces.max_episode_steps = kCarTimeLimit;
  ActionSpace& action = spaces.action;
  if (options.continuous) {
    action.axes = {"steer", "gas", "brake"};
    action.low = {-1, 0, 0};
    action.high = {1, 1, 1};
    action.idle = {0, 0, 0};
    action.keys = {
        {"left", 0, -1, "steer left"}, {"right", 0, 1, "steer right"}, {"up", 1, 1, "gas"}, {"down", 2, 0.8f, "brake"}};
  } else {
    action.choices = {"nothing", "steer right", "steer left", "gas", "brake"};
    action.axes = {"choice"};
    action.low = {0};
    action.high = {4};
    action.idle = {0};
    action.keys = {
        {"right", 0, 1, "steer right"}, {"left", 0, 2, "steer left"}, {"up", 0, 3, "gas"}, {"down", 0, 4, "brake"}};
  }
  return spaces;
}

}  // namespace

template <class Archive>
void CarRacing::Progress::visit(Archive& archive) {
  car.visit(archive);
  archive(visited_count, steps, reward, previous_reward, time, new_lap, done);
  for (auto& flag : visited) archive(flag);
  for (auto& flag : repainted) archive(flag);
}

CarRacing::CarRacing(CarRacingOptions options)
    : options_(options), spaces_(car_racing_spaces(options)), observation_(kShown, kShown, View::observation) {}

CarRacing::~CarRacing() = default;

CarRacing::Episode CarRacing::make_episode(std::uint64_t seed) const {
  Episode episode;
  episode.seed = seed;
  Rng rng(seed);
  if (options_.domain_randomize) {
    auto draw = [&rng] {
      Colour c;
      for (double* channel : {&c.red, &c.green, &c.blue}) *channel = rng.uniform(0, 210);
      return c;
    };
    episode.palette.road = draw();
    episode.palette.background = episode.palette.grass = draw();
    Colour& grass = episode.palette.grass;
    double* channels[] = {&grass.red, &grass.green, &grass.blue};
    *channels[rng.integers(3)] += 20;
  }
  episode.track = create_track(rng);
  return episode;
}

void CarRacing::reset(std::uint64_t seed) {
  if (!episode_ || episode_->seed != seed) episode_ = std::make_shared<const Episode>(make_episode(seed));
  const TrackPoint& start = episode_->track.points.front();
  progress_ = {};
  progress_.car = Car(start.beta, start.x, start.y);
  progress_.visited.assign(episode_->track.tiles.size(), 0);
  progress_.repainted.assign(episode_->track.tiles.size(), 0);
  // Gymnasium's reset() lets one step pass without an action.
  advance();
}

void CarRacing::check_started(const char* what) const {
  if (!episode_) throw Error(fmt::format("CarRacing: {} before reset(); call reset(seed) first.", what));
}

StepResult CarRacing::step(std::span<const float> action) {
  check_started("step()");
  if (progress_.done) throw Error("CarRacing: step() after the episode's end; call reset(seed) first.");
  const ActionSpace& space = spaces_.action;
  if (action.size() != space.size()) {
    throw Error(fmt::format("CarRacing: the action has {} values, expected {}.", action.size(), space.size()));
  }
  double value[3] = {};
  for (std::size_t i = 0; i < action.size(); ++i) {
    if (!std::isfinite(action[i])) {
      throw Error(fmt::format("CarRacing: action '{}' is not a finite number.", space.axes[i]));
    }
    value[i] = std::clamp(action[i], space.low[i], space.high[i]);
  }
  if (options_.continuous) {
    progress_.car.steer(-value[0]);
    progress_.car.gas(value[1]);
    progress_.car.brake(value[2]);
  } else {
    const int choice = static_cast<int>(std::lround(value[0]));
    progress_.car.steer(-0.6 * (choice == 1) + 0.6 * (choice == 2));
    progress_.car.gas(0.2 * (choice == 3));
    progress_.car.brake(0.8 * (choice == 4));
  }
  advance();

  Progress& p = progress_;
  ++p.steps;
  p.reward -= 0.1;
  double reward = p.reward - p.previous_reward;
  p.previous_reward = p.reward;
  StepResult result;
  result.terminated = p.visited_count == static_cast<std::int32_t>(p.visited.size()) || p.new_lap;
  const Vec2f at = p.car.hull().origin;
  if (std::abs(at.x) > kPlayfield || std::abs(at.y) > kPlayfield) {
    result.terminated = true;
    reward = -100;
  }
  result.truncated = p.steps >= kCarTimeLimit;
  result.reward = static_cast<float>(reward);
  p.done = result.done();
  return result;
}

void CarRacing::advance() {
  progress_.car.apply_tyres();
  find_contacts();
  progress_.car.integrate();
  progress_.time += 1.0 / kFps;
}

// Which tiles the wheels and the hull stand on, before they move: Box2D's sensors. A tile counts once, when a wheel
// first reaches it.
void CarRacing::find_contacts() {
  Progress& p = progress_;
  const Track& track = episode_->track;
  const auto n = static_cast<int>(track.tiles.size());
  const Vec2f at = p.car.hull().origin;
  constexpr double reach = 14;  // half a tile's diagonal and the car's length, with room to spare

  Polygon wheels[kWheels], parts[Car::kHullParts];
  for (int i = 0; i < kWheels; ++i) wheels[i] = p.car.wheel_shape(i);
  for (int i = 0; i < Car::kHullParts; ++i) parts[i] = p.car.hull_part(i);
  bool on_road[kWheels] = {};
  for (int i = 0; i < n; ++i) {
    const double dx = track.points[i].x - at.x, dy = track.points[i].y - at.y;
    if (dx * dx + dy * dy > reach * reach) continue;
    const Tile& tile = track.tiles[i];
    for (int k = 0; k < kWheels; ++k) {
      if (on_road[k] && p.visited[i] != 0) continue;
      if (!touching(tile.shape, wheels[k])) continue;
      on_road[k] = true;
      p.repainted[i] = 1;
      if (p.visited[i] != 0) continue;
      p.visited[i] = 1;
      p.reward += 1000.0 / n;
      ++p.visited_count;
      if (i == 0 && static_cast<double>(p.visited_count) / n > options_.lap_complete_percent) p.new_lap = true;
    }
    for (int k = 0; k < Car::kHullParts && p.repainted[i] == 0; ++k) p.repainted[i] = touching(tile.shape, parts[k]);
  }
  for (int k = 0; k < kWheels; ++k) p.car.set_on_road(k, on_road[k]);
}

Scene CarRacing::scene() const {
  return {episode_->track, progress_.repainted, episode_->palette, progress_.car, progress_.time, progress_.reward};
}

void CarRacing::observe_image(std::span<std::uint8_t> out) {
  check_started("observe_image()");
  if (out.size() != spaces_.image_bytes()) {
    throw Error(
        fmt::format("CarRacing: the image buffer has {} bytes, expected {}.", out.size(), spaces_.image_bytes()));
  }
  observation_.draw(scene(), out);
}

void CarRacing::render(int width, int height, std::span<std::uint8_t> out) {
  check_started("render()");
  if (width < 1 || height < 1 || width > 8192 || height > 8192) {
    throw Error(fmt::format("CarRacing: cannot render at {} x {}, expected 1 to 8192 a side.", width, height));
  }
  if (out.size() != static_cast<std::size_t>(width) * height * 3) {
    throw Error(
        fmt::format("CarRacing: the render buffer has {} bytes, expected {} x {} x 3.", out.size(), width, height));
  }
  if (!people_ || people_->width() != width || people_->height() != height) {
    people_ = std::make_unique<Painter>(width, height, View::people);
  }
  people_->draw(scene(), out);
}

std::vector<std::byte> CarRacing::save_state() const {
  check_started("save_state()");
  std::vector<std::byte> state;
  Writer write{state};
  write(kCarMagic, options_.continuous, options_.domain_randomize, options_.lap_complete_percent, episode_->seed,
        static_cast<std::uint32_t>(episode_->track.tiles.size()));
  Progress copy = progress_;
  copy.visit(write);
  write(fnv1a(state));
  return state;
}

void CarRacing::load_state(std::span<const std::byte> state) {
  std::uint64_t magic = 0, seed = 0, sum = 0;
  std::uint32_t tiles = 0;
  CarRacingOptions options;
  Reader read{state};
  read(magic);
  if (!read.good || magic != kCarMagic) throw Error("CarRacing: these bytes are not a saved CarRacing state.");
  if (state.size() < 2 * sizeof(sum)) throw Error("CarRacing: the saved state is cut short.");
  std::memcpy(&sum, state.data() + state.size() - sizeof(sum), sizeof(sum));
  if (sum != fnv1a(state.first(state.size() - sizeof(sum)))) {
    throw Error("CarRacing: the saved state is damaged (its checksum does not match).");
  }
  read(options.continuous, options.domain_randomize, options.lap_complete_percent, seed, tiles);
  if (!read.good || options.continuous != options_.continuous ||
      options.domain_randomize != options_.domain_randomize ||
      options.lap_complete_percent != options_.lap_complete_percent) {
    throw Error("CarRacing: the saved state belongs to another variant of CarRacing.");
  }
  auto episode = episode_;
  if (!episode || episode->seed != seed) episode = std::make_shared<const Episode>(make_episode(seed));
  if (tiles != episode->track.tiles.size()) {
    throw Error(fmt::format("CarRacing: the saved state has {} tiles, its seed's track has {}.", tiles,
                            episode->track.tiles.size()));
  }
  Progress progress;
  progress.visited.resize(tiles);
  progress.repainted.resize(tiles);
  progress.visit(read);
  const auto visited = std::ranges::count_if(progress.visited, [](std::uint8_t flag) { return flag != 0; });
  const bool plausible = progress.car.plausible() && std::abs(progress.reward) < 1e6 && progress.time >= 0 &&
                         progress.time < 1e6 && progress.steps >= 0 && progress.steps <= kCarTimeLimit &&
                         progress.visited_count == visited;
  if (!read.good || read.in.size() != sizeof(sum) || !plausible) {
    throw Error("CarRacing: the saved state holds impossible values.");
  }
  episode_ = std::move(episode);
  progress_ = std::move(progress);
}

bool CarRacing::expert(std::span<float> action) const {
  check_started("expert()");
  if (!options_.continuous) return false;
  std::ranges::copy(expert_action(episode_->track, progress_.car), action.begin());
  return true;
}

std::vector<NamedArray> CarRacing::diagnostics() const {
  check_started("diagnostics()");
  const Body& hull = progress_.car.hull();
  NamedArray pose{"pose", {3}, {hull.origin.x, hull.origin.y, hull.angle}, true};
  NamedArray track{"track", {episode_->track.points.size(), 4}, {}, false};
  for (const TrackPoint& p : episode_->track.points) {
    track.values.insert(track.values.end(), {p.alpha, p.beta, p.x, p.y});
  }
  return {pose, track};
}

}  // namespace dream
