#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The wall of worlds, in the place of all panels while Ui::show_home: every run as a small dream that goes on, with
/// its model, its world, how long it is honest and what its agent scores. Fills Ui::wanted_previews.
void draw_home(Ui& ui, ImVec2 pos, ImVec2 size);

/// Whether keys choose and search on the wall: not while a card is driven in its place.
bool home_takes_keys(const Ui& ui);

}  // namespace dream::ui
