#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/base/choice.h"
#include "core/env/small_env.h"

namespace dream {

enum class MazePlan { umaze, medium, large };
constexpr auto choice_names(MazePlan) {
  return names_of_choice("umaze", "medium", "large");
}
/// stays: the goal is the same for the whole episode. moves: another one comes once the point has been within 0.1 of it, as in D4RL's
/// collection of data.
enum class MazeGoal { stays, moves };
constexpr auto choice_names(MazeGoal) {
  return names_of_choice("stays", "moves");
}

struct PointMazeOptions {
  MazePlan maze = MazePlan::umaze;
  MazeGoal goal = MazeGoal::stays;

  /// From texts. Throws dream::Error for a name or value that is none.
  static PointMazeOptions from(const std::map<std::string, std::string>& factors);
};

/// A point is pushed through a maze to a goal, after D4RL's maze2d (Fu et al. 2020), with its three mazes. The unit is a cell; x goes to
/// the right and y down, the middle of cell (column, row) is (column, row), and the border's cells are walls. Start and goal are free
/// cells drawn at random, two or more of path apart, each shaken by up to 0.1. Reward: 1 for every step that ends within 0.5 of the goal.
///
/// A push a of [-1, 1]² is held for 0.05 s, which are five ticks of v ← v + 0.01 (10 a − 2 v), x ← x + 0.01 v, so that 5 cells/s is the
/// fastest, where D4RL clips. For walls the point is a square of half side 0.1; what touches one stops in that axis alone. 300 steps.
/// What differs from D4RL: steps are five times as long and the mass is ours, as MuJoCo is not here; whoever comes late has fewer steps
/// to be paid for, as there.
///
/// Vector: x, y, vx, vy, goal_x, goal_y (cells, cells/s). Diagnostics: position, velocity and goal [2], walls [rows, columns].
class PointMaze final : public SmallEnv {
 public:
  static constexpr int kSteps = 300, kTicks = 5;
  static constexpr double kNear = 0.5, kReached = 0.1, kTick = 0.01, kPush = 10, kDrag = 2, kHalf = 0.1;
  struct Point {
    double x = 0, y = 0;
  };
  struct Cell {
    int column = 0, row = 0;
    bool operator==(const Cell&) const = default;
  };
  using Walls = std::vector<std::string>;  // rows of '#' and ' '

  explicit PointMaze(const PointMazeOptions& options = {});
  bool stand_at(double x, double y) override;
  /// By cells along the shortest path, pushed as a spring with a damper is.
  bool expert(std::span<float> action) const override;

  static const Walls& walls_of(MazePlan plan);
  /// Steps from every free cell to `goal` along free cells, row by row; -1 where there is no way.
  static std::vector<int> ways_to(Cell goal, const Walls& walls);

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  bool wall(int column, int row) const;
  bool free_at(Point at) const;
  static Cell cell_of(Point at);
  void move(double& place, double& speed, bool along_x);
  void set_goal(Cell from, Rng& rng);
  double cell_width() const;  // of the picture, which is 1 wide

  PointMazeOptions options_;
  const Walls& walls_;
  std::vector<Cell> free_;
  std::vector<std::vector<int>> ways_;  // to each of them
  std::uint64_t draw_ = 0;              // seed of the episode's later goals
  int reached_ = 0;                     // goals that moved on so far
  Point at_, velocity_, goal_;
};

}  // namespace dream
