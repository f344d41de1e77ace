#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// How dream and real world are tied together, in words: "re-anchored every 10 steps".
std::string coupling_text(const DreamView& dream);

/// The choice of it, within `width`, and the reality pill beside it.
void draw_coupling(Ui& ui, const DreamView& dream, float width);

}  // namespace dream::ui
