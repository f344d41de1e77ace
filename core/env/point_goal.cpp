#include "core/env/point_goal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dream {

namespace {

using Spot = PointGoal::Point;

constexpr double kInstant = 0.02, kThrust = 6, kDrag = 3, kTopSpeed = kThrust / kDrag;  // seconds, m/s^2, 1/s
constexpr double kLidarReach = 3;
constexpr double kRobotKeepout = 0.4, kGoalKeepout = 0.305, kHazardKeepout = 0.18;
constexpr int kLayoutTries = 100;
constexpr float kMetre = 20 / 64.0f;  // of the picture, which is 1 wide
constexpr std::uint64_t kLayouts = 1ULL << 31;

Spaces point_goal_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  for (int sector = 0; sector < PointGoal::kSectors; ++sector) {
    spaces.vector_names.push_back(fmt::format("hazard at {:g}°", sector * 360.0 / PointGoal::kSectors));
  }
  for (const char* name : {"goal x", "goal y", "goal near", "x_dot", "y_dot", "inside"}) {
    spaces.vector_names.emplace_back(name);
  }
  spaces.max_episode_steps = PointGoal::kDecisions;
  spaces.natural_rate = 12.5f;
  spaces.costs = spaces.places = true;
  spaces.cost_limit = 25;
  spaces.action.axes = {"thrust x", "thrust y"};
  spaces.action.low = {-1, -1};
  spaces.action.high = {1, 1};
  spaces.action.idle = {0, 0};
  spaces.action.keys = {{"left", 0, -1, "left"}, {"right", 0, 1, "right"}, {"up", 1, 1, "up"}, {"down", 1, -1, "down"}};
  return spaces;
}

double distance(Spot a, Spot b) {
  return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
}

double closeness(double metres) {
  return std::max(0.0, 1 - metres / kLidarReach);
}

Spot anywhere(Rng& rng, double keepout) {
  const double edge = PointGoal::kEdge - keepout;
  const double x = rng.uniform(-edge, edge);
  return {x, rng.uniform(-edge, edge)};
}

/// The length of a way from everywhere to the goal, on a grid; a metre near a hazard counts as several.
class WaysToGoal {
 public:
  WaysToGoal(Spot goal, const PointGoal::Hazards& hazards) {
    constexpr double near_hazard = 5, margin = 0.08;
    std::array<double, kSide * kSide> metre;
    for (int cell = 0; cell < kSide * kSide; ++cell) {
      const Spot at{place(cell / kSide), place(cell % kSide)};
      const bool near =
          std::ranges::any_of(hazards, [&](Spot h) { return distance(at, h) <= PointGoal::kHazardRadius + margin; });
      metre[cell] = near ? near_hazard : 1;
      const double away = distance(at, goal);
      way_[cell] = away <= 1.5 * kGap ? away : far;
    }
    // Back and forth over the grid until nothing is shorter by another way.
    for (bool changed = true, forth = true; changed; forth = !forth) {
      changed = false;
      for (int i = 0; i < kSide * kSide; ++i) changed |= shorten(forth ? i : kSide * kSide - 1 - i, metre);
    }
  }

  double from(Spot at) const {
    const double x = std::clamp((at.x - place(0)) / kGap, 0.0, kSide - 1.001);
    const double y = std::clamp((at.y - place(0)) / kGap, 0.0, kSide - 1.001);
    const int cell = static_cast<int>(x) * kSide + static_cast<int>(y);
    const double a = x - std::floor(x), b = y - std::floor(y);
    return (way_[cell] * (1 - a) + way_[cell + kSide] * a) * (1 - b) +
           (way_[cell + 1] * (1 - a) + way_[cell + kSide + 1] * a) * b;
  }

 private:
  static constexpr int kSide = 31;
  static constexpr double kGap = 2 * PointGoal::kEdge / (kSide - 1), far = 1e9;
  static double place(int index) { return index * kGap - PointGoal::kEdge; }

  bool shorten(int cell, const std::array<double, kSide * kSide>& metre) {
    double best = way_[cell];
    for (int dx = -1; dx <= 1; ++dx) {
      for (int dy = -1; dy <= 1; ++dy) {
        const int x = cell / kSide + dx, y = cell % kSide + dy, from = x * kSide + y;
        if (x < 0 || x >= kSide || y < 0 || y >= kSide || from == cell) continue;
        const double step = kGap * (dx != 0 && dy != 0 ? std::numbers::sqrt2 : 1);
        best = std::min(best, way_[from] + step * (metre[cell] + metre[from]) / 2);
      }
    }
    if (best > way_[cell] - 1e-9) return false;
    way_[cell] = best;
    return true;
  }

