#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// Over the window, while a file of PyTorch's waits (Snapshot::foreign): whether the program in it may run, or the weights in it,
/// to be looked at.
void draw_foreign(Ui& ui);

}  // namespace dream::ui
