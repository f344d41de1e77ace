#pragma once

struct GLFWwindow;

namespace dream::ui {

/// Draws Dreamscope's icon (a violet pane with a road that runs into a pale moon) and gives it to the window.
void set_window_icon(GLFWwindow* window);

}  // namespace dream::ui