  std::array<double, kSide * kSide> way_;
};

}  // namespace

PointGoal::PointGoal() : SmallEnv("PointGoal", point_goal_spaces()) {}

std::array<double, PointGoal::kSectors> PointGoal::lidar(Point from, const Hazards& hazards) {
  constexpr double sector = 2 * std::numbers::pi / kSectors;
  std::array<double, kSectors> seen{};
  for (const Point& hazard : hazards) {
    double angle = std::atan2(hazard.y - from.y, hazard.x - from.x);
    if (angle < 0) angle += 2 * std::numbers::pi;
    const int at = std::min(static_cast<int>(angle / sector), kSectors - 1);
    const double near = closeness(distance(from, hazard)), share = angle / sector - at;
    auto see = [&seen](int index, double value) {
      double& best = seen[static_cast<std::size_t>((index + kSectors) % kSectors)];
      best = std::max(best, value);
    };
    see(at, near);
    see(at + 1, share * near);
    see(at - 1, (1 - share) * near);
  }
  return seen;
}

bool PointGoal::in_hazard(Point at, const Hazards& hazards) {
  return std::ranges::any_of(hazards, [&](Point hazard) { return distance(at, hazard) <= kHazardRadius; });
}

PointGoal::Layout PointGoal::laid_out(std::uint64_t seed) {
  Rng rng(seed);
  struct Taken {
    Point at;
    double keepout;
  };
  std::array<Taken, 2 + kHazards> taken;
  for (;;) {  // from the beginning where one finds no place
    std::size_t placed = 0;
    for (int tries = 0; placed < taken.size() && tries < kLayoutTries; ++tries) {
      const double keepout = placed == 0 ? kRobotKeepout : placed == 1 ? kGoalKeepout : kHazardKeepout;
      const Point at = anywhere(rng, keepout);
      const bool free = std::all_of(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(placed),
                                    [&](const Taken& t) { return distance(at, t.at) >= keepout + t.keepout; });
      if (!free) continue;
      taken[placed++] = {at, keepout};
      tries = -1;
    }
    if (placed < taken.size()) continue;
    Layout layout{taken[0].at, taken[1].at, {}};
    for (std::size_t i = 0; i < kHazards; ++i) layout.hazards[i] = taken[i + 2].at;
    return layout;
  }
}

void PointGoal::place_next_goal() {
  // There is always room: where a goal was reached, a tenth of the arena and more is far enough from it and from
  // hazards.
  Rng rng(layout_ + kLayouts * static_cast<std::uint64_t>(++reached_));
  do {
    goal_ = anywhere(rng, kGoalKeepout);
  } while (distance(goal_, body_.at) < kGoalKeepout + kRobotKeepout ||
           std::ranges::any_of(hazards_, [&](Point h) { return distance(goal_, h) < kGoalKeepout + kHazardKeepout; }));
}

void PointGoal::Body::push(Point thrust) {
  auto move = [](double& place, double& speed, double push) {
    speed = speed + kInstant * (kThrust * push - kDrag * speed);
    place = place + kInstant * speed;
    if (std::abs(place) > kEdge) place = std::copysign(kEdge, place), speed = 0;
  };
  move(at.x, velocity.x, thrust.x);
  move(at.y, velocity.y, thrust.y);
}

void PointGoal::begin(Rng& rng) {
  layout_ = rng.integers(kLayouts);
  const Layout layout = laid_out(layout_);
  reached_ = cost_ = 0;
  body_ = {layout.robot, {}};
  goal_ = layout.goal;
  hazards_ = layout.hazards;
}

SmallEnv::Outcome PointGoal::advance(std::span<const float> action) {
  double reward = 0;
  cost_ = 0;
  for (int tick = 0; tick < kRepeat; ++tick) {
    const double before = distance(body_.at, goal_);
    body_.push({action[0], action[1]});
    const double now = distance(body_.at, goal_);
    reward += before - now;
    if (in_hazard(body_.at, hazards_)) ++cost_;
    if (now > kGoalRadius) continue;
    reward += 1;
    place_next_goal();
  }
  return {static_cast<float>(reward), false, static_cast<float>(cost_)};
}

