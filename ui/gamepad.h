#pragma once
#include <optional>

struct GLFWgamepadstate;

namespace dream::ui {

/// What a gamepad says now.
struct PadState {
  float x = 0, y = 0;        // the left stick, -1 … 1: right and up
  float gas = 0, brake = 0;  // the right and the left trigger, 0 … 1
  bool left = false, right = false, up = false, down = false;  // the cross
  bool a = false, b = false;                                   // the lower and the right button
};

PadState to_pad(const GLFWgamepadstate& state);

/// The first gamepad that is plugged in; none when there is none (or no longer).
std::optional<PadState> read_gamepad();

}  // namespace dream::ui
