#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "imgui.h"
#include "imgui_te_context.h"
#include "imgui_te_engine.h"
#include "tests/ui/fake_engine.h"
#include "ui/ui.h"
#include "ui/window.h"

namespace dream::ui {

/// A user before the window: a real GLFW window over the fake engine, worked by the ImGui Test Engine.
class Flow : public testing::Test {
 protected:
  void TearDown() override;

  /// Opens the window (1600 x 900, nothing remembered unless `settings` is given).
  void open(const std::string& workspace = "play", const std::filesystem::path& settings = "-");
  void close();

  /// Runs `user` while the window draws frames; a reference that is not found fails the test.
  void act(const std::function<void(ImGuiTestContext*)>& user);

  /// A folder of this test's own, removed at its end.
  std::filesystem::path folder();

  FakeEngine engine;
  std::unique_ptr<Window> window;
  std::filesystem::path lessons = DREAMSCOPE_SOURCE_DIR "/assets/lessons";  // the shipped ones
  std::optional<PadState> pad;  // the gamepad, when one is plugged in

 private:
  ImGuiTestEngine* test_engine_ = nullptr;
  std::filesystem::path folder_;
};

}  // namespace dream::ui
