#pragma once
#include <vector>

#include "ui/desktop.h"
#include "ui/ui.h"

namespace dream::ui {

/// Every open panel in its window; where the docked ones stand, for paint_grounds().
std::vector<Ground> draw_panels(Ui& ui);

}  // namespace dream::ui
