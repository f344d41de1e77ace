#pragma once
#include <filesystem>

#include "ui/ui.h"

struct GLFWwindow;

namespace dream::ui {

/// A part of the window, as it has just been drawn, as PNG. False when the file cannot be written.
bool save_pixels(GLFWwindow* window, const std::filesystem::path& file, ImVec2 min, ImVec2 max);

/// The pictures that this frame was asked for, before it is shown: afterwards the back buffer is undefined. Where they
/// went stands in the log.
void save_what_is_wanted(Ui& ui, GLFWwindow* window);

}  // namespace dream::ui
