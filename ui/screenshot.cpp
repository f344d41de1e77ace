#include "ui/screenshot.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ui/desktop.h"
#include "ui/panel_picture.h"
#include "ui/png.h"

namespace dream::ui {

bool save_pixels(GLFWwindow* window, const std::filesystem::path& file, ImVec2 min, ImVec2 max) {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window, &width, &height);
  const ImVec2 density = ImGui::GetIO().DisplayFramebufferScale;
  const int left = std::clamp(static_cast<int>(min.x * density.x), 0, width),
            top = std::clamp(static_cast<int>(min.y * density.y), 0, height);
  const int wide = std::clamp(static_cast<int>(max.x * density.x), left, width) - left,
            high = std::clamp(static_cast<int>(max.y * density.y), top, height) - top;
  std::vector<unsigned char> pixels(static_cast<std::size_t>(wide) * static_cast<std::size_t>(high) * 3);
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(left, height - top - high, wide, high, GL_RGB, GL_UNSIGNED_BYTE, pixels.data());
  return wide > 0 && high > 0 && write_png(file, wide, high, pixels, true);
}

void save_what_is_wanted(Ui& ui, GLFWwindow* window) {
  const auto save = [&](const std::string& what, ImVec2 min, ImVec2 max) {
    const std::filesystem::path file = screenshot_path(what);
    const bool saved = save_pixels(window, file, min, max);
    ui.say(saved ? "Picture saved: " + file.string() : "The picture could not be written to " + file.string() + ".");
  };
  if (std::exchange(ui.want_screenshot, false)) save("", {0, 0}, ImGui::GetIO().DisplaySize);
  if (!ui.want_cutout || --ui.want_cutout->frames > 0) return;
  const Ui::Cutout part = *std::exchange(ui.want_cutout, std::nullopt);
  const Ground place = part.panel.empty() ? Ground{part.min, {part.max.x - part.min.x, part.max.y - part.min.y}}
                                          : place_of_panel(part.panel);
  save(part.what, place.pos, {place.pos.x + place.size.x, place.pos.y + place.size.y});
}

}  // namespace dream::ui
