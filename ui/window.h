#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/engine.h"

namespace dream::ui {

struct Ui;

struct WindowOptions {
  std::string title = "Dreamscope";
  int width = 1600, height = 900;
  /// Where layouts and settings are remembered; empty: the user's own place; "-": nowhere.
  std::filesystem::path settings_directory;
  std::string workspace;             // "" = as remembered
  std::filesystem::path screenshot;  // written after `screenshot_frame` frames, for scripted captures
  int screenshot_frame = 60;
  int max_frames = 0;                       // close by itself after so many; 0 = never
  double frame_rate = 60;                   // at most; 0 = unlimited
  const std::atomic<bool>* quit = nullptr;  // set from outside (Ctrl-C): closes within a frame
  std::function<void()> after_swap;         // called once a frame
};

/// The window: GLFW, OpenGL 3.3, ImGui. One thread makes, drives and destroys it. It reads the engine's latest snapshot
/// once a frame and never waits for the engine.
class Window {
 public:
  /// Throws dream::Error when no window can be opened (no display, no OpenGL 3.3).
  Window(Engine& engine, WindowOptions options);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  bool frame();  // draws one frame and keeps the pace; false when the window is to close
  void drop(const std::vector<std::string>& paths);    // what dropping files on the window does
  bool screenshot(const std::filesystem::path& file);  // of the last frame, as PNG; false when it cannot be written
  Ui& ui();

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

/// Opens the window and returns its exit code when it is closed.
int run_window(Engine& engine, const WindowOptions& options);

}  // namespace dream::ui
