#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The dream stands on the real frame again every so many steps; 0: the dream leads, never corrected. And the other way
/// round, 0 for whatever else.
SetCoupling anchored_every(int steps);
int anchor_of(const DreamView& dream);

/// How dream and real world are tied together, in words: "re-anchored every 10 steps".
std::string coupling_text(const DreamView& dream);

/// A row of controls: the choice of it, the reality pill, and whether the real world is shown at all.
void draw_coupling(Ui& ui, const DreamView& dream, float width);

}  // namespace dream::ui
