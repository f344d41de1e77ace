#include "core/env/point_maze.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "api/error.h"

namespace dream {

namespace {

constexpr double kMazeShake = 0.1, kMazeTop = PointMaze::kPush / PointMaze::kDrag;
constexpr int kMazeApart = 2;  // cells of path between start and goal, at least
constexpr std::uint64_t kMazeDraws = 1ULL << 31;
constexpr std::array<PointMaze::Cell, 4> kMazeSteps = {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}}};

Spaces point_maze_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"x", "y", "vx", "vy", "goal_x", "goal_y"};
  spaces.max_episode_steps = PointMaze::kSteps;
  spaces.natural_rate = 20;
  spaces.places = true;
  spaces.action.axes = {"push x", "push y"};
  spaces.action.low = {-1, -1};
  spaces.action.high = {1, 1};
  spaces.action.idle = {0, 0};
  spaces.action.keys = {{"left", 0, -1, "left"}, {"right", 0, 1, "right"}, {"up", 1, -1, "up"}, {"down", 1, 1, "down"}};
  return spaces;
}

std::string point_maze_name(const PointMazeOptions& options) {
  return "PointMaze" + (options.maze == MazePlan::umaze ? std::string() : " " + name_of(options.maze));
}

}  // namespace

PointMazeOptions PointMazeOptions::from(const std::map<std::string, std::string>& factors) {
  PointMazeOptions options;
  for (const auto& [name, text] : factors) {
    if (name == "maze") {
      options.maze = choice_of<MazePlan>(text);
    } else if (name == "goal") {
      options.goal = choice_of<MazeGoal>(text);
    } else {
      throw Error("PointMaze has no factor '" + name + "'; it has maze, goal");
    }
  }
  return options;
}

const PointMaze::Walls& PointMaze::walls_of(MazePlan plan) {
  static const std::array<Walls, 3> all = {{
      {"#####",  //
       "#   #",  //
       "### #",  //
       "#   #",  //
       "#####"},
      {"########",  //
       "#  ##  #",  //
       "#  #   #",  //
       "##   ###",  //
       "#  #   #",  //
       "# #  # #",  //
       "#   #  #",  //
       "########"},
      {"############",  //
       "#    #     #",  //
       "# ## # # # #",  //
       "#      #   #",  //
       "# #### ### #",  //
       "#  # #     #",  //
       "## # # # ###",  //
       "#  #   #   #",  //
       "############"},
  }};
  return all[static_cast<std::size_t>(plan)];
}

std::vector<int> PointMaze::ways_to(Cell goal, const Walls& walls) {
  const int columns = static_cast<int>(walls[0].size());
  std::vector<int> way(walls.size() * walls[0].size(), -1);
  std::vector<Cell> edge{goal};
  const auto at = [&](Cell cell) -> int& { return way[static_cast<std::size_t>(cell.row * columns + cell.column)]; };
  at(goal) = 0;
  for (std::size_t i = 0; i < edge.size(); ++i) {
    const Cell from = edge[i];  // a copy: what it points into grows
    for (const Cell step : kMazeSteps) {
      const Cell to{from.column + step.column, from.row + step.row};
      if (walls[static_cast<std::size_t>(to.row)][static_cast<std::size_t>(to.column)] == '#' || at(to) >= 0) continue;
      at(to) = at(from) + 1;
      edge.push_back(to);
    }
  }
  return way;
}

PointMaze::PointMaze(const PointMazeOptions& options)
    : SmallEnv(point_maze_name(options), point_maze_spaces()), options_(options), walls_(walls_of(options.maze)) {
  for (int row = 0; row < static_cast<int>(walls_.size()); ++row)
    for (int column = 0; column < static_cast<int>(walls_[0].size()); ++column)
      if (!wall(column, row)) free_.push_back({column, row});
  for (const Cell cell : free_) ways_.push_back(ways_to(cell, walls_));
}

