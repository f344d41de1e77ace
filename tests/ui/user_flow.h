#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/engine.h"
#include "imgui.h"
#include "imgui_te_context.h"
#include "imgui_te_engine.h"
#include "ui/window.h"

namespace dream::ui {

/// A user before the window: a real GLFW window over some engine, worked by the ImGui Test Engine.
class UserFlow : public testing::Test {
 protected:
  void TearDown() override;

  virtual Engine& behind() = 0;   // the window
  virtual void after_frame() {}   // on the window's thread

  /// Opens the window (1600 x 900, nothing remembered unless `settings` is given).
  void open(const std::string& workspace = "play", const std::filesystem::path& settings = "-");
  void close();

  /// Runs `user` while the window draws frames; a reference that is not found fails the test.
  void act(const std::function<void(ImGuiTestContext*)>& user);

  /// A folder of this test's own, removed at its end.
  std::filesystem::path folder();

  std::unique_ptr<Window> window;
  std::filesystem::path lessons = DREAMSCOPE_SOURCE_DIR "/assets/lessons";  // the shipped ones
  std::optional<PadState> pad;  // the gamepad, when one is plugged in
  int width = 0, height = 0;    // of the window, when another is wanted
  int most_frames = 5000;       // that a user may need

 private:
  ImGuiTestEngine* test_engine_ = nullptr;
  std::filesystem::path folder_;
};

}  // namespace dream::ui
