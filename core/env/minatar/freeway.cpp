#include <algorithm>
#include <cstdlib>

#include "core/env/minatar/game.h"

namespace dream::minatar {
namespace {

constexpr int kCars = 8, kColumn = 4, kPause = 3, kTime = 2500;

/// A chicken crosses eight lanes, one step in three; the other side is worth 1 and gives the cars new speeds, a car
/// sends it back. Ends after 2500 steps.
struct FreewayState {
  struct Car {
    std::int32_t x, wait, speed;  // moves every |speed| + 1 steps, right when positive
  };
  std::array<Car, kCars> cars;  // cars[i] is in row i + 1
  std::int32_t chicken, pause, time_left;
};

class Freeway final : public GameOf<FreewayState> {
 public:
  Facts facts() const override {
    return {"MinAtarFreeway",
            {"chicken", "car", "speed1", "speed2", "speed3", "speed4", "speed5"},
            {Act::none, Act::up, Act::down}};
  }

  void reset(RandomState& random) override {
    state_ = {};
    draw_speeds(random);
    state_.chicken = 9;
    state_.pause = kPause;
    state_.time_left = kTime;
  }

  Turn act(Act act, RandomState& random) override {
    FreewayState& s = state_;
    Turn turn;
    if ((act == Act::up || act == Act::down) && s.pause == 0) {
      s.pause = kPause;
      s.chicken = std::clamp(s.chicken + (act == Act::up ? -1 : 1), 0, 9);
    }
    if (s.chicken == 0) {
      turn.reward = 1;
      draw_speeds(random);
      s.chicken = 9;
    }
    for (int i = 0; i < kCars; ++i) {
      auto& car = s.cars[i];
      auto hit = [&] {
        if (car.x == kColumn && s.chicken == i + 1) s.chicken = 9;
      };
      hit();
      if (car.wait == 0) {
        car.wait = std::abs(car.speed);
        car.x = (car.x + (car.speed > 0 ? 1 : kSide - 1)) % kSide;
        hit();
      } else {
        --car.wait;
      }
    }
    if (s.pause > 0) --s.pause;
    turn.over = --s.time_left < 0;
    return turn;
  }

  void show(Planes planes) const override {
    planes.set(0, kColumn, state_.chicken);
    for (int i = 0; i < kCars; ++i) {
      const auto& car = state_.cars[i];
      planes.set(1, car.x, i + 1);
      planes.set(1 + std::abs(car.speed), (car.x + (car.speed > 0 ? kSide - 1 : 1)) % kSide, i + 1);
    }
  }

  bool plausible(bool) const override {
    const FreewayState& s = state_;
    for (const auto& car : s.cars) {
      if (!within(0, 9, car.x) || !within(0, 5, car.wait) || !within(-5, 5, car.speed) || car.speed == 0) return false;
    }
    return within(1, 9, s.chicken) && within(0, kPause, s.pause) && within(-1, kTime, s.time_left);
  }

 private:
  void draw_speeds(RandomState& random) {
    for (auto& car : state_.cars) car.speed = car.wait = 1 + random.randint(5);
    for (auto& car : state_.cars) {
      if (random.rand() < 0.5) car.speed = -car.speed;
    }
  }
};

}  // namespace

std::unique_ptr<Game> make_freeway() {
  return std::make_unique<Freeway>();
}

}  // namespace dream::minatar
