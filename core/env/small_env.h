#pragma once
#include <cmath>
#include <string>

#include "core/base/rng.h"
#include "core/env/env.h"
#include "core/env/paint.h"

namespace dream {

/// What environments share whose whole state is a few numbers that the seed begins and only actions change: order of
/// calls, checks of what comes in, the time limit, saved states. A derived class says the rules and how to paint.
class SmallEnv : public Env {
 public:
  const Spaces& spaces() const final { return spaces_; }
  void reset(std::uint64_t seed) final;
  StepResult step(std::span<const float> action) final;
  void observe_image(std::span<std::uint8_t> out) final;
  void observe_vector(std::span<float> out) final;
  void render(int width, int height, std::span<std::uint8_t> out) final;
  std::vector<std::byte> save_state() const final;
  void load_state(std::span<const std::byte> state) final;
  std::vector<NamedArray> diagnostics() const final;

 protected:
  struct Outcome {
    float reward = 0;
    bool terminated = false;
    float cost = 0;
  };
  static constexpr std::size_t kMostAxes = 8;
  /// `name` stands in messages and in saved states; the action has at most `kMostAxes` axes.
  SmallEnv(std::string name, Spaces spaces);

  virtual void begin(Rng& rng) = 0;
  /// `action` has a value per axis, finite and within its bounds; a discrete one is whole.
  virtual Outcome advance(std::span<const float> action) = 0;
  virtual void write_vector(std::span<float> out) const = 0;
  virtual void paint_observation(paint::Canvas& canvas) const = 0;
  virtual void paint_people(paint::Canvas& canvas) const { paint_observation(canvas); }
  /// The state as numbers, always as many.
  virtual std::vector<double> numbers() const = 0;
  /// Takes them back, `numbers` as many and finite; false, and changes nothing, when no episode can have them.
  virtual bool take(std::span<const double> numbers, int steps, bool done) = 0;
  virtual std::vector<NamedArray> describe() const { return {}; }

  /// Of this episode, before the one that advance() makes.
  int steps() const { return steps_; }

 private:
  void check_started(const char* what) const;
  void check_size(const char* what, std::size_t found, std::size_t expected) const;

  std::string name_;
  Spaces spaces_;
  std::int32_t steps_ = 0;
  bool started_ = false, done_ = false;
};

/// A whole number from `low` to `high` that a saved state holds as a double.
inline bool whole_within(double value, int low, int high) {
  return value >= low && value <= high && value == std::floor(value);
}

}  // namespace dream
