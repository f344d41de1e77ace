#include <algorithm>

#include "core/env/minatar/game.h"

namespace dream::minatar {
namespace {

constexpr int kOxygen = 200, kCrew = 6, kCoolDown = 5, kShotInterval = 10, kDiverInterval = 30, kDiverMove = 5;

struct Thing {
  std::int8_t x, y, right, wait, reload;  // wait: steps to the next move; reload: to the next shot
};

/// Things of a kind, in the order of MinAtar's lists, which are walked backwards. Nothing can outgrow its herd: one
/// enemy comes per step at most and crosses within 60, a bullet within 10.
template <int N>
struct Herd {
  std::array<Thing, N> things;
  std::int32_t count;

  std::span<const Thing> all() const { return {things.data(), static_cast<std::size_t>(count)}; }
  Thing& operator[](int i) { return things[i]; }

  void add(int x, int y, bool right, int wait = 0, int reload = 0) {
    if (count == N) return;
    things[count++] = {static_cast<std::int8_t>(x), static_cast<std::int8_t>(y), right, static_cast<std::int8_t>(wait),
                       static_cast<std::int8_t>(reload)};
  }
  void remove(int i) {
    std::copy(things.begin() + i + 1, things.begin() + count, things.begin() + i);
    --count;
  }
  int find(int x, int y) const {
    for (int i = 0; i < count; ++i) {
      if (things[i].x == x && things[i].y == y) return i;
    }
    return -1;
  }
  bool plausible() const {
    if (!within(0, N, count)) return false;
    return std::ranges::all_of(all(), [](const Thing& t) {
      return within(0, 9, t.x) && within(0, 8, t.y) && within(0, 1, t.right) && within(0, 10, t.wait, t.reload);
    });
  }
};

/// A submarine that shoots fish and submarines, each worth 1, and collects divers. Oxygen runs out; surfacing fills it
/// for the price of a diver. With six aboard what is left of the oxygen is paid, up to 10. The game ends at a touch,
/// without oxygen, or by surfacing alone. Enemies come more often and move faster with every surfacing.
struct SeaquestState {
  Herd<64> fish, subs;
  Herd<8> shots, divers;
  Herd<128> torpedoes;
  std::int32_t x, y, right, surfaced, crew, oxygen;
  std::int32_t enemy_interval, enemy_timer, diver_timer, move_interval, shot_timer, ramps;
};

void advance(Thing& thing) {
  thing.x = static_cast<std::int8_t>(thing.x + (thing.right != 0 ? 1 : -1));
}

bool outside(const Thing& thing) {
  return thing.x < 0 || thing.x >= kSide;
}

class Seaquest final : public GameOf<SeaquestState> {
 public:
  explicit Seaquest(bool ramping) : ramping_(ramping) {}

  Facts facts() const override {
    return {"MinAtarSeaquest",
            {"sub_front", "sub_back", "friendly_bullet", "trail", "enemy_bullet", "enemy_fish", "enemy_sub",
             "oxygen_gauge", "diver_gauge", "diver"},
            {Act::none, Act::left, Act::up, Act::right, Act::down, Act::fire}};
  }

  void reset(RandomState&) override {
    state_ = {};
    state_.oxygen = kOxygen;
    state_.x = 5;
    state_.surfaced = 1;
    state_.enemy_interval = state_.enemy_timer = 20;
    state_.diver_timer = kDiverInterval;
    state_.move_interval = 5;
  }

