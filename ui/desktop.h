#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "ui/settings.h"
#include "ui/theme.h"

struct GLFWwindow;

namespace dream::ui {

/// The work areas of the screens, the main one first.
std::vector<Area> screens();

/// The window where it was, on the screens that there are now, or of the size that is given (0: none). Null when there
/// is none to be had. The hints for its context are set before.
GLFWwindow* make_window(const Settings& settings, const std::string& title, int width, int height);

/// Where it stands now; a maximised one keeps the place that it comes back to.
void remember_place(GLFWwindow* window, Settings& settings);

/// The window fills the screen that it is on; or it is back in its place.
void fill_screen(GLFWwindow* window, bool on, Settings& settings);

/// A docked panel's place.
struct Ground {
  ImVec2 pos, size;
};
/// Clears the window, and the docked panels in their own colour. A cleared rectangle costs a software renderer a tenth
/// of a blended, textured one of the same size, and the panels cover half of the window.
void paint_grounds(GLFWwindow* window, const std::vector<Ground>& grounds, const Palette& colours);

/// Where the user keeps pictures, as the desktop says (XDG) or by the usual name; else the home folder.
std::filesystem::path pictures_directory();

/// A name that is still free there, with today's date and `what` is in it.
std::filesystem::path screenshot_path(std::string what = "", const std::string& extension = ".png");

}  // namespace dream::ui
