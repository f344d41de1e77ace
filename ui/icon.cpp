#include "ui/icon.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace dream::ui {
namespace {

constexpr int size = 64;

/// Coverage of a shape by its signed distance in pixels: smooth at the edge.
float cover(float distance) {
  return std::clamp(0.5f - distance, 0.0f, 1.0f);
}

}  // namespace

void set_window_icon(GLFWwindow* window) {
  std::vector<unsigned char> pixels(static_cast<std::size_t>(size) * size * 4);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f, half = size / 2.0f;
      const float qx = std::max(std::abs(px - half) - (half - 15), 0.0f),
                  qy = std::max(std::abs(py - half) - (half - 15), 0.0f);
      const float pane = cover(std::hypot(qx, qy) - 14);
      const float moon = cover(std::hypot(px - half, py - 23) - 9);
      const float down = (py - 32) / 32;
      const float road = down > 0 ? cover(std::abs(px - half - 6 * std::sin(down * 3)) - (2 + 13 * down)) : 0;
      float rgb[3] = {167 - 60 * py / size, 139 - 70 * py / size, 250 - 60 * py / size};
      const auto lay = [&](float amount, float r, float g, float b) {
        rgb[0] += (r - rgb[0]) * amount, rgb[1] += (g - rgb[1]) * amount, rgb[2] += (b - rgb[2]) * amount;
      };
      lay(moon, 245, 240, 255);
      lay(road, 30, 24, 56);
      unsigned char* out = &pixels[static_cast<std::size_t>(y * size + x) * 4];
      for (int c = 0; c < 3; ++c) out[c] = static_cast<unsigned char>(rgb[c]);
      out[3] = static_cast<unsigned char>(pane * 255);
    }
  }
  const GLFWimage image{size, size, pixels.data()};
  glfwSetWindowIcon(window, 1, &image);
}

}  // namespace dream::ui