  Turn act(Act act, RandomState& random) override {
    SeaquestState& s = state_;
    Turn turn;
    if (s.enemy_timer == 0) {
      spawn_enemy(random);
      s.enemy_timer = s.enemy_interval;
    }
    if (s.diver_timer == 0) {
      const bool right = random.rand() < 1.0 / 2;
      s.divers.add(right ? 0 : 9, 1 + random.randint(8), right, kDiverMove);
      s.diver_timer = kDiverInterval;
    }
    obey(act);
    move_shots(turn);
    move_divers();
    move_enemies(s.subs, true, turn);
    move_torpedoes(turn);
    move_enemies(s.fish, false, turn);

    if (s.enemy_timer > 0) --s.enemy_timer;
    if (s.diver_timer > 0) --s.diver_timer;
    if (s.shot_timer > 0) --s.shot_timer;
    if (s.oxygen <= 0) turn.over = true;
    if (s.y > 0) {
      --s.oxygen;
      s.surfaced = 0;
    } else if (s.surfaced == 0) {
      if (s.crew == 0) {
        turn.over = true;
      } else {
        turn.reward += surface();
      }
    }
    return turn;
  }

  void show(Planes planes) const override {
    const SeaquestState& s = state_;
    planes.set(0, s.x, s.y);
    planes.set(1, s.x + (s.right != 0 ? -1 : 1), s.y);
    for (int x = 0; x < std::max(0, s.oxygen) * 10 / kOxygen; ++x) planes.set(7, x, 9);
    for (int x = 9 - s.crew; x < 9; ++x) planes.set(8, x, 9);
    for (const Thing& shot : s.shots.all()) planes.set(2, shot.x, shot.y);
    for (const Thing& torpedo : s.torpedoes.all()) planes.set(4, torpedo.x, torpedo.y);
    show_moving(planes, 5, s.fish.all());
    show_moving(planes, 6, s.subs.all());
    show_moving(planes, 9, s.divers.all());
  }

  bool plausible(bool) const override {
    const SeaquestState& s = state_;
    return s.fish.plausible() && s.subs.plausible() && s.shots.plausible() && s.divers.plausible() &&
           s.torpedoes.plausible() && within(0, 8, s.y) && within(0, 1, s.right, s.surfaced) &&
           within(s.right, 8 + s.right, s.x) && within(-100000, kCrew, s.crew) && within(-1, kOxygen, s.oxygen) &&
           within(1, 20, s.enemy_interval) && within(0, 20, s.enemy_timer) &&
           within(0, kDiverInterval, s.diver_timer) && within(2, 5, s.move_interval) &&
           within(0, kCoolDown, s.shot_timer) && within(0, 100000, s.ramps);
  }

 private:
  bool at_player(const Thing& thing) const { return thing.x == state_.x && thing.y == state_.y; }

  void obey(Act act) {
    SeaquestState& s = state_;
    if (act == Act::fire && s.shot_timer == 0) {
      s.shots.add(s.x, s.y, s.right != 0);
      s.shot_timer = kCoolDown;
    } else if (act == Act::left) {
      s.x = std::max(0, s.x - 1);
      s.right = 0;
    } else if (act == Act::right) {
      s.x = std::min(9, s.x + 1);
      s.right = 1;
    } else if (act == Act::up) {
      s.y = std::max(0, s.y - 1);
    } else if (act == Act::down) {
      s.y = std::min(8, s.y + 1);
    }
  }

  void move_shots(Turn& turn) {
    auto& shots = state_.shots;
    // The first of `herd` that the shot is in goes, and the shot with it.
    auto strike = [&](auto& herd, int shot) {
      const int target = herd.find(shots[shot].x, shots[shot].y);
      if (target < 0) return false;
      herd.remove(target);
      shots.remove(shot);
      ++turn.reward;
      return true;
    };
    for (int i = shots.count - 1; i >= 0; --i) {
      advance(shots[i]);
      if (outside(shots[i])) {
        shots.remove(i);
      } else if (!strike(state_.fish, i)) {
        strike(state_.subs, i);
      }
    }
  }

