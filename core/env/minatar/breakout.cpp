#include <algorithm>

#include "core/env/minatar/game.h"

namespace dream::minatar {
namespace {

/// A paddle at the bottom, three rows of bricks, a ball that moves along diagonals. A brick is worth 1; cleared bricks
/// come back when the ball is down; the game ends when the paddle misses the ball.
struct BreakoutState {
  Board bricks;
  std::int32_t paddle, ball_x, ball_y, last_x, last_y;
  std::int32_t right, down;  // where the ball goes, 0 or 1
  std::int32_t struck;       // the ball is still in the wall that it struck; it breaks one brick per visit
};

class Breakout final : public GameOf<BreakoutState> {
 public:
  Facts facts() const override {
    return {"MinAtarBreakout", {"paddle", "ball", "trail", "brick"}, {Act::none, Act::left, Act::right}};
  }

  void reset(RandomState& random) override {
    const int side = random.randint(2);
    state_ = {};
    state_.ball_x = state_.last_x = side == 0 ? 0 : 9;
    state_.ball_y = state_.last_y = 3;
    state_.right = side == 0;
    state_.down = 1;
    state_.paddle = 4;
    build();
  }

  Turn act(Act act, RandomState&) override {
    BreakoutState& s = state_;
    Turn turn;
    if (act == Act::left) s.paddle = std::max(0, s.paddle - 1);
    if (act == Act::right) s.paddle = std::min(9, s.paddle + 1);

    s.last_x = s.ball_x;
    s.last_y = s.ball_y;
    int x = s.ball_x + (s.right != 0 ? 1 : -1), y = s.ball_y + (s.down != 0 ? 1 : -1);
    if (x < 0 || x > 9) {
      x = std::clamp(x, 0, 9);
      s.right ^= 1;
    }
    bool in_wall = false;
    if (y < 0) {
      y = 0;
      s.down ^= 1;
    } else if (s.bricks.at(x, y)) {
      in_wall = true;
      if (s.struck == 0) {
        turn.reward = 1;
        s.struck = 1;
        s.bricks.clear(x, y);
        y = s.last_y;
        s.down ^= 1;
      }
    } else if (y == 9) {
      if (s.bricks.empty()) build();
      if (s.ball_x == s.paddle) {
        s.down ^= 1;
        y = s.last_y;
      } else if (x == s.paddle) {  // on the paddle's edge: back where it came from
        s.down ^= 1;
        s.right ^= 1;
        y = s.last_y;
      } else {
        turn.over = true;
      }
    }
    if (!in_wall) s.struck = 0;
    s.ball_x = x;
    s.ball_y = y;
    return turn;
  }

  void show(Planes planes) const override {
    const BreakoutState& s = state_;
    planes.set(0, s.paddle, 9);
    planes.set(1, s.ball_x, s.ball_y);
    planes.set(2, s.last_x, s.last_y);
    planes.set(3, s.bricks);
  }

  bool plausible(bool over) const override {
    const BreakoutState& s = state_;
    return s.bricks.plausible() && s.bricks.rows[9] == 0 && within(0, 9, s.paddle, s.ball_x, s.last_x) &&
           within(0, over ? 9 : 8, s.ball_y) && within(0, 8, s.last_y) && within(0, 1, s.right, s.down, s.struck);
  }

 private:
  void build() { std::fill_n(state_.bricks.rows.begin() + 1, 3, Board::kFull); }
};

}  // namespace

std::unique_ptr<Game> make_breakout() {
  return std::make_unique<Breakout>();
}

}  // namespace dream::minatar
