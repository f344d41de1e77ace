#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// How dream and real world are tied together, in words: "re-anchored every 10 steps".
std::string coupling_text(const DreamView& dream);

/// A row of controls: the choice of it, the reality pill, and whether the real world is shown at all.
void draw_coupling(Ui& ui, const DreamView& dream, float width);

}  // namespace dream::ui