  void move_divers() {
    SeaquestState& s = state_;
    auto picked_up = [&](int i) {
      if (!at_player(s.divers[i]) || s.crew >= kCrew) return false;
      s.divers.remove(i);
      ++s.crew;
      return true;
    };
    for (int i = s.divers.count - 1; i >= 0; --i) {
      if (picked_up(i)) continue;
      Thing& diver = s.divers[i];
      if (diver.wait > 0) {
        --diver.wait;
        continue;
      }
      diver.wait = kDiverMove;
      advance(diver);
      if (outside(diver)) {
        s.divers.remove(i);
      } else {
        picked_up(i);
      }
    }
  }

  // A submarine that leaves or is shot in its turn still fires in it.
  template <int N>
  void move_enemies(Herd<N>& herd, bool armed, Turn& turn) {
    SeaquestState& s = state_;
    for (int i = herd.count - 1; i >= 0; --i) {
      Thing& enemy = herd[i];
      if (at_player(enemy)) turn.over = true;
      bool gone = false;
      if (enemy.wait > 0) {
        --enemy.wait;
      } else {
        enemy.wait = static_cast<std::int8_t>(s.move_interval);
        advance(enemy);
        if (outside(enemy)) {
          gone = true;
        } else if (at_player(enemy)) {
          turn.over = true;
        } else if (const int shot = s.shots.find(enemy.x, enemy.y); shot >= 0) {
          gone = true;
          s.shots.remove(shot);
          ++turn.reward;
        }
      }
      if (armed && enemy.reload > 0) {
        --enemy.reload;
      } else if (armed) {
        enemy.reload = kShotInterval;
        s.torpedoes.add(enemy.x, enemy.y, enemy.right != 0);
      }
      if (gone) herd.remove(i);
    }
  }

  void move_torpedoes(Turn& turn) {
    auto& torpedoes = state_.torpedoes;
    for (int i = torpedoes.count - 1; i >= 0; --i) {
      if (at_player(torpedoes[i])) turn.over = true;
      advance(torpedoes[i]);
      if (outside(torpedoes[i])) {
        torpedoes.remove(i);
      } else if (at_player(torpedoes[i])) {
        turn.over = true;
      }
    }
  }

  // MinAtar takes one diver off after it has paid for six, so that -1 are left, and counts on from there.
  int surface() {
    SeaquestState& s = state_;
    s.surfaced = 1;
    int reward = 0;
    if (s.crew == kCrew) {
      s.crew = 0;
      reward = s.oxygen * 10 / kOxygen;
    }
    s.oxygen = kOxygen;
    --s.crew;
    if (ramping_ && (s.enemy_interval > 1 || s.move_interval > 2)) {
      if (s.move_interval > 2 && s.ramps % 2 != 0) --s.move_interval;
      if (s.enemy_interval > 1) --s.enemy_interval;
      ++s.ramps;
    }
    return reward;
  }

  // None comes into a row in which another one swims the other way.
  void spawn_enemy(RandomState& random) {
    SeaquestState& s = state_;
    const bool right = random.rand() < 1.0 / 2, armed = random.rand() < 1.0 / 3;
    const int y = 1 + random.randint(8);
    auto opposite = [&](const Thing& t) { return t.y == y && (t.right != 0) != right; };
    if (std::ranges::any_of(s.subs.all(), opposite) || std::ranges::any_of(s.fish.all(), opposite)) return;
    if (armed) {
      s.subs.add(right ? 0 : 9, y, right, s.move_interval, kShotInterval);
    } else {
      s.fish.add(right ? 0 : 9, y, right, s.move_interval);
    }
  }

  static void show_moving(Planes& planes, int channel, std::span<const Thing> things) {
    for (const Thing& thing : things) {
      planes.set(channel, thing.x, thing.y);
      planes.set_inside(3, thing.x + (thing.right != 0 ? -1 : 1), thing.y);
    }
  }

  bool ramping_;
};

}  // namespace

std::unique_ptr<Game> make_seaquest(bool ramping) {
  return std::make_unique<Seaquest>(ramping);
}

}  // namespace dream::minatar
