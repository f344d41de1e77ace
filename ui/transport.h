#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The hands below the pictures: which keys drive and where keys go, play and step, speed, temperature.
void draw_transport(Ui& ui, const DreamView& dream, float width, float hero_width);
float transport_height(const Ui& ui, float width);

}  // namespace dream::ui
