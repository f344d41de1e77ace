#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/engine.h"
#include "ui/gamepad.h"

namespace dream::ui {

struct Ui;

struct WindowOptions {
  std::string title = "Dreamscope";
  int width = 0, height = 0;  // 0: as remembered, else 1600 x 900
  /// Where layouts and settings are remembered; empty: the user's own place; "-": nowhere.
  std::filesystem::path settings_directory;
  std::filesystem::path lessons;     // the folder of the shipped ones
  std::filesystem::path lesson;      // opened once a dream runs; empty = none
  int lesson_step = -1;              // from 0; -1: where it was left
  std::string workspace;             // "" = as remembered
  bool home = false;                 // begin at the wall of worlds
  std::filesystem::path screenshot;  // written after `screenshot_frame` frames, for scripted captures
  int screenshot_frame = 60;
  int max_frames = 0;                       // close by itself after so many; 0 = never
  double max_seconds = 0;                   // the same, in seconds
  std::filesystem::path report;             // what Report measured is written there at the end, as JSON
  double frame_rate = 60;                   // at most; 0 = unlimited
  const std::atomic<bool>* quit = nullptr;  // set from outside (Ctrl-C): closes within a frame
  std::function<void()> after_swap;         // called once a frame
  std::function<void()> lower_priority;     // of the thread that calls it: one that may wait for the drawing
  /// What a gamepad says now, or nothing where there is none; unset: the first one that is plugged in.
  std::function<std::optional<PadState>()> gamepad;
  /// Whether the keyboard is this window's; unset: as the system says.
  std::function<bool()> has_keyboard;
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
  long frames() const;         // drawn so far
  std::string report() const;  // see Report::json

 private:
  struct Inside;
  std::unique_ptr<Inside> in_;
};

/// Opens the window and returns its exit code when it is closed. Throws dream::Error when it cannot be opened, or the
/// picture or the report that was asked for cannot be written.
int run_window(Engine& engine, const WindowOptions& options);

}  // namespace dream::ui
