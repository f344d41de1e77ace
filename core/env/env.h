#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/spaces.h"

namespace dream {

/// What a step gives besides the observation. `terminated` is the task's own end, `truncated` the time limit's,
/// as in Gymnasium.
struct StepResult {
  float reward = 0;
  bool terminated = false;
  bool truncated = false;
  float cost = 0;  // of a world with spaces().costs
  bool done() const { return terminated || truncated; }
};

/// What costs are called wherever steps are written down.
inline constexpr const char* cost_column = "cost";

/// A piece of the simulator's true state, for traces and analyses: "pose" [3], "track" [N, 4] …
struct NamedArray {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> values;  // row-major
  bool each_step = true;       // false: fixed for the whole episode
};

/// Of a world that cannot be entered on this machine.
struct Away {
  std::string why;    // a sentence
  std::string clips;  // a dataset's folder: episodes that were recorded where it could be
};

/// An environment. Torch-free; step() and observe() allocate nothing, and observations go into the caller's
/// memory, so that a vector of environments fills one batch, lane by lane. Not thread-safe: one owner at a time.
class Env {
 public:
  virtual ~Env() = default;

  virtual const Spaces& spaces() const = 0;
  /// Where nobody can enter this world on this machine, why, and what is there in its place; then spaces() is all that there is of
  /// it, and all else throws dream::Error. Null where one can.
  virtual const Away* away() const { return nullptr; }

  /// Starts an episode. The same seed gives the same episode under the same actions.
  virtual void reset(std::uint64_t seed) = 0;

  /// `action` has spaces().action.size() values; values outside the bounds are clamped. Throws dream::Error when
  /// the size is wrong, a value is not finite, or the episode is over.
  virtual StepResult step(std::span<const float> action) = 0;

  /// For worlds that live in another process: whoever drives several may tell each what is to come, and then call step() or reset()
  /// of each with the same, so that they move at once. Nothing else is called in between.
  virtual void begin_reset(std::uint64_t seed) { (void)seed; }
  virtual void begin_step(std::span<const float> action) { (void)action; }

  /// Writes the current observation: spaces().image_bytes() bytes (H x W x C, row-major), if any.
  virtual void observe_image(std::span<std::uint8_t> out) = 0;
  /// spaces().vector_names.size() floats, if any.
  virtual void observe_vector(std::span<float> out) { (void)out; }

  /// The world drawn for people, at any size, RGB (width x height x 3).
  virtual void render(int width, int height, std::span<std::uint8_t> out) = 0;

  /// The whole state: after load_state the same actions give the same future, bit for bit.
  /// load_state throws dream::Error on foreign or damaged bytes and leaves the environment as it was.
  virtual std::vector<std::byte> save_state() const = 0;
  virtual void load_state(std::span<const std::byte> state) = 0;

  /// What the simulator knows and the observation does not show; empty where there is nothing to tell.
  virtual std::vector<NamedArray> diagnostics() const { return {}; }

  /// Within an episode: the agent stands, at rest, at a place of the picture as render() shows it, x to the right and y down,
  /// 0 to 1; all else stays. False, and nothing changes, where nobody can stand. Of worlds with spaces().places.
  virtual bool stand_at(double x, double y) {
    (void)x, (void)y;
    return false;
  }

  /// Of worlds with spaces().goals: the picture that is to be reached, as observe_image() would show it.
  virtual void observe_goal(std::span<std::uint8_t> out) { (void)out; }
  /// Within an episode: what is to be reached is the agent at this place, as stand_at() counts. False, and nothing changes,
  /// where nobody can stand.
  virtual bool goal_at(double x, double y) {
    (void)x, (void)y;
    return false;
  }

  /// What a driver who knows the simulator's state would do now, for others to imitate: spaces().action.size() values.
  /// False, and nothing is written, where nobody has written such a driver.
  virtual bool expert(std::span<float> action) const {
    (void)action;
    return false;
  }
};

}  // namespace dream
