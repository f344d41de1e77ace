#pragma once
#include "tests/ui/fake_engine.h"
#include "tests/ui/user_flow.h"
#include "ui/ui.h"

namespace dream::ui {

/// A user before the window over the scripted engine.
class Flow : public UserFlow {
 protected:
  Engine& behind() override { return engine; }
  void after_frame() override { engine.tick(); }

  FakeEngine engine;
};

}  // namespace dream::ui
