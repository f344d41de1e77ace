#include "tests/ui/offscreen.h"

#define GL_GLEXT_PROTOTYPES
#define GLFW_INCLUDE_GLEXT
#include <GLFW/glfw3.h>

#include <cstring>
#include <stdexcept>

#include "backends/imgui_impl_opengl3.h"
#include "implot.h"

namespace dream::ui {

Offscreen::Offscreen(int width, int height, bool dark) : width_(width), height_(height) {
  if (!glfwInit()) throw std::runtime_error("These tests need a display; scripts/test gives them a virtual one.");
  glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  window_ = glfwCreateWindow(64, 64, "offscreen", nullptr, nullptr);
  if (!window_) throw std::runtime_error("No OpenGL 3.3 here.");
  glfwMakeContextCurrent(window_);
  glGenTextures(1, &texture_);
  glBindTexture(GL_TEXTURE_2D, texture_);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, nullptr);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glGenFramebuffers(1, &framebuffer_);
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer_);
  glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture_, 0);
  if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) throw std::runtime_error("No framebuffer.");

  ImGui::CreateContext();
  ImPlot::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;
  ImGui::GetIO().DisplaySize = {static_cast<float>(width), static_cast<float>(height)};
  ImGui_ImplOpenGL3_Init("#version 330");
  ui_ = std::make_unique<Ui>(engine_);
  ui_->snapshot = engine_.latest();
  ui_->settings.dark = dark;
  ui_->fonts = load_fonts();
  apply_theme(dark, 1);
}

Offscreen::~Offscreen() {
  ui_.reset();
  ImGui_ImplOpenGL3_Shutdown();
  ImPlot::DestroyContext();
  ImGui::DestroyContext();
  glDeleteFramebuffers(1, &framebuffer_);
  glDeleteTextures(1, &texture_);
  glfwDestroyWindow(window_);
  glfwTerminate();
}

Image Offscreen::draw(const std::function<void(Ui&)>& content) {
  Image out{width_, height_, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width_) * height_ * 3)};
  for (int i = 0; i < 4; ++i) {
    ImGui::GetIO().DeltaTime = 1.0f / 60;
    ImGui_ImplOpenGL3_NewFrame();
    ImGui::NewFrame();
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize({static_cast<float>(width_), static_cast<float>(height_)});
    ImGui::Begin("##all", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoSavedSettings);
    content(*ui_);
    ImGui::End();
    ImGui::Render();
    glBindFramebuffer(GL_FRAMEBUFFER, framebuffer_);
    glViewport(0, 0, width_, height_);
    glClearColor(0, 0, 0, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  }
  std::vector<std::uint8_t> rows(out.pixels.size());
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, width_, height_, GL_RGB, GL_UNSIGNED_BYTE, rows.data());
  const std::size_t row = static_cast<std::size_t>(width_) * 3;
  for (int y = 0; y < height_; ++y)
    std::memcpy(&out.pixels[static_cast<std::size_t>(y) * row], &rows[static_cast<std::size_t>(height_ - 1 - y) * row],
                row);
  return out;
}

}  // namespace dream::ui
