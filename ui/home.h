#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The wall of worlds, in the place of all panels while Ui::show_home: every run as a small dream that goes on, with
/// its model, its world, how long it is honest and what its agent scores. Fills Ui::wanted_previews.
void draw_home(Ui& ui, ImVec2 pos, ImVec2 size);

}  // namespace dream::ui