bool PointMaze::wall(int column, int row) const {
  if (row < 0 || column < 0 || row >= static_cast<int>(walls_.size()) || column >= static_cast<int>(walls_[0].size())) return true;
  return walls_[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] == '#';
}

PointMaze::Cell PointMaze::cell_of(Point at) {
  return {static_cast<int>(std::floor(at.x + 0.5)), static_cast<int>(std::floor(at.y + 0.5))};
}

/// Whether the square of the point lies in no wall; one that it touches is none that it lies in.
bool PointMaze::free_at(Point at) const {
  constexpr double half = kHalf - 1e-9;
  for (const double dx : {-half, half})
    for (const double dy : {-half, half}) {
      const Cell cell = cell_of({at.x + dx, at.y + dy});
      if (wall(cell.column, cell.row)) return false;
    }
  return true;
}

void PointMaze::set_goal(Cell from, Rng& rng) {
  std::size_t chosen = 0;
  do {
    chosen = rng.integers(free_.size());
  } while (ways_[chosen][static_cast<std::size_t>(from.row) * walls_[0].size() + static_cast<std::size_t>(from.column)] < kMazeApart);
  goal_.x = free_[chosen].column + rng.uniform(-kMazeShake, kMazeShake);
  goal_.y = free_[chosen].row + rng.uniform(-kMazeShake, kMazeShake);
}

void PointMaze::begin(Rng& rng) {
  draw_ = rng.integers(kMazeDraws);
  reached_ = 0;
  const Cell start = free_[rng.integers(free_.size())];
  at_.x = start.column + rng.uniform(-kMazeShake, kMazeShake);
  at_.y = start.row + rng.uniform(-kMazeShake, kMazeShake);
  velocity_ = {};
  set_goal(start, rng);
}

/// A tick along one axis: what would end in a wall ends at it.
void PointMaze::move(double& place, double& speed, bool along_x) {
  const double before = place;
  place += kTick * speed;
  if (free_at(at_)) return;
  // A tick is far less than a cell, so it is the nearest side of a cell in that direction.
  const double middle = std::floor((along_x ? at_.x : at_.y) + std::copysign(kHalf, speed) + 0.5);
  place = speed > 0 ? middle - 0.5 - kHalf : middle + 0.5 + kHalf;
  if (!free_at(at_)) place = before;
  speed = 0;
}

SmallEnv::Outcome PointMaze::advance(std::span<const float> action) {
  for (int tick = 0; tick < kTicks; ++tick) {
    velocity_.x += kTick * (kPush * static_cast<double>(action[0]) - kDrag * velocity_.x);
    velocity_.y += kTick * (kPush * static_cast<double>(action[1]) - kDrag * velocity_.y);
    move(at_.x, velocity_.x, true);
    move(at_.y, velocity_.y, false);
  }
  const double away = std::hypot(at_.x - goal_.x, at_.y - goal_.y);
  if (options_.goal == MazeGoal::moves && away < kReached) {
    Rng rng(draw_ + kMazeDraws * static_cast<std::uint64_t>(++reached_));
    set_goal(cell_of(at_), rng);
  }
  return {away < kNear ? 1.0f : 0.0f, false};
}

bool PointMaze::expert(std::span<float> action) const {
  constexpr double spring = 2, damper = 0.4;
  const Cell here = cell_of(at_), end = cell_of(goal_);
  Point to = goal_;
  if (here != end) {
    const auto goal = static_cast<std::size_t>(std::ranges::find(free_, end) - free_.begin());
    const auto far = [&](Cell cell) {
      return ways_[goal][static_cast<std::size_t>(cell.row) * walls_[0].size() + static_cast<std::size_t>(cell.column)];
    };
    for (const Cell step : kMazeSteps) {
      const Cell next{here.column + step.column, here.row + step.row};
      if (wall(next.column, next.row) || far(next) >= far(here)) continue;
      to = {static_cast<double>(next.column), static_cast<double>(next.row)};
      break;
    }
  }
  action[0] = static_cast<float>(std::clamp(spring * (to.x - at_.x) - damper * velocity_.x, -1.0, 1.0));
  action[1] = static_cast<float>(std::clamp(spring * (to.y - at_.y) - damper * velocity_.y, -1.0, 1.0));
  return true;
}

