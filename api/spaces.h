#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace dream {

/// A key that drives one axis of an action: holding `key` adds `value` on `axis`. The window draws and reads
/// these without knowing the environment. `key` is one of "left", "right", "up", "down", "a" … "z", "0" … "9",
/// "space".
struct KeyBinding {
  std::string key;
  int axis = 0;
  float value = 0;
  std::string label;  // "steer left"
};

/// A box (one bounded float per axis) or, when `choices` is not empty, one of n discrete actions. A discrete
/// action travels as a single float that holds its index.
struct ActionSpace {
  std::vector<std::string> axes;  // "steer", "gas", "brake"
  std::vector<float> low, high;   // per axis
  std::vector<std::string> choices;
  std::vector<KeyBinding> keys;
  std::vector<float> idle;  // the action of a driver who touches nothing, per axis

  bool discrete() const { return !choices.empty(); }
  std::size_t size() const { return discrete() ? 1 : axes.size(); }
};

/// What an environment shows. `image_*` are 0 where there is no picture, `vector_size` is 0 where there is no vector.
struct Spaces {
  int image_height = 0, image_width = 0, image_channels = 0;  // uint8, H x W x C
  std::vector<std::string> vector_names;                      // float32
  ActionSpace action;
  float natural_rate = 50;    // steps per second at which this world is watched and played: the window's 1×
  int max_episode_steps = 0;  // the time limit after which step() reports `truncated`; 0 = none
  int states = 0;             // of a world with so many states: the vector is then one number, the index of one; 0 = other
  bool places = false;        // Env::stand_at() knows places of the picture
  int state_columns = 0;      // with states: they lie in rows of so many, as a maze's cells; 0 = in no order
  bool costs = false;         // a step may cost beside what it rewards, as a hazard does
  float cost_limit = 0;       // with costs: what an episode may cost
  std::vector<std::string> tasks;  // of several worlds in turn: the episode of seed s is of task s mod n, the vector's first number

  std::size_t image_bytes() const { return static_cast<std::size_t>(image_height) * image_width * image_channels; }
};

}  // namespace dream
