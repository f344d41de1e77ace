#pragma once
#include "imgui_internal.h"
#include "tests/ui/fake_engine.h"
#include "tests/ui/user_flow.h"
#include "ui/ui.h"

namespace dream::ui {

/// A user before the window over the scripted engine.
class Flow : public UserFlow {
 protected:
  /// Whether the panel is drawn, and not behind another tab.
  static bool visible(const char* name) {
    const ImGuiWindow* window = ImGui::FindWindowByName(name);
    return window && window->WasActive && !window->Hidden;
  }

  Engine& behind() override { return engine; }
  void after_frame() override { engine.tick(); }

  FakeEngine engine;
};

}  // namespace dream::ui