void PointMaze::write_vector(std::span<float> out) const {
  const double values[] = {at_.x, at_.y, velocity_.x, velocity_.y, goal_.x, goal_.y};
  std::ranges::transform(values, out.begin(), [](double value) { return static_cast<float>(value); });
}

double PointMaze::cell_width() const {
  return 1.0 / static_cast<double>(std::max(walls_.size(), walls_[0].size()));
}

bool PointMaze::stand_at(double x, double y) {
  const double width = cell_width();
  const Point at{(x - 0.5) / width + static_cast<double>(walls_[0].size()) / 2 - 0.5,
                 (y - 0.5) / width + static_cast<double>(walls_.size()) / 2 - 0.5};
  if (!free_at(at)) return false;
  at_ = at, velocity_ = {};
  return true;
}

void PointMaze::paint_observation(paint::Canvas& canvas) const {
  const double width = cell_width(), rows = static_cast<double>(walls_.size()), columns = static_cast<double>(walls_[0].size());
  const auto x = [&](double at) { return static_cast<float>(0.5 + (at + 0.5 - columns / 2) * width); };
  const auto y = [&](double at) { return static_cast<float>(0.5 + (at + 0.5 - rows / 2) * width); };
  canvas.clear(paint::kNight);
  for (int row = 0; row < static_cast<int>(walls_.size()); ++row)
    for (int column = 0; column < static_cast<int>(walls_[0].size()); ++column) {
      const auto colour = wall(column, row) ? paint::kWall : (row + column) % 2 == 0 ? paint::kGround : paint::kRaised;
      canvas.rectangle(x(column - 0.5), y(row - 0.5), x(column + 0.5), y(row + 0.5), colour);
    }
  const auto cell = static_cast<float>(width);
  canvas.disc(x(goal_.x), y(goal_.y), 0.3f * cell, paint::kAmber);
  canvas.disc(x(at_.x), y(at_.y), 0.18f * cell, paint::kChalk);
}

std::vector<double> PointMaze::numbers() const {
  return {at_.x, at_.y, velocity_.x, velocity_.y, goal_.x, goal_.y, static_cast<double>(draw_), static_cast<double>(reached_)};
}

bool PointMaze::take(std::span<const double> numbers, int steps, bool done) {
  const Point at{numbers[0], numbers[1]}, goal{numbers[4], numbers[5]};
  const auto fast = [](double speed) { return std::abs(speed) > kMazeTop + 1e-9; };
  if (!free_at(at) || !free_at(goal) || fast(numbers[2]) || fast(numbers[3]) || !whole_within(numbers[6], 0, static_cast<int>(kMazeDraws - 1)) ||
      !whole_within(numbers[7], 0, options_.goal == MazeGoal::moves ? steps : 0) || done != (steps == kSteps)) {
    return false;
  }
  at_ = at, velocity_ = {numbers[2], numbers[3]}, goal_ = goal;
  draw_ = static_cast<std::uint64_t>(numbers[6]);
  reached_ = static_cast<int>(numbers[7]);
  return true;
}

std::vector<NamedArray> PointMaze::describe() const {
  NamedArray walls{"walls", {walls_.size(), walls_[0].size()}, {}, false};
  for (const auto& row : walls_)
    for (const char cell : row) walls.values.push_back(cell == '#' ? 1 : 0);
  return {{"position", {2}, {at_.x, at_.y}}, {"velocity", {2}, {velocity_.x, velocity_.y}}, {"goal", {2}, {goal_.x, goal_.y}}, std::move(walls)};
}

}  // namespace dream
