#include "ui/desktop.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>

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

void fill_screen(GLFWwindow* window, bool on, Settings& settings) {
  if (!on) {
    const Area& back = settings.place;
    glfwSetWindowMonitor(window, nullptr, back.x, back.y, back.width, back.height, GLFW_DONT_CARE);
    if (settings.maximised) glfwMaximizeWindow(window);
    return;
  }
  remember_place(window, settings);
  int x = 0, y = 0, width = 0, height = 0, count = 0;
  glfwGetWindowPos(window, &x, &y);
  glfwGetWindowSize(window, &width, &height);
  GLFWmonitor** monitors = glfwGetMonitors(&count);
  GLFWmonitor* chosen = count > 0 ? monitors[0] : nullptr;
  for (int i = 0; i < count; ++i) {
    int left = 0, top = 0;
    glfwGetMonitorPos(monitors[i], &left, &top);
    const GLFWvidmode* mode = glfwGetVideoMode(monitors[i]);
    const int across = x + width / 2 - left, down = y + height / 2 - top;
    if (across >= 0 && down >= 0 && across < mode->width && down < mode->height) chosen = monitors[i];
  }
  if (!chosen) return;
  const GLFWvidmode* mode = glfwGetVideoMode(chosen);
  glfwSetWindowMonitor(window, chosen, 0, 0, mode->width, mode->height, mode->refreshRate);
}

void paint_grounds(GLFWwindow* window, const std::vector<Ground>& grounds, const Palette& colours) {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window, &width, &height);
  glViewport(0, 0, width, height);
  const auto clear = [](ImU32 colour) {
    const ImVec4 c = to_vec(colour);
    glClearColor(c.x, c.y, c.z, 1);
    glClear(GL_COLOR_BUFFER_BIT);
  };
  clear(colours.background);
  const ImVec2 density = ImGui::GetIO().DisplayFramebufferScale;
  glEnable(GL_SCISSOR_TEST);
  for (const Ground& ground : grounds) {
    glScissor(static_cast<int>(ground.pos.x * density.x),
              height - static_cast<int>((ground.pos.y + ground.size.y) * density.y),
              static_cast<int>(ground.size.x * density.x), static_cast<int>(ground.size.y * density.y));
    clear(colours.panel);
  }
  glDisable(GL_SCISSOR_TEST);
}

std::filesystem::path pictures_directory() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  std::string home = set("HOME");
  if (home.empty()) home = set("USERPROFILE");
  std::string config = set("XDG_CONFIG_HOME"), pictures = set("XDG_PICTURES_DIR");
  if (config.empty()) config = home + "/.config";
  std::ifstream in(config + "/user-dirs.dirs");
  for (std::string line; pictures.empty() && std::getline(in, line);) {
    static constexpr std::string_view key = "XDG_PICTURES_DIR=\"";
    if (line.starts_with(key)) pictures = line.substr(key.size(), line.find('"', key.size()) - key.size());
  }
  if (pictures.starts_with("$HOME")) pictures = home + pictures.substr(5);
  std::error_code error;
  for (const std::string& folder : {pictures, home + "/Pictures", home})
    if (!folder.empty() && std::filesystem::is_directory(folder, error)) return folder;
  return std::filesystem::current_path();
}

std::filesystem::path screenshot_path(std::string what, const std::string& extension) {
  char name[64];
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (const std::tm* found = std::localtime(&now)) local = *found;
  std::strftime(name, sizeof name, "dreamscope-%Y%m%d-%H%M%S", &local);
  std::error_code error;
  const std::filesystem::path folder = pictures_directory();
  for (char& c : what)
    if (c == '/' || c == '\\' || c == ':') c = '-';
  const std::string stem = name + (what.empty() ? "" : "-" + what);
  std::filesystem::path file = folder / (stem + extension);
  for (int i = 2; std::filesystem::exists(file, error); ++i)
    file = folder / (stem + "-" + std::to_string(i) + extension);
  return file;
}

}  // namespace dream::ui
