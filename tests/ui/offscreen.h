#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "api/value.h"
#include "tests/ui/fake_engine.h"
#include "ui/ui.h"

struct GLFWwindow;

namespace dream::ui {

/// Draws ImGui into a framebuffer of a fixed size, without a visible window.
class Offscreen {
 public:
  Offscreen(int width, int height, bool dark);
  ~Offscreen();
  Offscreen(const Offscreen&) = delete;
  Offscreen& operator=(const Offscreen&) = delete;

  /// Draws a few frames (fonts and plots settle) and gives the last one's pixels, RGB, first row on top.
  Image draw(const std::function<void(Ui&)>& content);

 private:
  int width_, height_;
  GLFWwindow* window_ = nullptr;
  unsigned framebuffer_ = 0, texture_ = 0;
  FakeEngine engine_;
  std::unique_ptr<Ui> ui_;
};

}  // namespace dream::ui
