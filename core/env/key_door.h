#pragma once
#include "core/env/small_env.h"

namespace dream {

/// A corridor in which remembering matters (the T-maze of Bakker 2002, "Reinforcement learning with long short-term
/// memory"). A key, amber or blue, lies beside the start; whoever walks over it, and there is no way round, puts it
/// into the pocket, where nobody sees it. At the corridor's end are two doors, amber above and blue below. The key's
/// own door ends the episode with reward 1, the other with 0; after 32 steps it is truncated. Six steps are enough. The
/// mean return is the share of right doors, and a wrong door still pays for the walk: whoever cannot remember learns
/// to hurry, which is what makes the memory short enough to be learned.
///
/// The agent sees the 5 x 5 cells around it, painted at 12 x 12 pixels within a border of 2. Once the key is taken, all
/// that it will see is the same for both keys; hence whoever acts on the present observation alone, even by chance,
/// opens the right door in at most half of the episodes, and memory opens it in all (the tests show both).
///
/// Vector: per cell of the view wall, amber key, blue key, amber door, blue door, each 0 or 1. The people's picture is
/// the whole maze, with what the agent cannot see dimmed, and the pocket. Diagnostics: position [2], key [1] (0 amber,
/// 1 blue), taken [1].
class KeyDoor final : public SmallEnv {
 public:
  static constexpr int kView = 5, kKeyAt = 1, kJunction = 5, kTimeLimit = 32;
  enum Choice { stay, left, right, up, down };
  KeyDoor();

  /// To the junction, then through the door of the key that lay there.
  bool expert(std::span<float> action) const override;

 private:
  enum class Cell { floor, wall, amber_key, blue_key, amber_door, blue_door };
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  void paint_people(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  Cell cell(int x, int y) const;
  void paint_cell(paint::Canvas& canvas, int x, int y, float at_x, float at_y, float side, bool seen) const;
  static int door(int y) { return y < 0 ? 0 : 1; }

  int key_ = 0;        // 0 amber, 1 blue
  int x_ = 0, y_ = 0;  // the corridor is y = 0, x from 0 to the junction; y is not 0 in an open door
  bool taken_ = false;
};

}  // namespace dream
