#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// What went wrong, in words, over whatever workspace is shown: nothing below it moves, and it goes when its cause is
/// cured or when it is dismissed.
void draw_faults(Ui& ui);

}  // namespace dream::ui
