#include "ui/desktop.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>

namespace dream::ui {

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

GLFWwindow* make_window(const Settings& settings, const std::string& title, int width, int height) {
  const std::vector<Area> all = screens();
  const bool remembered = settings.place.width > 0 && width == 0 && height == 0;
  Area place = settings.place;
  if (!remembered) {
    place = {0, 0, width > 0 ? width : 1600, height > 0 ? height : 900};
    // A laptop's screen may be smaller than the window wants.
    if (!all.empty() && (all[0].width < place.width || all[0].height < place.height))
      glfwWindowHint(GLFW_MAXIMIZED, GLFW_TRUE);
    if (!all.empty())
      place.width = std::min(place.width, all[0].width), place.height = std::min(place.height, all[0].height);
    glfwWindowHint(GLFW_SCALE_TO_MONITOR, GLFW_TRUE);
  } else {
    place = fit_to_screens(place, all);
    glfwWindowHint(GLFW_MAXIMIZED, settings.maximised ? GLFW_TRUE : GLFW_FALSE);
    glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);  // until it stands in its place
  }
  GLFWwindow* window = glfwCreateWindow(place.width, place.height, title.c_str(), nullptr, nullptr);
  if (!window || !remembered) return window;
  glfwSetWindowPos(window, place.x, place.y);
  glfwShowWindow(window);
  return window;
}

void remember_place(GLFWwindow* window, Settings& settings) {
  if (glfwGetWindowAttrib(window, GLFW_ICONIFIED)) return;
  settings.maximised = glfwGetWindowAttrib(window, GLFW_MAXIMIZED) != 0;
  if (settings.maximised && settings.place.width > 0) return;  // the place to come back to stays known
  glfwGetWindowPos(window, &settings.place.x, &settings.place.y);
  glfwGetWindowSize(window, &settings.place.width, &settings.place.height);
}

std::filesystem::path screenshot_path(std::string what, const std::string& extension) {
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
  for (char& c : what)
    if (c == '/' || c == '\\' || c == ':') c = '-';
  const std::string stem = name + (what.empty() ? "" : "-" + what);
  std::filesystem::path file = folder / (stem + extension);
  for (int i = 2; std::filesystem::exists(file, error); ++i)
    file = folder / (stem + "-" + std::to_string(i) + extension);
  return file;
}

}  // namespace dream::ui
