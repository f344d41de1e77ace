#include "core/env/maze.h"

#include <array>

namespace dream {

// '#' a wall. What never moves has the same walls before and after.
struct Maze::Plan {
  const char* name;
  Cell start;
  int time_limit, move_after;
  bool ends;  // the goal ends the episode; else it takes the agent back to the start
  std::array<const char*, kRows> before, after;
};

namespace {

constexpr Maze::Cell kMazeGoal{0, Maze::kColumns - 1};
// Of the 64 x 64 picture, which is 1 wide: a cell's side, and where the first one begins.
constexpr float kMazePixel = 1 / 64.0f, kMazeSide = 6 * kMazePixel, kMazeLeft = 5 * kMazePixel, kMazeTop = 14 * kMazePixel;

}  // namespace

const Maze::Plan& Maze::plan_of(MazeKind kind) {
  constexpr std::array<const char*, kRows> dyna{".......#.", "..#....#.", "..#....#.",
                                                "..#......", ".....#...", "........."};
  constexpr auto across = [](const char* row) {
    constexpr const char* open = ".........";
    return std::array<const char*, kRows>{open, open, open, row, open, open};
  };
  static constexpr Plan plans[] = {
      {"DynaMaze", {2, 0}, 5000, 5000, true, dyna, dyna},
      {"BlockingMaze", {5, 3}, 3000, 1000, false, across("########."), across(".########")},
      {"ShortcutMaze", {5, 3}, 6000, 3000, false, across(".########"), across(".#######.")},
  };
  return plans[static_cast<int>(kind)];
}

Spaces Maze::spaces_of(const Plan& plan) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"state"};
  spaces.states = kRows * kColumns;
  spaces.state_columns = kColumns;
  spaces.places = true;
  spaces.max_episode_steps = plan.time_limit;
  spaces.natural_rate = 5;
  spaces.action.choices = {"up", "down", "left", "right"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {3};
  spaces.action.idle = {0};  // there is no choice that stays
  spaces.action.keys = {
      {"up", 0, up, "up"}, {"down", 0, down, "down"}, {"left", 0, left, "left"}, {"right", 0, right, "right"}};
  return spaces;
}

Maze::Maze(MazeKind kind)
    : SmallEnv(plan_of(kind).name, spaces_of(plan_of(kind))), plan_(plan_of(kind)), agent_(plan_.start) {}

bool Maze::wall(Cell cell, int steps) const {
  return (steps < plan_.move_after ? plan_.before : plan_.after)[cell.row][cell.column] == '#';
}

Maze::Cell Maze::moved(Cell from, int choice) const {
  Cell to = from;
  (choice == up || choice == down ? to.row : to.column) += choice == up || choice == left ? -1 : 1;
  const bool inside = to.row >= 0 && to.row < kRows && to.column >= 0 && to.column < kColumns;
  return inside && !wall(to, steps()) ? to : from;
}

void Maze::begin(Rng&) {
  agent_ = plan_.start;
}

SmallEnv::Outcome Maze::advance(std::span<const float> action) {
  agent_ = moved(agent_, static_cast<int>(action[0]));
  if (agent_ != kMazeGoal) return {};
  if (!plan_.ends) agent_ = plan_.start;
  return {1, plan_.ends};
}

bool Maze::expert(std::span<float> action) const {
  // Steps to the goal, spread from there until no cell is nearer than was known.
  constexpr int far = kRows * kColumns;
  std::array<int, far> distance;
  distance.fill(far);
  auto at = [&](Cell cell) -> int& { return distance[cell.row * kColumns + cell.column]; };
  at(kMazeGoal) = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (int state = 0; state < far; ++state) {
      const Cell cell{state / kColumns, state % kColumns};
      for (const int choice : {up, down, left, right}) {
        const int through = at(moved(cell, choice)) + 1;
        if (cell != kMazeGoal && through < at(cell)) at(cell) = through, changed = true;
      }
    }
  }
  int best = 0;
  for (const int choice : {up, down, left, right}) {
    if (at(moved(agent_, choice)) < at(moved(agent_, best))) best = choice;
  }
  action[0] = static_cast<float>(best);
  return true;
}

void Maze::write_vector(std::span<float> out) const {
  out[0] = static_cast<float>(agent_.row * kColumns + agent_.column);
}

bool Maze::stand_at(double x, double y) {
  const Cell to{static_cast<int>(std::floor((y - kMazeTop) / kMazeSide)), static_cast<int>(std::floor((x - kMazeLeft) / kMazeSide))};
  if (to.row < 0 || to.row >= kRows || to.column < 0 || to.column >= kColumns || wall(to, steps()) || to == kMazeGoal) return false;
  agent_ = to;
  return true;
}

void Maze::paint_observation(paint::Canvas& canvas) const {
  constexpr float side = kMazeSide, margin = kMazeLeft, above = kMazeTop;
  auto x = [](float column) { return margin + column * side; };
  auto y = [](float row) { return above + row * side; };
  canvas.clear(paint::kNight);
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      const bool even = (row + column) % 2 == 0;
      const auto ground = wall({row, column}, steps()) ? paint::kWall : even ? paint::kGround : paint::kRaised;
      const auto colour = Cell{row, column} == kMazeGoal ? paint::kAmber : ground;
      const auto c = static_cast<float>(column), r = static_cast<float>(row);
      canvas.rectangle(x(c), y(r), x(c + 1), y(r + 1), colour);
    }
  }
  canvas.disc(x(static_cast<float>(agent_.column) + 0.5f), y(static_cast<float>(agent_.row) + 0.5f), 2.2f * kMazePixel,
              paint::kChalk);
}

std::vector<double> Maze::numbers() const {
  return {static_cast<double>(agent_.row), static_cast<double>(agent_.column)};
}

bool Maze::take(std::span<const double> numbers, int steps, bool done) {
  if (!whole_within(numbers[0], 0, kRows - 1) || !whole_within(numbers[1], 0, kColumns - 1)) return false;
  const Cell agent{static_cast<int>(numbers[0]), static_cast<int>(numbers[1])};
  // Where a wall has arrived the agent may still stand.
  const bool nowhere = wall(agent, steps) && wall(agent, 0);
  const bool at_goal = agent == kMazeGoal;
  if (nowhere || (at_goal && !plan_.ends) || done != (at_goal || steps == plan_.time_limit)) return false;
  agent_ = agent;
  return true;
}

std::vector<NamedArray> Maze::describe() const {
  NamedArray walls{"walls", {kRows, kColumns}, {}};
  for (int state = 0; state < kRows * kColumns; ++state) {
    walls.values.push_back(wall({state / kColumns, state % kColumns}, steps()) ? 1 : 0);
  }
  return {{"agent", {2}, {static_cast<double>(agent_.row), static_cast<double>(agent_.column)}},
          {"goal", {2}, {static_cast<double>(kMazeGoal.row), static_cast<double>(kMazeGoal.column)}, false},
          std::move(walls)};
}

}  // namespace dream
