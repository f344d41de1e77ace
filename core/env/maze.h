#pragma once
#include "core/env/small_env.h"

namespace dream {

enum class MazeKind { dyna, blocking, shortcut };

/// The mazes of Sutton and Barto's "Reinforcement Learning: An Introduction", chapter 8, of 6 rows and 9 columns: a
/// move into a wall or over the edge leaves the agent where it is, the goal pays 1, all else 0. There is no chance in
/// them: every seed gives the same episode.
///
/// DynaMaze: the goal ends the episode; after 5000 steps, of which 14 are enough, it is truncated. (The book sets no
/// limit.)
/// BlockingMaze: the short way round the wall, 10 steps, closes after step 1000, and a way of 16 opens. ShortcutMaze:
/// beside the way of 16 steps one of 10 opens after step 3000. The book lets such a life go through many episodes,
/// during which the walls move. Here a whole life is one episode, of 3000 and 6000 steps, so that a seed, or a saved
/// state, says all about it: the goal pays and takes the agent back to the start within the same step, and nothing
/// ends. Whoever stands in the gap that closes stands in the wall then, and walks out of it as out of any cell.
///
/// Vector: the state, row * 9 + column, counted from above and from the left. The 64 x 64 picture shows cells of 6 x 6
/// pixels, not the time at which walls move. Diagnostics: agent [2] and goal [2] as row and column, walls [6, 9], 1
/// where there is one now. The expert goes the shortest way that is open now.
class Maze final : public SmallEnv {
 public:
  static constexpr int kRows = 6, kColumns = 9;
  enum Choice { up, down, left, right };
  struct Cell {
    int row = 0, column = 0;
    bool operator==(const Cell&) const = default;
  };
  explicit Maze(MazeKind kind);
  bool stand_at(double x, double y) override;
  bool expert(std::span<float> action) const override;

 private:
  struct Plan;  // the walls, and when they move
  static const Plan& plan_of(MazeKind kind);
  static Spaces spaces_of(const Plan& plan);
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  bool wall(Cell cell, int steps) const;
  Cell moved(Cell from, int choice) const;  // with the walls as they are now
  const Plan& plan_;
  Cell agent_;
};

}  // namespace dream
