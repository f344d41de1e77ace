#include <algorithm>

#include "core/env/minatar/game.h"

namespace dream::minatar {
namespace {

constexpr int kGunCoolDown = 5, kAlienShotInterval = 10, kMoveInterval = 12;

/// A cannon below, a block of aliens above that goes from side to side and down, faster the fewer are left. An alien is
/// worth 1; the next wave is faster. Ends when an alien or its bullet reaches the cannon, or aliens have nowhere to go.
struct SpaceInvadersState {
  Board aliens, shots, bombs;  // shots go up, bombs go down
  std::int32_t cannon, right;  // right: where the aliens go
  std::int32_t move_interval, move_timer, bomb_timer, shot_timer;
};

class SpaceInvaders final : public GameOf<SpaceInvadersState> {
 public:
  explicit SpaceInvaders(bool ramping) : ramping_(ramping) {}

  Facts facts() const override {
    return {"MinAtarSpaceInvaders",
            {"cannon", "alien", "alien_left", "alien_right", "friendly_bullet", "enemy_bullet"},
            {Act::none, Act::left, Act::right, Act::fire}};
  }

  void reset(RandomState&) override {
    state_ = {};
    state_.cannon = 5;
    state_.move_interval = state_.move_timer = kMoveInterval;
    state_.bomb_timer = kAlienShotInterval;
    new_wave();
  }

  Turn act(Act act, RandomState&) override {
    SpaceInvadersState& s = state_;
    Turn turn;
    if (act == Act::fire && s.shot_timer == 0) {
      s.shots.set(s.cannon, 9);
      s.shot_timer = kGunCoolDown;
    }
    if (act == Act::left) s.cannon = std::max(0, s.cannon - 1);
    if (act == Act::right) s.cannon = std::min(9, s.cannon + 1);

    std::shift_left(s.shots.rows.begin(), s.shots.rows.end(), 1);
    s.shots.rows[9] = 0;
    std::shift_right(s.bombs.rows.begin(), s.bombs.rows.end(), 1);
    s.bombs.rows[0] = 0;
    turn.over = s.bombs.at(s.cannon, 9) || s.aliens.at(s.cannon, 9);

    if (s.move_timer == 0) {
      s.move_timer = std::min(s.aliens.count(), s.move_interval);
      if (move_aliens() || s.aliens.at(s.cannon, 9)) turn.over = true;
    }
    if (s.bomb_timer == 0) {
      s.bomb_timer = kAlienShotInterval;
      drop_bomb();
    }
    for (int y = 0; y < kSide; ++y) {
      const auto hits = static_cast<std::uint16_t>(s.aliens.rows[y] & s.shots.rows[y]);
      turn.reward += std::popcount(hits);
      s.aliens.rows[y] ^= hits;
      s.shots.rows[y] ^= hits;
    }
    if (s.shot_timer > 0) --s.shot_timer;
    --s.move_timer;
    --s.bomb_timer;
    if (s.aliens.empty()) {
      if (ramping_ && s.move_interval > 6) --s.move_interval;
      new_wave();
    }
    return turn;
  }

  void show(Planes planes) const override {
    planes.set(0, state_.cannon, 9);
    planes.set(1, state_.aliens);
    planes.set(state_.right != 0 ? 3 : 2, state_.aliens);
    planes.set(4, state_.shots);
    planes.set(5, state_.bombs);
  }

  bool plausible(bool) const override {
    const SpaceInvadersState& s = state_;
    return s.aliens.plausible() && s.shots.plausible() && s.bombs.plausible() && !s.aliens.empty() &&
           within(0, 9, s.cannon) && within(0, 1, s.right) && within(6, kMoveInterval, s.move_interval) &&
           within(0, kMoveInterval, s.move_timer) && within(0, kAlienShotInterval, s.bomb_timer) &&
           within(0, kGunCoolDown, s.shot_timer);
  }

 private:
  void new_wave() { std::fill_n(state_.aliens.rows.begin(), 4, std::uint16_t{0b0011111100}); }

  std::uint16_t columns() const {
    std::uint16_t all = 0;
    for (const std::uint16_t row : state_.aliens.rows) all |= row;
    return all;
  }

  // True when the aliens are at the bottom and would have to go down; the lowest row then comes in at the top.
  bool move_aliens() {
    auto& rows = state_.aliens.rows;
    if (((columns() >> (state_.right != 0 ? 9 : 0)) & 1) != 0) {
      state_.right ^= 1;
      std::rotate(rows.begin(), rows.end() - 1, rows.end());
      return rows[0] != 0;
    }
    for (std::uint16_t& row : rows) row = static_cast<std::uint16_t>(state_.right != 0 ? row << 1 : row >> 1);
    return false;
  }

  // From the lowest alien of the column that is nearest to the cannon, the left one of two.
  void drop_bomb() {
    const unsigned occupied = columns();
    for (int distance = 0; distance < kSide; ++distance) {
      for (const int x : {state_.cannon - distance, state_.cannon + distance}) {
        if (x < 0 || x >= kSide || (occupied >> x & 1) == 0) continue;
        int y = 9;
        while (!state_.aliens.at(x, y)) --y;
        return state_.bombs.set(x, y);
      }
    }
  }

  bool ramping_;
};

}  // namespace

std::unique_ptr<Game> make_space_invaders(bool ramping) {
  return std::make_unique<SpaceInvaders>(ramping);
}

}  // namespace dream::minatar
