#pragma once
#include <memory>

#include "core/base/rng.h"
#include "core/env/car_racing/car.h"
#include "core/env/car_racing/painter.h"
#include "core/env/car_racing/track.h"
#include "core/env/env.h"

namespace dream {

struct CarRacingOptions {
  bool continuous = true;         // steer, gas, brake; otherwise nothing, right, left, gas, brake
  bool domain_randomize = false;  // other colours in every episode
  double lap_complete_percent = 0.95;
};

/// Gymnasium's CarRacing-v3 (version 1.2.3): the same track for the same seed, the same trajectory and rewards for the
/// same actions, the same 96 x 96 picture up to anti-aliasing. Truncates after 1000 steps, as the registered
/// environment does. Diagnostics: pose [3] (x, y, angle of the hull), track [N, 4] (alpha, beta, x, y).
class CarRacing final : public Env {
 public:
  explicit CarRacing(CarRacingOptions options = {});
  ~CarRacing() override;

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override;
  StepResult step(std::span<const float> action) override;
  void observe_image(std::span<std::uint8_t> out) override;
  void render(int width, int height, std::span<std::uint8_t> out) override;
  std::vector<std::byte> save_state() const override;
  void load_state(std::span<const std::byte> state) override;
  std::vector<NamedArray> diagnostics() const override;
  bool expert(std::span<float> action) const override;  // for continuous actions

 private:
  /// What a seed decides.
  struct Episode {
    std::uint64_t seed = 0;
    car_racing::Palette palette;
    car_racing::Track track;
  };
  /// What a step changes.
  struct Progress {
    car_racing::Car car;
    std::vector<std::uint8_t> visited;    // per tile: a wheel has been there
    std::vector<std::uint8_t> repainted;  // per tile: any part of the car has been there
    std::int32_t visited_count = 0, steps = 0;
    double reward = 0, previous_reward = 0, time = 0;
    bool new_lap = false, done = false;
    template <class Archive>
    void visit(Archive& archive);
  };

  Episode make_episode(std::uint64_t seed) const;
  void advance();
  void find_contacts();
  car_racing::Scene scene() const;
  void check_started(const char* what) const;

  CarRacingOptions options_;
  Spaces spaces_;
  std::shared_ptr<const Episode> episode_;  // null before the first reset
  Progress progress_;
  car_racing::Painter observation_;
  std::unique_ptr<car_racing::Painter> people_;  // made at the size that was asked for last
};

}  // namespace dream
