#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The height of what went wrong; 0 when nothing has. Panels at the window's lower edge give way to it.
float faults_height(const Ui& ui);

/// What went wrong and what can be done, in words, along the window's lower edge: it covers nothing, and it goes when
/// its cause is cured or when it is dismissed.
void draw_faults(Ui& ui);

}  // namespace dream::ui