bool PointGoal::expert(std::span<float> action) const {
  // Tries to hold each of some thrusts for three decisions, keeps out of hazards by a margin, and takes the one from
  // whose end the way to the goal is shortest.
  constexpr int directions = 16, ticks = 3 * kRepeat;
  constexpr double margin = 0.04, fear = 10, haste = 0.02;
  const WaysToGoal ways(goal_, hazards_);
  double best = -1e9;
  for (int i = 0; i <= 2 * directions; ++i) {
    const double strength = i == 2 * directions ? 0 : i < directions ? 1 : 0.5;
    const double angle = 2 * std::numbers::pi * i / directions;
    const Point thrust{strength * std::cos(angle), strength * std::sin(angle)};
    Body body = body_;
    double danger = 0;
    int tick = 0;
    for (; tick < ticks && distance(body.at, goal_) > kGoalRadius; ++tick) {
      body.push(thrust);
      for (const Point& h : hazards_) danger += std::max(0.0, kHazardRadius + margin - distance(body.at, h));
    }
    const double worth = -ways.from(body.at) - fear * danger - haste * tick;
    if (worth <= best) continue;
    best = worth;
    action[0] = static_cast<float>(thrust.x);
    action[1] = static_cast<float>(thrust.y);
  }
  return true;
}

void PointGoal::write_vector(std::span<float> out) const {
  const auto seen = lidar(body_.at, hazards_);
  const double away = distance(body_.at, goal_);
  const double rest[] = {(goal_.x - body_.at.x) / away,
                         (goal_.y - body_.at.y) / away,
                         closeness(away),
                         body_.velocity.x,
                         body_.velocity.y,
                         in_hazard(body_.at, hazards_) ? 1.0 : 0.0};
  auto to = out.begin();
  for (const double value : seen) *to++ = static_cast<float>(value);
  for (const double value : rest) *to++ = static_cast<float>(value);
}

bool PointGoal::stand_at(double x, double y) {
  const Point at{(x - 0.5) / static_cast<double>(kMetre), (0.5 - y) / static_cast<double>(kMetre)};
  if (std::abs(at.x) > kEdge || std::abs(at.y) > kEdge || distance(at, goal_) <= kGoalRadius) return false;
  body_ = {at, {}};
  cost_ = 0;
  return true;
}

void PointGoal::paint_observation(paint::Canvas& canvas) const {
  constexpr float border = 2 / 64.0f, metre = kMetre, robot = 0.13f * metre;
  canvas.clear(paint::kNight);
  canvas.rectangle(border, border, 1 - border, 1 - border, paint::kGround);
  auto x = [](Point p) { return 0.5f + static_cast<float>(p.x) * metre; };
  auto y = [](Point p) { return 0.5f - static_cast<float>(p.y) * metre; };
  for (const Point& hazard : hazards_) {
    canvas.disc(x(hazard), y(hazard), static_cast<float>(kHazardRadius) * metre, paint::kSky);
  }
  canvas.disc(x(goal_), y(goal_), static_cast<float>(kGoalRadius) * metre, paint::kAmber);
  canvas.disc(x(body_.at), y(body_.at), robot, cost_ > 0 ? paint::kRose : paint::kChalk);
}

std::vector<double> PointGoal::numbers() const {
  return {static_cast<double>(layout_),
          static_cast<double>(reached_),
          body_.at.x,
          body_.at.y,
          body_.velocity.x,
          body_.velocity.y,
          goal_.x,
          goal_.y,
          static_cast<double>(cost_)};
}

bool PointGoal::take(std::span<const double> numbers, int steps, bool done) {
  const Body body{{numbers[2], numbers[3]}, {numbers[4], numbers[5]}};
  const Point goal{numbers[6], numbers[7]};
  auto within = [](Point p, double most) { return std::abs(p.x) <= most && std::abs(p.y) <= most; };
  if (!whole_within(numbers[0], 0, static_cast<int>(kLayouts - 1)) || !whole_within(numbers[1], 0, steps * kRepeat) ||
      !whole_within(numbers[8], 0, kRepeat) || !within(body.at, kEdge) || !within(body.velocity, kTopSpeed + 1e-9) ||
      !within(goal, kEdge - kGoalKeepout) || distance(body.at, goal) <= kGoalRadius || done != (steps == kDecisions)) {
    return false;
  }
  layout_ = static_cast<std::uint64_t>(numbers[0]);
  reached_ = static_cast<int>(numbers[1]);
  body_ = body;
  goal_ = goal;
  hazards_ = laid_out(layout_).hazards;
  cost_ = static_cast<int>(numbers[8]);
  return true;
}

std::vector<NamedArray> PointGoal::describe() const {
  NamedArray hazards{"hazards", {kHazards, 2}, {}, false};
  for (const Point& hazard : hazards_) hazards.values.insert(hazards.values.end(), {hazard.x, hazard.y});
  return {{"position", {2}, {body_.at.x, body_.at.y}},
          {"velocity", {2}, {body_.velocity.x, body_.velocity.y}},
          {"goal", {2}, {goal_.x, goal_.y}},
          std::move(hazards)};
}

}  // namespace dream
