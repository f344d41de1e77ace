#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/live/live_engine.h"
#include "tests/ui/user_flow.h"
#include "ui/ui.h"

namespace dream::ui {

/// A user before the window over the engine itself and the shipped runs. With DREAMSCOPE_PICTURES=DIR in the environment
/// the window's pictures are written there.
class LiveFlow : public UserFlow {
 protected:
  void SetUp() override;
  void TearDown() override;
  Engine& behind() override { return *engine; }
  void after_frame() override;

  const DreamView& dream() { return window->ui().dream(); }
  /// Draws frames until it is so. The time is no measure, but the end of a hang: it fails the test, with `what`.
  bool until(ImGuiTestContext* ctx, const std::string& what, const std::function<bool()>& so, double seconds = 120);
  /// A shipped run, opened and dreaming.
  void enter(ImGuiTestContext* ctx, const std::string& run);
  void picture(ImGuiTestContext* ctx, const std::string& name);

  std::unique_ptr<LiveEngine> engine;

 private:
  std::string wanted_picture_;
};

/// Assets of the source tree.
std::filesystem::path assets();

}  // namespace dream::ui
