#include "ui/gamepad.h"

#include <GLFW/glfw3.h>

#include <algorithm>

namespace dream::ui {

PadState to_pad(const GLFWgamepadstate& state) {
  const auto trigger = [&](int axis) { return std::clamp((state.axes[axis] + 1) / 2, 0.0f, 1.0f); };
  const auto down = [&](int button) { return state.buttons[button] == GLFW_PRESS; };
  PadState pad;
  pad.x = std::clamp(state.axes[GLFW_GAMEPAD_AXIS_LEFT_X], -1.0f, 1.0f);
  pad.y = std::clamp(-state.axes[GLFW_GAMEPAD_AXIS_LEFT_Y], -1.0f, 1.0f);  // GLFW's points down
  pad.gas = trigger(GLFW_GAMEPAD_AXIS_RIGHT_TRIGGER), pad.brake = trigger(GLFW_GAMEPAD_AXIS_LEFT_TRIGGER);
  pad.left = down(GLFW_GAMEPAD_BUTTON_DPAD_LEFT), pad.right = down(GLFW_GAMEPAD_BUTTON_DPAD_RIGHT);
  pad.up = down(GLFW_GAMEPAD_BUTTON_DPAD_UP), pad.down = down(GLFW_GAMEPAD_BUTTON_DPAD_DOWN);
  pad.a = down(GLFW_GAMEPAD_BUTTON_A), pad.b = down(GLFW_GAMEPAD_BUTTON_B);
  return pad;
}

std::optional<PadState> read_gamepad() {
  for (int id = GLFW_JOYSTICK_1; id <= GLFW_JOYSTICK_LAST; ++id) {
    GLFWgamepadstate state;
    if (glfwJoystickIsGamepad(id) && glfwGetGamepadState(id, &state)) return to_pad(state);
  }
  return std::nullopt;
}

}  // namespace dream::ui
