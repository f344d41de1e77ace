#include "ui/desktop.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>

#include "imgui.h"

namespace dream::ui {

void feed_gamepad() {
  for (int id = GLFW_JOYSTICK_1; id <= GLFW_JOYSTICK_LAST; ++id) {
    GLFWgamepadstate state;
    if (!glfwJoystickIsGamepad(id) || !glfwGetGamepadState(id, &state)) continue;
    ImGuiIO& io = ImGui::GetIO();
    const auto analog = [&](ImGuiKey key, float amount) { io.AddKeyAnalogEvent(key, amount > 0.1f, amount); };
    const auto button = [&](ImGuiKey key, int which) { io.AddKeyEvent(key, state.buttons[which] == GLFW_PRESS); };
    const float x = state.axes[GLFW_GAMEPAD_AXIS_LEFT_X];
    analog(ImGuiKey_GamepadLStickLeft, std::max(-x, 0.0f));
    analog(ImGuiKey_GamepadLStickRight, std::max(x, 0.0f));
    analog(ImGuiKey_GamepadR2, (state.axes[GLFW_GAMEPAD_AXIS_RIGHT_TRIGGER] + 1) / 2);
    analog(ImGuiKey_GamepadL2, (state.axes[GLFW_GAMEPAD_AXIS_LEFT_TRIGGER] + 1) / 2);
    button(ImGuiKey_GamepadDpadLeft, GLFW_GAMEPAD_BUTTON_DPAD_LEFT);
    button(ImGuiKey_GamepadDpadRight, GLFW_GAMEPAD_BUTTON_DPAD_RIGHT);
    button(ImGuiKey_GamepadDpadUp, GLFW_GAMEPAD_BUTTON_DPAD_UP);
    button(ImGuiKey_GamepadDpadDown, GLFW_GAMEPAD_BUTTON_DPAD_DOWN);
    button(ImGuiKey_GamepadFaceDown, GLFW_GAMEPAD_BUTTON_A);
    button(ImGuiKey_GamepadFaceRight, GLFW_GAMEPAD_BUTTON_B);
    return;
  }
}

std::vector<Area> screens() {
  std::vector<Area> all;
  int count = 0;
  GLFWmonitor** monitors = glfwGetMonitors(&count);
  for (int i = 0; i < count; ++i) {
    Area area;
    glfwGetMonitorWorkarea(monitors[i], &area.x, &area.y, &area.width, &area.height);
    if (area.width > 0 && area.height > 0) all.push_back(area);
  }
  return all;
}

std::filesystem::path screenshot_path() {
  char name[64];
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (const std::tm* found = std::localtime(&now)) local = *found;
  std::strftime(name, sizeof name, "dreamscope-%Y%m%d-%H%M%S", &local);
  std::filesystem::path folder = std::filesystem::current_path();
  std::error_code error;
  if (const char* home = std::getenv("HOME")) {
    const std::filesystem::path pictures = std::filesystem::path(home) / "Pictures";
    if (std::filesystem::is_directory(pictures, error)) folder = pictures;
  }
  std::filesystem::path file = folder / (std::string(name) + ".png");
  for (int i = 2; std::filesystem::exists(file, error); ++i)
    file = folder / (std::string(name) + "-" + std::to_string(i) + ".png");
  return file;
}

}  // namespace dream::ui
