#include <algorithm>

#include "core/env/minatar/game.h"

namespace dream::minatar {
namespace {

constexpr int kRows = 8, kRampInterval = 100;

/// Enemies and gold cross the board, one to a row; touching gold is worth 1, touching an enemy ends the game. They
/// come and move faster with time.
struct AsterixState {
  struct Visitor {
    std::int32_t present, x, right, gold;
  };
  std::int32_t player_x, player_y;
  std::array<Visitor, kRows> visitors;  // visitors[i] is in row i + 1
  std::int32_t spawn_interval, spawn_timer, move_interval, move_timer, ramp_timer, ramps;
};

class Asterix final : public GameOf<AsterixState> {
 public:
  explicit Asterix(bool ramping) : ramping_(ramping) {}

  Facts facts() const override {
    return {
        "MinAtarAsterix", {"player", "enemy", "trail", "gold"}, {Act::none, Act::left, Act::up, Act::right, Act::down}};
  }

  void reset(RandomState&) override {
    state_ = {};
    state_.player_x = state_.player_y = 5;
    state_.spawn_interval = state_.spawn_timer = 10;
    state_.move_interval = state_.move_timer = 5;
    state_.ramp_timer = kRampInterval;
  }

  Turn act(Act act, RandomState& random) override {
    AsterixState& s = state_;
    Turn turn;
    if (s.spawn_timer == 0) {
      spawn(random);
      s.spawn_timer = s.spawn_interval;
    }
    if (act == Act::left) s.player_x = std::max(0, s.player_x - 1);
    if (act == Act::right) s.player_x = std::min(9, s.player_x + 1);
    if (act == Act::up) s.player_y = std::max(1, s.player_y - 1);
    if (act == Act::down) s.player_y = std::min(8, s.player_y + 1);

    meet(turn);
    if (s.move_timer == 0) {
      s.move_timer = s.move_interval;
      for (auto& visitor : s.visitors) {
        if (visitor.present == 0) continue;
        visitor.x += visitor.right != 0 ? 1 : -1;
        if (visitor.x < 0 || visitor.x > 9) visitor = {};
      }
      meet(turn);
    }
    --s.spawn_timer;
    --s.move_timer;
    ramp();
    return turn;
  }

  void show(Planes planes) const override {
    planes.set(0, state_.player_x, state_.player_y);
    for (int i = 0; i < kRows; ++i) {
      const auto& visitor = state_.visitors[i];
      if (visitor.present == 0) continue;
      planes.set(visitor.gold != 0 ? 3 : 1, visitor.x, i + 1);
      planes.set_inside(2, visitor.x + (visitor.right != 0 ? -1 : 1), i + 1);
    }
  }

  bool plausible(bool) const override {
    const AsterixState& s = state_;
    for (const auto& visitor : s.visitors) {
      if (!within(0, 1, visitor.present, visitor.right, visitor.gold) || !within(0, 9, visitor.x)) return false;
    }
    return within(0, 9, s.player_x) && within(1, 8, s.player_y) && within(1, 10, s.spawn_interval) &&
           within(0, 10, s.spawn_timer) && within(1, 5, s.move_interval) && within(0, 5, s.move_timer) &&
           within(-1, kRampInterval, s.ramp_timer) && within(0, 100, s.ramps);
  }

 private:
  void meet(Turn& turn) {
    auto& visitor = state_.visitors[state_.player_y - 1];
    if (visitor.present == 0 || visitor.x != state_.player_x) return;
    if (visitor.gold != 0) {
      visitor = {};
      ++turn.reward;
    } else {
      turn.over = true;
    }
  }

  void spawn(RandomState& random) {
    const bool right = random.rand() < 1.0 / 2, gold = random.rand() < 1.0 / 3;
    std::array<int, kRows> free{};
    int count = 0;
    for (int i = 0; i < kRows; ++i) {
      if (state_.visitors[i].present == 0) free[count++] = i;
    }
    if (count == 0) return;
    state_.visitors[free[random.randint(count)]] = {1, right ? 0 : 9, right, gold};
  }

  void ramp() {
    AsterixState& s = state_;
    if (!ramping_ || (s.spawn_interval == 1 && s.move_interval == 1)) return;
    if (s.ramp_timer >= 0) {
      --s.ramp_timer;
      return;
    }
    if (s.move_interval > 1 && s.ramps % 2 != 0) --s.move_interval;
    if (s.spawn_interval > 1) --s.spawn_interval;
    ++s.ramps;
    s.ramp_timer = kRampInterval;
  }

  bool ramping_;
};

}  // namespace

std::unique_ptr<Game> make_asterix(bool ramping) {
  return std::make_unique<Asterix>(ramping);
}

}  // namespace dream::minatar
