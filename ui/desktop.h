#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "ui/settings.h"

struct GLFWwindow;

namespace dream::ui {

/// The work areas of the screens, the main one first.
std::vector<Area> screens();

/// The window where it was, on the screens that there are now, or of the size that is given (0: none). Null when there
/// is none to be had. The hints for its context are set before.
GLFWwindow* make_window(const Settings& settings, const std::string& title, int width, int height);

/// Where it stands now; a maximised one keeps the place that it comes back to.
void remember_place(GLFWwindow* window, Settings& settings);

/// A name that is still free, with today's date and `what` is in it, in the user's pictures or where the program was
/// started.
std::filesystem::path screenshot_path(std::string what = "", const std::string& extension = ".png");

}  // namespace dream::ui
